"""What is given away: distributions, their metadata, and that they run elsewhere."""
