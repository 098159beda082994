"""What roll-ups take, and what a series costs who reads it."""
