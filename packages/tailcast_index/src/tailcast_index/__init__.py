"""What the records of a session mean, as pure functions over entries."""
