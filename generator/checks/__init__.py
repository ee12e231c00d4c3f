"""Refuse documents that the generator could not turn into a client exactly."""
