"""What decides in `commands`, and never acts: no loop, no clock, no I/O."""
