"""How every program of ours begins, before anything else is imported."""

import os
import sys

from tailcast_service.exits import take_signals
from tailcast_service.memory import collect_rarely


__all__ = ["begin"]

# structlog and httpx import these where they are installed, for colours that we do not
# use: a tenth of all that a service loads.
UNUSED = ("pygments", "rich")


def begin() -> None:
    """Be ready for signals, and load what follows quickly; call it first of all."""
    # A signal may arrive during the other imports.
    take_signals()
    collect_rarely()
    # Else pydantic goes through all that is installed, for plugins of its own.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # With None in its place, an import says that a module is not there.
    for name in UNUSED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # as Python has it
