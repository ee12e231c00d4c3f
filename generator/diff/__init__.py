"""Compare two versions of a client, by what changes for its users."""
