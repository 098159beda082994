"""How a file that began anew becomes a new generation of its session.

The lines that the rewrite kept at its front stay as they are. A file that is written
anew again and again begins a bounded number of generations. `progress` decides whether
it began anew, and `ownership` whether this tailer may declare that.
"""

from functools import partial
from typing import NamedTuple

from tailcast_streams.cuts import rotation_details
from tailcast_streams.entries import NewEntry
from tailcast_tailer.appending.appender import Stored, marker
from tailcast_tailer.core.past_files import past_file, remember
from tailcast_tailer.core.progress import Doubt, may_begin_anew, still_seconds
from tailcast_tailer.core.proofs import Verdict
from tailcast_tailer.files.file_system import Glimpse
from tailcast_tailer.files.looks import Look, Rested
from tailcast_tailer.files.portions import Place, Portion
from tailcast_tailer.files.session_file import SessionFile
from tailcast_tailer.files.threads import Run
from tailcast_tailer.following.context import FollowerContext
from tailcast_tailer.following.rewrites import (
    common_prefix,
    has_other_line,
    new_file,
)


class NewGeneration(NamedTuple):
    """A generation that is to be appended."""

    # What is stored then, and what is appended for it.
    after: Stored
    entries: list[NewEntry]
    # What the file showed, and the lines of it that are taken.
    look: Look
    portion: Portion
    # Why, how many bytes stay, and whether what was there before was read to its end.
    reason: str
    kept: int
    is_old_complete: bool
    # Whether it counts among those of a file that is written anew again and again.
    is_rewrite: bool


class Succeeding(NamedTuple):
    """How a file follows the one that was read."""

    # Whether that one was read whole, and whether nothing more comes of it, for all
    # that is known.
    is_whole: bool
    is_finished: bool
    # Whether nothing lies between the two, as far as names show.
    is_gapless: bool
    # Whether this is no rewrite, and whether names show that.
    is_rotation: bool
    was_renamed: bool
    # Whether it has the path; else it was rotated away too.
    has_path: bool = True
    # How it looks, if it has rested with a line that no newline ends.
    rested: Rested = None

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing before it, for all that is known."""
        return self.is_finished and self.is_gapless


class Generations:
    """The generations of one session, as far as this tailer began them."""

    def __init__(
        self, session: str, file: SessionFile, run: Run, context: FollowerContext
    ) -> None:
        self._session = session
        self._file = file
        self._run = run
        self._context = context
        # When a rewrite last began one, by a steady clock.
        self._began_at: float | None = None
        # A shorter file that was compared last, and whether its last line differed.
        self._compared: tuple[Glimpse, bool] | None = None

    def may_begin(self, doubt: Doubt | None) -> bool:
        """Whether a rewrite may begin one now; else the newest one does so later."""
        return may_begin_anew(
            self._began_at,
            doubt,
            now=self._context.clock(),
            is_network=self._context.is_network,
        )

    async def has_other_line(self, stored: Stored, look: Look) -> bool:
        """Whether a shorter file ends with a line that is not the one stored there.

        So it does when it was cut back to a checkpoint, and goes on from there.
        """
        if self._compared is None or self._compared[0] != look.glimpse:
            file = new_file(self._file, self._run)
            other = await has_other_line(
                self._context.writer, self._session, stored, file
            )
            self._compared = look.glimpse, other
        return self._compared[1]

    async def prepare(
        self,
        stored: Stored,
        seen: Look,
        *,
        nuls_until: int,
        succeeding: Succeeding | None = None,
    ) -> NewGeneration | None:
        """What is to be appended; None if the file is another one by now.

        Args:
            stored: what is believed to be stored.
            seen: the look by which the file began anew.
            nuls_until: up to where NULs are part of the file.
            succeeding: how the next file follows; None: the file was written anew.
        """
        kept = seen.continued_line
        if kept is None or succeeding is not None:
            kept = await self._kept(stored, succeeding)
        are_bytes = nuls_until >= kept
        place = await self._run(
            partial(self._file.place_at, kept, nuls_are_bytes=are_bytes)
        )
        if place is None:
            return None
        look = await self._look_ahead(place, succeeding, nuls_are_bytes=are_bytes)
        portion = look.portion
        if portion is None or self._is_due_later(place, look, succeeding):
            return None
        is_complete = succeeding is not None and succeeding.is_complete
        reason = _reason(stored, seen) if succeeding is None else "replaced"
        details = {"reason": reason, "complete": "true" if is_complete else "false"}
        if succeeding is not None and succeeding.was_renamed and not kept:
            details = rotation_details(details)
        entries = [marker(kept, details), *portion.reading.entries]
        moved = stored.moved_to(portion.place)
        generation, is_backlog = _generation_after(stored, succeeding)
        after = moved._replace(
            generation_start=kept,
            backlog_end=stored.backlog_end if is_backlog else 0,
            backlog_generation=stored.backlog_generation if is_backlog else 0,
            position=moved.position._replace(generation=generation),
            past=self._past(stored, succeeding, kept),
        )
        is_rewrite = succeeding is None or not succeeding.is_rotation
        return NewGeneration(
            after, entries, look, portion, reason, kept, is_complete, is_rewrite
        )

    async def _look_ahead(
        self, place: Place, succeeding: Succeeding | None, *, nuls_are_bytes: bool
    ) -> Look:
        """Look at what begins, until its first lines are seen.

        A generation without any line is stored without a proof of which file it is of.
        """
        look_on = partial(self._file.look_ahead, place, nuls_are_bytes=nuls_are_bytes)
        rested = None if succeeding is None else succeeding.rested
        look = await self._run(partial(look_on, rested=rested))
        while _has_nothing(look, place) and look.portion and look.portion.has_more:
            look = await self._run(partial(look_on, rested=rested))
        is_past = succeeding is not None and not succeeding.has_path
        if is_past and _has_nothing(look, place) and not self._may_change(look):
            shown = look.glimpse.size, look.glimpse.mtime_ns
            look = await self._run(partial(look_on, rested=shown))
        return look

    def _is_due_later(
        self, place: Place, look: Look, succeeding: Succeeding | None
    ) -> bool:
        """Whether what was rotated away has nothing but a line that may go on."""
        is_past = succeeding is not None and not succeeding.has_path
        return is_past and _has_nothing(look, place) and self._may_change(look)

    def _may_change(self, look: Look) -> bool:
        """Whether a file was written to just now; a time to come says nothing."""
        age = self._context.wall_clock() - look.glimpse.mtime_ns / 1e9
        return 0 <= age < still_seconds(is_network=self._context.is_network)

    async def _kept(self, stored: Stored, succeeding: Succeeding | None) -> int:
        """How much of the file is what was read before."""
        file = new_file(self._file, self._run)
        if succeeding is not None and succeeding.was_renamed:
            head = await file.check_head(stored.head_proof)
            if head is Verdict.DIFFERS:
                # Its first lines are its own, even if they are the same.
                return 0
        return await common_prefix(self._context.writer, self._session, stored, file)

    def _past(self, stored: Stored, succeeding: Succeeding | None, kept: int) -> str:
        """The files that were read before, with the one that is left if it exists.

        Where names come late it may, if nothing of it stands under its path any more.
        By nothing that was read no file is known.
        """
        if not stored.position.offset:
            return stored.past
        was_renamed = succeeding is not None and succeeding.was_renamed
        was_read = succeeding is not None and succeeding.is_whole
        comes_late = self._context.is_network and not kept
        if (was_renamed and was_read) or comes_late:
            return remember(stored.past, past_file(*stored.place[:3]))
        return stored.past

    def began(self, new: NewGeneration, began_at: float) -> None:
        """Note that it was appended; `began_at` is a time of the steady clock."""
        if new.is_rewrite:
            self._began_at = began_at
        self._context.instruments.generation_began(
            self._session,
            new.after.position.generation,
            reason=new.reason,
            kept=new.kept,
            complete=new.is_old_complete,
        )


def _has_nothing(look: Look, place: Place) -> bool:
    """Whether no line was taken behind a place, though something stands there."""
    portion = look.portion
    if portion is None or portion.place.offset > place.offset:
        return False
    return portion.has_more or portion.held_bytes > 0


def _generation_after(
    stored: Stored, succeeding: Succeeding | None
) -> tuple[int, bool]:
    """The number of the next generation, and whether what was there first goes on.

    Readers know which generation is the last of that: what has the path then is it,
    even if fewer files were left than were counted, and no rewrite is.
    """
    following, last = stored.position.generation + 1, stored.backlog_generation
    if last < following:
        return following, False
    if succeeding is None:
        return last + 1, False
    return (last if succeeding.has_path else following), True


def _reason(stored: Stored, look: Look) -> str:
    is_shorter = look.glimpse.size < stored.position.offset
    if look.was_replaced or (look.is_first and not is_shorter):
        return "replaced"
    return "truncated"
