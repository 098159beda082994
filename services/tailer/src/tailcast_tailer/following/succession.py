"""What follows a file that was read to its end, and when it is read.

A file that is rotated away is read first, for as long as it may grow; then each file
that was rotated away after it, in order, and then what has the path. Each is a
generation, and none of them counts as a rewrite. `progress` has the decisions, and
`rotation` which file it is.
"""

from functools import partial
from typing import NamedTuple

from tailcast_tailer.appending.appender import Stored
from tailcast_tailer.core.progress import (
    Doubt,
    is_finished,
    may_be_left,
    still_seconds,
)
from tailcast_tailer.core.proofs import Verdict
from tailcast_tailer.files.file_system import Glimpse
from tailcast_tailer.files.looks import Look, Next, Rested, Successor
from tailcast_tailer.files.session_file import SessionFile
from tailcast_tailer.files.threads import Run
from tailcast_tailer.following.context import FollowerContext
from tailcast_tailer.following.generations import Generations, Succeeding


# Between two looks at a file that may grow, and has another one at its path.
WAIT_SECONDS = 0.5
# How long it is looked at while nothing follows it yet.
HELD_SECONDS = 45.0
# A file that was put aside is newer than the last append if it is not older than this,
# where nothing else tells.
CLOCK_SECONDS = 2.0


class Waiting(NamedTuple):
    """What follows is not read yet."""

    # When to look again.
    delay: float
    # Whether it is a rewrite that came too soon.
    is_contested: bool = False


class Succession:
    """What follows the file of one session."""

    def __init__(
        self,
        file: SessionFile,
        run: Run,
        context: FollowerContext,
        generations: Generations,
    ) -> None:
        self._file = file
        self._run = run
        self._context = context
        self._generations = generations
        # What had the path at the latest look, and since when it is as it is.
        self._standing: tuple[Glimpse, float] | None = None
        # The file that lost it before anything was read of it, and since when it waits.
        self._unread: tuple[Glimpse, float] | None = None

    async def next(
        self, stored: Stored, look: Look, successor: Successor, *, moved_at: float
    ) -> Succeeding | Waiting:
        """What is to be read now that a file was read to its end.

        Args:
            stored: what is believed to be stored.
            look: the look that found its end.
            successor: what has the path.
            moved_at: when it last brought something.
        """
        now = self._context.clock()
        doubt = self._seen(successor, now)
        has_lines = stored.position.offset > 0
        quiet_seconds = (
            max(
                now - moved_at, self._context.wall_clock() - look.glimpse.mtime_ns / 1e9
            )
            if has_lines
            else now - self._unread_since(look.glimpse, now)
        )
        is_writable = None
        if not self._context.is_network:
            is_writable = await self._run(self._file.may_be_written)
        has_rest = look.glimpse.size > stored.position.offset
        if not may_be_left(
            is_writable=is_writable, has_rest=has_rest, quiet_seconds=quiet_seconds
        ):
            return Waiting(WAIT_SECONDS)
        following = await self._open(stored)
        if following is None:
            return Waiting(WAIT_SECONDS)
        rested = self._rested(successor, doubt, now)
        if following.has_path and not (successor.has_line or rested):
            await self._run(self._file.close_next)
            if successor.has_unended_line:
                return Waiting(WAIT_SECONDS)
            is_held = quiet_seconds < HELD_SECONDS
            return Waiting(2 * WAIT_SECONDS if is_held else quiet_seconds)
        is_rotation = following.is_rotation or successor.head is Verdict.DIFFERS
        is_rewrite = has_lines and not is_rotation
        if is_rewrite and not self._generations.may_begin(doubt):
            await self._run(self._file.close_next)
            return Waiting(WAIT_SECONDS, is_contested=True)
        return Succeeding(
            is_whole=True,
            is_finished=is_finished(
                is_writable=is_writable, has_rest=has_rest, has_lines=has_lines
            ),
            is_gapless=following.is_gapless,
            is_rotation=is_rotation,
            was_renamed=following.is_rotation,
            has_path=following.has_path,
            rested=rested if following.has_path else None,
        )

    async def next_of_lost(self, stored: Stored) -> Succeeding | None:
        """What is to be read where the file that was read is not to be found.

        None unless a file was rotated away since.
        """
        following = await self._open(stored, is_read=False)
        if following is None or following.has_path:
            await self._run(self._file.close_next)
            return None
        return Succeeding(
            is_whole=False,
            is_finished=False,
            is_gapless=False,
            is_rotation=True,
            was_renamed=True,
            has_path=False,
        )

    async def _open(self, stored: Stored, *, is_read: bool = True) -> Next | None:
        since_ms = stored.updated_ms - int(CLOCK_SECONDS * 1_000)
        return await self._run(
            partial(
                self._file.open_next,
                stored.past,
                since_ms=0 if stored.past else since_ms,
                is_read=is_read,
            )
        )

    def _rested(self, successor: Successor, doubt: Doubt, now: float) -> Rested:
        """How what has the path looks if its only line is taken without a newline."""
        still = still_seconds(is_network=self._context.is_network)
        if not successor.has_unended_line or now - doubt.still_since < still:
            return None
        return successor.glimpse.size, successor.glimpse.mtime_ns

    def _unread_since(self, glimpse: Glimpse, now: float) -> float:
        """Since when the file waits: its age says nothing of who is to write to it."""
        if self._unread is None or self._unread[0] != glimpse:
            self._unread = glimpse, now
        return self._unread[1]

    def _seen(self, successor: Successor, now: float) -> Doubt:
        glimpse = successor.glimpse
        if self._standing is None or self._standing[0] != glimpse:
            self._standing = glimpse, now
        since = self._standing[1]
        return Doubt(since, glimpse.size, glimpse.mtime_ns, since, 0)
