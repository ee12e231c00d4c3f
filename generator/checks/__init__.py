"""Refuse a document that cannot be trusted."""
