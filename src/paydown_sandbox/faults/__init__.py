"""Make the sandbox fail on purpose."""
