"""Read the files of a document, join them, and answer questions about the result."""
