"""What decides in `resume`, and never acts: no loop, no clock, no I/O."""
