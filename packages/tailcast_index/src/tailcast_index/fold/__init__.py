"""What all records of a session say together, folded entry by entry."""
