"""`python -m tailcast.child SERVICE`: how `up` starts its services.

What they are told is in the environment: no command line is read, and what reads one is
not loaded.
"""

# ruff: noqa: E402  # a signal may come while the rest is being imported

from tailcast_service.start import begin


begin()

import sys
from importlib import import_module

from tailcast_service.exits import run_as_command


if __name__ == "__main__":
    (service,) = sys.argv[1:]
    sys.exit(run_as_command(import_module(f"tailcast_{service}.main").serve))
