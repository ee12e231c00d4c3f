"""Describe the client that a document asks for: names, types and facts, before anything is written."""
