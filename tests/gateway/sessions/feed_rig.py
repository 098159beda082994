"""The feed of a replica, over a broker in memory and the watchers of a stage."""

from tailcast_gateway.limits import DEFAULT_QUOTAS
from tailcast_gateway.sessions.feed import (
    Feed,
)
from tailcast_streams.notification import format_moved
from tests.gateway.sessions.rig import Sessions


# A canary of this replica.
OWN = "!canary:me:1"


class Feeding(Sessions):
    """Sessions, and who reads them."""

    def __init__(self, **sizes: int) -> None:
        super().__init__(**sizes)
        # What others said that is neither a session nor a canary.
        self.notes: list[str] = []
        # The wall clock, Unix milliseconds.
        self.wall_ms = 5_000
        self.feed = Feed(
            self.broker,
            self.hub,
            replica="me",
            on_note=self.notes.append,
            on_contests=lambda _: None,
            spawn=self.spawn,
            clock=lambda: self.now,
            wall_clock_ms=lambda: self.wall_ms,
            broker_clock=self.broker_clock,
            quotas=DEFAULT_QUOTAS,
            instruments=self.instruments,
        )

    def hear(self, *sessions: str, written_ms: int = 0) -> None:
        """Hints say that these moved."""
        for session in sessions:
            self.feed.notified(format_moved(session, written_ms))

    async def read(self) -> None:
        """Read until nothing is marked any more."""
        while self.feed._dirty:
            assert await self.feed.read_dirty()

    def metric(self, name: str) -> float:
        """What one line of the metrics says."""
        start = f"tailcast_gateway_{name} "
        lines = self.instruments.exposition().decode().splitlines()
        (value,) = (line for line in lines if line.startswith(start))
        return float(value.removeprefix(start))
