"""Choose what the published pages leave open: the table of choices, and the options that follow from it."""

from paydown_sandbox.choices.choice_table import Choice, draw, table

__all__ = ["Choice", "draw", "table"]
