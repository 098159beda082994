"""What decides in `connections`, and never acts: no loop, no clock, no I/O."""
