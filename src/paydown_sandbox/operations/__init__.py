"""Answer the calls of the document: one module for each resource."""
