"""Behave as one of the exchanges that the published pages allow, by choice: one module for each topic."""
