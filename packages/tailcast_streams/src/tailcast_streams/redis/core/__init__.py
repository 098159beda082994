"""What decides about replies, and never acts: no loop, no clock, no I/O."""
