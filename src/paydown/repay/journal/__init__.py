"""Keep the durable record of plans and attempts, and hold the account while it is written."""
