"""Handle the operations of the document: one module for each resource, and what they share."""
