"""Decide who may repay for an account: its identity, its lock, and the memory next to the lock."""
