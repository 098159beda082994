"""What a stack lets the checker do to it, whatever it is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Outage:
    """One way in which one part goes away, and how it comes back. Both may block."""

    name: str
    begin: Callable[[], object]
    end: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Gateway:
    """One gateway, as it is restarted. All calls may block."""

    name: str
    # Ends it by SIGKILL.
    kill: Callable[[], object]
    # Ends it by SIGTERM, and returns its exit code.
    stop: Callable[[], int]
    # Returns when it is ready.
    start: Callable[[], object]


class Stack(Protocol):
    """A running system: a broker, a tailer and gateways over one log directory."""

    # Where writers make their files.
    telemetry: Path
    # How long an outage may be, in seconds; one is chosen by chance.
    outage_seconds: tuple[float, ...]

    @property
    def is_indexed(self) -> bool:
        """Whether it has indexers."""
        ...

    @property
    def urls(self) -> list[str]:
        """Where clients may connect."""
        ...

    async def start(self) -> None:
        """Start everything that does not run, and wait until clients are served."""
        ...

    def stop(self) -> None:
        """End everything that is its own."""
        ...

    def outages(self) -> list[list[Outage]]:
        """What may befall each part; alike parts are one."""
        ...

    def restartable(self) -> list[Gateway]:
        """The gateways that run."""
        ...

    def wipe(self) -> None:
        """Make the broker lose all its data. It may block."""
        ...

    def contradiction(self) -> str:
        """What it says of itself and is not so, "" if nothing. It may block."""
        ...
