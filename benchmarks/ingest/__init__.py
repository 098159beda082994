"""File → stream: how fast, at what cost, how soon."""
