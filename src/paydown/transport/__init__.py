"""Carry one request to the exchange and its answer back: over own connections, a proxy, or httpx."""
