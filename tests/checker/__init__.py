"""The checker: writers, resuming clients and faults against a running stack.

Afterwards every client must have exactly the lines of the files, in order. One program
for all lengths: seconds in `make test`, hours by `python -m tests.checker`. A run is
chosen by its seed. What a client was told otherwise (`gap`, `rewind`) counts as a fault
here, because nothing that this plan does takes lines out of a file; unless writers cut
their files (`cuts`), and clients take back what a `rewind` says.
"""
