"""Describe the client that follows from a document, as plain data."""
