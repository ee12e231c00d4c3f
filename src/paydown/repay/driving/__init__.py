"""Carry out the commands of a run with a client, blocking or awaited."""
