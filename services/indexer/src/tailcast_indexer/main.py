"""The entry point of the indexer; `tailcast_service.program` runs it."""

import os
from contextlib import suppress
from pathlib import Path

from tailcast_service.start import begin


__all__ = ["main", "serve"]

# An index may be late by a second or two, and a record or its writer must not be late
# for it: where everything computes, it has a third of what another process has.
NICENESS = 5
# Linux may share time between sessions first, and `up` makes one for each service.
_OF_SESSION = Path("/proc/self/autogroup")


def main() -> None:
    """The entry point of `tailcast-indexer`."""
    begin()
    from tailcast_service.program import run_program  # noqa: PLC0415  # as said above

    run_program("indexer", serve)


def serve(**flags: str | None) -> None:
    """Run the indexer until a signal ends it; None is a flag that was not given."""
    from tailcast_indexer.settings import IndexerSettings  # noqa: PLC0415  # as above
    from tailcast_service import program  # noqa: PLC0415  # as above

    give_way()
    program.serve("indexer", IndexerSettings, **flags)


def give_way() -> None:
    """Let tailers, gateways and training jobs on this machine go first."""
    os.nice(NICENESS)
    if os.getsid(0) == os.getpid():
        with suppress(OSError):
            _OF_SESSION.write_text(f"{NICENESS}")
