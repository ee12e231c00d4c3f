"""Read, write and build the state document of a sandbox."""
