"""One suite over every adapter of the broker's ports."""
