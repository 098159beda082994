"""What decides in `delivery`, and never acts: no loop, no clock, no I/O."""
