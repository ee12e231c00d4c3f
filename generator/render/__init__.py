"""Write the client's files from its description."""
