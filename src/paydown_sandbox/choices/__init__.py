"""What the published pages leave open: the table of choices, and the settings that follow from it."""
