"""Plan a repayment: check what is asked, read what is needed, and cut the debt into legal pieces."""
