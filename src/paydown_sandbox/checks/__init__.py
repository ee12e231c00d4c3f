"""Check a request before anything is executed: key, signature, clock, parameters and limits."""
