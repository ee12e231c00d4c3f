"""Hold the answers of a server to the rules of the document."""
