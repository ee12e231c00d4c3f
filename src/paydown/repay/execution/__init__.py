"""Work a plan off: decide what comes next, and carry it out through a client."""
