"""The control API under /_sandbox/: read and change a sandbox while it serves."""
