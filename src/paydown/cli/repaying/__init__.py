"""Commands that move money, or settle attempts."""
