"""Every speed claim of the README, measured: `make bench`, or `python -m benchmarks [SECTION ...]`."""
