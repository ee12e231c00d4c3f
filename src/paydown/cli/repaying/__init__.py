"""Commands that move money, or settle what became of it."""
