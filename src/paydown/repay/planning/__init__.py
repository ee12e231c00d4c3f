"""Plan a repayment: check the request, read the account, and cut the debt into legal pieces."""
