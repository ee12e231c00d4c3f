"""Write the variants of a valid request that a server must distinguish, one kind of variant per module."""
