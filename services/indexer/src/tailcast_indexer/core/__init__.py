"""What decides and never acts: no loop, no clock, no broker."""
