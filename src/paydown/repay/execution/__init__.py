"""Work a plan off: decide what comes next, and ask for it by commands."""
