"""Serve the sandbox: over a socket, in this process, and to its control API."""
