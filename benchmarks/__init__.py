"""Measure every speed claim of the README: `make bench`, or `python -m benchmarks [SECTION ...]`."""
