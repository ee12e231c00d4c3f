"""Behave as one of the exchanges that the published pages allow: one module for each topic of the choices."""
