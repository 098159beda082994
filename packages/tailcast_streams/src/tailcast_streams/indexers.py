"""Indexers: the processes that keep indexes, who of them is there, and who does what.

Pure. Each says again and again that it is there, and how it is. Those that are there
share the sessions by a rule that each works out for itself. Nothing but speed depends
on it that they agree: an index is protected by its write, which compares.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple, Protocol


class Indexer(NamedTuple):
    """An indexer, as it says of itself."""

    # Another one for each process.
    name: str
    version: str
    # When it began, by the broker's clock, Unix milliseconds.
    since_ms: int
    # How many sessions it keeps, how many of them have entries that it has not read,
    # and for how long the oldest of those has waited.
    sessions: int
    behind: int
    lag_ms: int


class Indexers(Protocol):
    """The indexers of a broker; every call may raise `BrokerError`."""

    async def hold(self, indexer: Indexer, *, seconds: float) -> list[Indexer]:
        """Say that an indexer is there, for some seconds; returns all that are there.

        They are sorted by name.
        """
        ...

    async def present(self) -> list[Indexer]:
        """Read which indexers are there, sorted by name."""
        ...

    async def withdraw(self, name: str) -> None:
        """Say that an indexer is gone."""
        ...


def indexer_of(session: str, names: Iterable[str]) -> str:
    """Which of these indexers keeps a session; "" if there are none.

    By rendezvous hashing: if one comes or goes, only its own sessions change hands.
    """
    return max(names, key=lambda name: _weight(session, name), default="")


def _weight(session: str, name: str) -> bytes:
    text = f"{session}\0{name}".encode(errors="replace")
    return blake2b(text, digest_size=8).digest()
