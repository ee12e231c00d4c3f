"""One call, from arguments to a result or an exception."""
