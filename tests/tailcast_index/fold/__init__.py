"""What all records of a session say together."""
