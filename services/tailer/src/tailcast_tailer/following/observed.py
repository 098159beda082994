"""One file as this tailer sees it: what the latest look saw, and how it is looked at.

Whatever was rotated away before anything of it was read is found and held first, since
nothing of it is at the path any more.
"""

from functools import partial

from tailcast_tailer.appending.appender import Stored
from tailcast_tailer.files.file_system import Glimpse
from tailcast_tailer.files.looks import Look, Rested
from tailcast_tailer.files.session_file import SessionFile
from tailcast_tailer.files.threads import Jobs
from tailcast_tailer.following.context import FollowerContext
from tailcast_tailer.following.ownership import Ownership
from tailcast_tailer.following.succession import CLOCK_SECONDS


class ObservedFile:
    """The file of one session, as looks see it."""

    def __init__(
        self,
        file: SessionFile,
        jobs: Jobs,
        context: FollowerContext,
        ownership: Ownership,
    ) -> None:
        # Touched by its jobs alone.
        self._file = file
        self._jobs = jobs
        self._context = context
        self._ownership = ownership
        # What the path showed last; None before the first look, and while it cannot
        # be seen. And how many bytes there were.
        self.glimpse: Glimpse | None = None
        self.size = 0

    @property
    def activity_ms(self) -> int:
        """When the file changed last, Unix milliseconds, never in the future."""
        if self.glimpse is None:
            return int(self._context.wall_clock() * 1_000)
        return self._context.not_after_now(self.glimpse.mtime_ns)

    @property
    def age_seconds(self) -> float:
        """Seconds since the file's modification time; 0 if that is not known."""
        if self.glimpse is None:
            return 0.0
        return max(0.0, self._context.wall_clock() - self.glimpse.mtime_ns / 1e9)

    def note(self, look: Look) -> None:
        """Take what a look saw."""
        if look.at_path is not None:
            self.sighted(look.at_path)
            self.size = look.glimpse.size

    def sighted(self, glimpse: Glimpse) -> None:
        """Take what the path shows."""
        self.glimpse, self.size = glimpse, glimpse.size
        self._jobs.device = glimpse.identity.device
        self._ownership.sighted()

    async def look(
        self, stored: Stored, *, nuls_are_bytes: bool, rested: Rested
    ) -> Look:
        """Look at what follows what is stored.

        Args:
            stored: what is believed to be stored.
            nuls_are_bytes: whether NULs at its end are part of the file.
            rested: how the file must look for its last line to be taken without a
                newline; None: it is not taken.
        """
        work = partial(self._look, stored, nuls_are_bytes=nuls_are_bytes, rested=rested)
        look = await self._jobs(work)
        self._context.instruments.looked(in_loop=False)
        return look

    def look_first(
        self, stored: Stored, most_bytes: int, *, holds: bool
    ) -> Glimpse | Look | None:
        """What `SessionFile.first_look` sees; None if a turn is to see. Blocking."""
        seen = self._file.first_look(stored.place, most_bytes=most_bytes, holds=holds)
        # Asked for afterwards: it may be rotated at any time.
        if self._find_oldest(stored):
            return None
        if seen is not None:
            self._context.roots.saw(self._file.path)
        return seen

    def _look(self, stored: Stored, *, nuls_are_bytes: bool, rested: Rested) -> Look:
        look_on = partial(
            self._file.look, stored.place, nuls_are_bytes=nuls_are_bytes, rested=rested
        )
        has_past = self._find_oldest(stored)
        look = look_on()
        if not has_past and self._find_oldest(stored):
            # It was rotated before it was opened.
            look = look_on()
        if look.at_path is not None:
            path = self._file.path
            self._context.roots.saw(path)
            self._context.devices.meet(look.at_path.identity.device, path)
        return look

    def _find_oldest(self, stored: Stored) -> bool:
        """Hold what was rotated away before anything was read; for a thread.

        A generation whose file was cut to nothing has no proof of which file it is of:
        it is of what was written after that.
        """
        position = stored.position
        if position.offset:
            return False
        since_ns = (stored.updated_ms - CLOCK_SECONDS * 1_000) * 1_000_000
        return self._file.find_oldest(
            (lambda glimpse: glimpse.mtime_ns >= since_ns)
            if position.incarnation
            else self._context.is_young,
            past=stored.past,
            asks_writers=not self._context.is_network,
        )
