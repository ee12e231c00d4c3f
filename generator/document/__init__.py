"""Read a document: its files, bounds and references."""
