"""What the followers of one tailer share. Values and types only."""

from collections.abc import Callable
from dataclasses import dataclass, field
from weakref import WeakSet

from tailcast_streams.broker import SessionWriter
from tailcast_tailer.appending.appender import Appender
from tailcast_tailer.files.devices import Devices
from tailcast_tailer.files.file_system import Glimpse
from tailcast_tailer.files.roots import Roots
from tailcast_tailer.following.ahead import Ahead
from tailcast_tailer.following.claimant import Claimant
from tailcast_tailer.following.fates import Fates
from tailcast_tailer.following.start_note import StartNote
from tailcast_tailer.instruments import Instruments


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowerContext:
    """The parts and options that followers use."""

    writer: SessionWriter
    appender: Appender
    instruments: Instruments
    # Decide whether a session may begin anew, and whether a file is absent.
    claimant: Claimant
    roots: Roots
    # Which files may be looked at in the loop.
    devices: Devices
    # Is told what keeps files from being followed.
    fates: Fates
    # Seconds: of a steady clock, and since 1970.
    clock: Callable[[], float]
    wall_clock: Callable[[], float]
    # Whether files that are there at the start are read from their end.
    starts_at_end: bool
    # Whether those are files that a tailer has seen before.
    start_note: StartNote
    is_network: bool
    # A file without a state that has not changed for longer is not taken in.
    session_ttl: float
    # Files of which more was read than turns have taken.
    ahead: WeakSet[Ahead] = field(default_factory=WeakSet[Ahead])

    def not_after_now(self, mtime_ns: int) -> int:
        """A modification time as Unix milliseconds, never in the future."""
        now_ms = int(self.wall_clock() * 1_000)
        return max(0, min(now_ms, mtime_ns // 1_000_000))

    def is_young(self, glimpse: Glimpse) -> bool:
        """Whether a file has changed within the time that sessions live."""
        return self.wall_clock() - glimpse.mtime_ns / 1e9 <= self.session_ttl
