"""Programs for those who work on paydown; users of the package never import them."""
