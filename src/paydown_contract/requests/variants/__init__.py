"""Write the variants of a valid request that a server must tell apart, one kind of variant per module."""
