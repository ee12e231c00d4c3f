"""Work a plan off: decide on the next step, and ask for it by a command."""
