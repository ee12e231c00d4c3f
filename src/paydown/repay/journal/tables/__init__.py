"""Read and write the journal's tables, one class a table."""
