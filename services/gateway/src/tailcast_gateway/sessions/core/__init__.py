"""What decides in `sessions`, and never acts: no loop, no clock, no I/O."""
