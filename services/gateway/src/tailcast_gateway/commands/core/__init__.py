"""What decides in this room and never acts: no loop, no clock, no I/O."""
