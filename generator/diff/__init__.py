"""Compare two versions of a client, by their effect on users."""
