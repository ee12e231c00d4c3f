"""Hold answers to the document's rules."""
