"""One telemetry file and its session: from a look to a batch, one turn at a time.

Binds the pure decisions (`progress`) to the file (`session_file`) and the broker. A
turn is at most one batch; the pipeline decides when there is one. The follower relies
on its knowledge of what is stored until the broker contradicts it, and then asks again.
"""

import asyncio
import contextlib
import math
from collections.abc import Callable
from functools import cached_property, partial
from typing import NamedTuple

from tailcast_streams.entries import NewEntry
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.session_state import (
    Appended,
    SessionState,
    StoredPosition,
)
from tailcast_tailer.appending.appender import (
    Addition,
    CannotBeTaken,
    Prepared,
    Stored,
    marker,
)
from tailcast_tailer.appending.session_bound import REFUSED_SECONDS, TooManySessions
from tailcast_tailer.core.progress import (
    Action,
    Doubt,
    judge,
    second_look_seconds,
)
from tailcast_tailer.core.proofs import HEAD_BYTES
from tailcast_tailer.core.texts import as_stored
from tailcast_tailer.files.file_system import (
    CannotBeSeen,
    Glimpse,
    Identity,
    glimpse,
)
from tailcast_tailer.files.looks import Look, Rested, Source, Successor
from tailcast_tailer.files.portions import Portion
from tailcast_tailer.files.session_file import SessionFile
from tailcast_tailer.files.threads import Jobs
from tailcast_tailer.finding.listing import Known
from tailcast_tailer.following.ahead import Ahead
from tailcast_tailer.following.beginning import Beginning
from tailcast_tailer.following.belief import Belief
from tailcast_tailer.following.context import FollowerContext
from tailcast_tailer.following.fates import LET_READ, MAKE_ROOM, Trouble
from tailcast_tailer.following.generations import Generations, Succeeding
from tailcast_tailer.following.last_line import LastLine
from tailcast_tailer.following.middle import Middle
from tailcast_tailer.following.observed import ObservedFile
from tailcast_tailer.following.ownership import Ownership
from tailcast_tailer.following.succession import (
    Succession,
    Waiting,
)


# Until the next attempt after a rewrite was refused, and after one that came too soon.
REWRITE_RETRY_SECONDS = 2.0
REWRITE_WAIT_SECONDS = 0.5
# Until a file without any line is looked at again whose past may get some, at least;
# it takes as long as that was so.
LEAST_UNREAD_SECONDS = 1.0
AT_ONCE = 0.0


class FirstLook(NamedTuple):
    """What a thread does before the first turn of a file."""

    # What is stored of it.
    stored: Stored
    # Given how many bytes it may read.
    look: Callable[[int], Glimpse | Look | None]


class QuickLook(NamedTuple):
    """What a look in the loop found."""

    # What is to be appended; None if there is nothing new.
    prepared: Prepared | None


class Follower:
    """Follows one file into one session."""

    def __init__(
        self,
        session: str,
        file: SessionFile,
        jobs: Jobs,
        context: FollowerContext,
        *,
        was_there_at_start: bool,
    ) -> None:
        self.session = session
        self.path = file.path
        self._path_text = as_stored(file.path)
        # Touched by its jobs alone.
        self._file = file
        self._jobs = jobs
        self._context = context
        self._beginning = Beginning(
            session, file, jobs, context, was_there_at_start=was_there_at_start
        )
        # (Where another tailer began a generation, what is held is of an earlier one.)
        self._belief = Belief(session, context, on_begun_elsewhere=self.release)
        # Whether this tailer may say that the file began anew.
        self._ownership = Ownership(session, file.path, jobs, context)
        self._observed = ObservedFile(file, jobs, context, self._ownership)
        # Kept while the file does not look as it was stored.
        self._doubt: Doubt | None = None
        # NULs up to this offset were there long enough to be part of the file.
        self._nuls_until = -1
        self._last_line = LastLine(session, context)
        self._middle = Middle(session, file, jobs, context)
        self._ahead = Ahead(context.ahead)
        self._began_at = context.clock()
        # Until when there is no room for it, steady seconds.
        self._refused_until = -math.inf

    @cached_property
    def _generations(self) -> Generations:
        # Most files never have another one.
        return Generations(self.session, self._file, self._jobs, self._context)

    @cached_property
    def _succession(self) -> Succession:
        return Succession(self._file, self._jobs, self._context, self._generations)

    @property
    def has_parts(self) -> bool:
        """Whether it is a run that is written as numbered files."""
        return self._file.has_parts

    @property
    def directory(self) -> str:
        """The directory whose documents are about it."""
        return self._file.directory

    @property
    def look_path(self) -> str:
        """The path that shows whether it changed."""
        return self._file.look_path

    @property
    def device(self) -> int | None:
        """The number of the device that it is on; None while that is not known."""
        return self._jobs.device

    @property
    def glimpse(self) -> Glimpse | None:
        """What the latest look saw; None before it, and while it cannot be seen."""
        return self._observed.glimpse

    @property
    def believed(self) -> StoredPosition | None:
        """The position that should be stored; None if it will be asked for anyway."""
        return self._belief.position

    @property
    def incarnation(self) -> str:
        """The life of its stream, if this tailer appended last to it; else ""."""
        return self._belief.incarnation

    @property
    def appended_at(self) -> float | None:
        """When something of it was last appended, steady seconds; None: not here."""
        return self._belief.appended_at

    @property
    def sightings(self) -> int:
        """How often a file was seen to have the path."""
        return self._ownership.sightings

    @property
    def bytes_behind(self) -> int:
        """How much of the file is not in the broker."""
        position = self._belief.position
        if self.glimpse is None or position is None:
            return 0
        return max(0, self._observed.size - position.offset)

    @property
    def activity_ms(self) -> int:
        """When the file changed last, Unix milliseconds, never in the future."""
        return self._observed.activity_ms

    @property
    def age_seconds(self) -> float:
        """Seconds since the file's modification time; 0 if that is not known."""
        return self._observed.age_seconds

    @property
    def known(self) -> Known | None:
        """What the session has of its files; None if that is not known."""
        stored = self._belief.stored
        if stored is None:
            return None
        return Known(stored.place, stored.past, self._file.held)

    def is_session_of(self, identity: Identity) -> bool:
        """Whether the file that the file system calls so is its own, under its path."""
        return self._file.may_be(identity)

    def move(self, path: str) -> None:
        """It was renamed: look for it there."""
        self.path = path
        self._path_text = as_stored(path)
        self._ownership.move(path)
        self._jobs.send(partial(self._file.move, path))

    @property
    def rested_at(self) -> float | None:
        """When it has rested and is to be looked at again, steady seconds; or None."""
        line, middle = self._last_line.rested_at, self._middle.due_at
        if line is None or middle is None:
            return middle if line is None else line
        return min(line, middle)

    @property
    def jobs(self) -> Jobs:
        """What touches its file."""
        return self._jobs

    def reload_state(self) -> None:
        """Ask the broker what is stored before the next batch."""
        self._belief.forget()
        self._ahead.drop()

    def taken_out(self) -> None:
        """The broker keeps it no more: it begins anew once its file goes on."""
        if (position := self._belief.position) is not None:
            self._beginning.was_read(position)
        self.session_deleted()

    def session_deleted(self) -> None:
        """Nothing is stored any more; that was intended, so nothing is read again."""
        self._belief.deleted()

    @property
    def open_since(self) -> float | None:
        """When the open file last had something new; None if none is open."""
        return self._moved_at if self._file.is_open else None

    @property
    def _moved_at(self) -> float:
        """When a look last brought something, steady seconds; else the beginning."""
        appended_at = self._belief.appended_at
        return self._began_at if appended_at is None else appended_at

    def release(self) -> None:
        """Close the file's descriptor, after the jobs that are under way."""
        self._ahead.drop()
        if self._file.is_open or self._jobs.is_busy:
            self._jobs.send(self._file.release)

    async def turn(self) -> float | None:
        """Append at most one batch.

        Returns the seconds after which another turn is due whatever the file does, 0 at
        once; None: when it changes. Raises BrokerError; nothing is lost by it.
        """
        if (wait := self._refused_until - self._context.clock()) > 0:
            return wait
        stored = self._belief.stored
        if stored is None:
            stored = self.know(await self._context.writer.load(self.session))
        if stored.is_out:
            return await self._come_back(stored)
        if self._belief.is_diverged:
            return await self._mend(stored)
        try:
            delay = await self._look_and_act(stored)
        except CannotBeSeen as error:
            self._context.instruments.cannot_see(self._path_text, str(error))
            if error.is_absent:
                self._context.fates.forget(self.session)
            else:
                self._context.fates.troubled(
                    self.session, self.path, Trouble.UNSEEN, str(error), LET_READ
                )
            # However it looks when it is back, that is a change.
            self._observed.glimpse = None
            return await self._unseen(stored, is_absent=error.is_absent)
        except TooManySessions as error:
            return self._refuse(error)
        self._context.instruments.can_see(self._path_text)
        self._context.fates.fine(
            self.session, self.path, Trouble.UNSEEN, Trouble.CROWDED
        )
        self._context.instruments.bytes_behind(self.path, self.bytes_behind)
        return delay

    def first_look(self, *, holds: bool) -> FirstLook | None:
        """What a thread does before the first turn; None if that is not known yet."""
        stored = self._belief.stored
        if stored is None or self._belief.is_diverged:
            return None
        is_new = not stored.position.incarnation
        is_at_end = is_new and self._beginning.is_at_end
        if is_at_end or stored.partial_bytes or self.has_parts:
            return None
        look = partial(self._observed.look_first, stored, holds=holds)
        return FirstLook(stored, look)

    def looked(self, first: FirstLook, seen: Glimpse | Look | None) -> bool:
        """Take what the first look saw; whether a turn is due."""
        if seen is None or self._belief.stored is not first.stored:
            return True
        if isinstance(seen, Look):
            self._observed.note(seen)
            self._ahead.keep(first.stored.place, seen)
            return True
        self._observed.sighted(seen)
        self._middle.seen(seen)
        # Who was told that it is gone is to be told that it is back.
        return first.stored.gone_since_ms > 0

    @property
    def is_prompt(self) -> bool:
        """Whether `quick_look` may do in the place of a turn."""
        return (
            self._belief.stored is not None
            and self._file.is_open
            and self._context.devices.are_prompt(self._jobs.device)
            and not self._context.is_network
        )

    def _is_simple(self, stored: Stored) -> bool:
        """Whether nothing is to be decided: the file grows, and that is all."""
        return (
            stored.position.offset > HEAD_BYTES
            and not (self._belief.is_diverged or stored.is_out)
            and not (stored.partial_bytes or stored.gone_since_ms)
            and (self._doubt or self._middle.due_at) is None
            and self._ahead.is_empty
            and self._last_line.is_idle
            and not self._ownership.is_disputed
            and self.glimpse is not None
            and self._nuls_until < stored.position.offset
            and stored.owner == self._context.appender.owner
            and stored.path == self._path_text
        )

    def quick_look(self) -> QuickLook | None:
        """Look at the file here and now; None if that does not do: a turn does.

        What it prepares is to be appended next, and `took` told what became of it.
        """
        stored = self._belief.stored
        if stored is None or not (self.is_prompt and self._is_simple(stored)):
            return None
        look = self._jobs.here(partial(self._file.quick_look, stored.place))
        if look is None or look.portion is None:
            return None
        self._context.instruments.looked(in_loop=True)
        has_news = look.portion.place.offset > stored.position.offset
        if not has_news and look.glimpse != self.glimpse:
            # Something else changed, and a turn finds out what.
            return None
        self._observed.note(look)
        if not has_news:
            return QuickLook(None)
        after = stored.moved_to(look.portion.place)
        entries = look.portion.reading.entries
        addition = self._addition(after, entries, look.portion, look)
        prepared = self._context.appender.prepare(
            self.session, self._path_text, stored, addition
        )
        if prepared is None:
            return None
        self._middle.seen(look.glimpse)
        return QuickLook(prepared)

    def took(self, prepared: Prepared, outcome: Appended | BrokerError | None) -> bool:
        """Take what became of what a quick look prepared; whether it was appended.

        Else a turn finds out what is stored, and tells what is amiss.
        """
        if self._belief.stored is not prepared.before:
            return False
        if outcome is Appended.DONE:
            self._belief.appended(prepared.after)
            self._context.instruments.bytes_behind(self.path, self.bytes_behind)
            return True
        if isinstance(outcome, Appended):
            self._belief.refused(outcome)
        self.reload_state()
        return False

    def know(self, state: SessionState | None) -> Stored:
        """Take what is stored, as the broker said it just now."""
        return self._belief.know(state, activity_ms=self.activity_ms)

    async def _look_and_act(self, stored: Stored) -> float | None:
        place = stored.place
        if not stored.position.incarnation and self._beginning.is_at_end:
            return await self._begin_at_end(stored)
        look = self._ahead.take(place)
        if look is None:
            look = await self._see(stored, rested=self._last_line.ask())
            self._observed.note(look)
        seen = look.seen_from(place.offset)
        if look.source is Source.PATH and seen.size < place.offset:
            other = await self._generations.has_other_line(stored, look)
            seen = seen._replace(has_other_line=other)
        judgement = judge(
            place.offset,
            seen,
            self._doubt,
            now=self._context.clock(),
            is_network=self._context.is_network,
        )
        self._doubt = judgement.doubt
        if judgement.action is Action.READ and look.portion is not None:
            return await self._take(stored, look, look.portion)
        if judgement.action is Action.NEW_GENERATION:
            if look.source is Source.HELD:
                # What lost its path says nothing of what has it now.
                await self._jobs(self._file.release)
                self._doubt = None
                return AT_ONCE
            return await self._declare(stored, look)
        if judgement.action is Action.TAKE_NULS:
            self._context.instruments.hole_taken(self.session, place.offset)
            self._nuls_until = look.glimpse.size
            self._doubt = None
            return AT_ONCE
        return second_look_seconds(is_network=self._context.is_network)

    async def _see(self, stored: Stored, *, rested: Rested) -> Look:
        nuls_are_bytes = self._nuls_until >= stored.place.offset
        return await self._observed.look(
            stored, nuls_are_bytes=nuls_are_bytes, rested=rested
        )

    async def _take(self, stored: Stored, look: Look, portion: Portion) -> float | None:
        if look.successor is not None:
            return await self._succeed(stored, look, portion, look.successor)
        await self._ownership.settle()
        if look.source is Source.PATH:
            self._middle.seen(look.glimpse)
        if portion.place.offset == stored.position.offset:
            return await self._nothing_new(stored, look, portion)
        if stored.position.incarnation:
            entries = portion.reading.entries
            after = stored.moved_to(portion.place)
        elif self._beginning.is_too_old(look):
            return None
        else:
            entries = [marker(0), *portion.reading.entries]
            after = self._begun(stored.moved_to(portion.place), look)
        if portion.has_more and look.source is Source.PATH and self._ahead.has_room:
            return await self._append_and_see(stored, after, entries, portion, look)
        done = await self._append(stored, after, entries, portion, look)
        now_stored = self._belief.stored
        if not done or now_stored is None or portion.has_more:
            return AT_ONCE
        await self._last_line.note(now_stored, look, portion)
        if look.source is Source.PATH:
            return AT_ONCE if portion.has_nul else None
        return AT_ONCE

    async def _append_and_see(
        self,
        stored: Stored,
        after: Stored,
        entries: list[NewEntry],
        portion: Portion,
        look: Look,
    ) -> float:
        """Append a portion of a backlog, and see what follows meanwhile."""
        seeing = asyncio.ensure_future(self._see(after, rested=None))
        try:
            if await self._append(stored, after, entries, portion, look):
                # Whatever was amiss with the look, the next turn's finds it again.
                with contextlib.suppress(CannotBeSeen):
                    following = await seeing
                    self._observed.note(following)
                    self._ahead.keep(after.place, following)
        finally:
            seeing.cancel()
            # Where nothing was appended nobody else asks how it ended.
            await asyncio.gather(seeing, return_exceptions=True)
        return AT_ONCE

    async def _nothing_new(
        self, stored: Stored, look: Look, portion: Portion
    ) -> float | None:
        if portion.has_more:
            return AT_ONCE
        after = await self._last_line.note(stored, look, portion)
        self._belief.change(stored, after)
        if after is None:
            return AT_ONCE
        if look.source is not Source.PATH:
            return await self._unseen(after, is_absent=True)
        back = await self._ownership.take_back(after)
        self._belief.change(after, back)
        if back is None:
            return AT_ONCE
        if await self._middle.is_other(back, awaits_newline=look.awaits_newline):
            return await self._begin_other(back, look)
        if not back.position.offset and self._file.has_rotated:
            # Its lines may come there, and nothing else may show that.
            return max(LEAST_UNREAD_SECONDS, self._context.clock() - self._moved_at)
        return None

    async def _unseen(self, stored: Stored, *, is_absent: bool) -> float | None:
        """The path shows nothing: if the file is gone, give the session up."""
        delay, after = await self._ownership.unseen(
            stored, is_absent=is_absent, moved_at=self._moved_at
        )
        self._belief.change(stored, after)
        return delay

    async def _begin_other(self, stored: Stored, look: Look) -> float | None:
        """The middle is another one: begin a generation there, if we may."""
        now = self._context.clock()
        still = Doubt(now, look.glimpse.size, look.glimpse.mtime_ns, now, 0)
        if self._generations.may_begin(still) and await self._ownership.may_begin_anew(
            stored
        ):
            return await self._begin_generation(stored, look, None)
        # It is found again then.
        self._middle.ask()
        return None

    def _begun(self, stored: Stored, look: Look) -> Stored:
        return self._beginning.begun(stored, look, was_known=self._belief.was_known)

    async def _begin_at_end(self, stored: Stored) -> float | None:
        """Begin after the last line that is there, and say what was left out."""
        end = await self._beginning.end()
        if end is None:
            return AT_ONCE
        look = await self._jobs(partial(self._file.look, end.place))
        self._observed.note(look)
        if self._beginning.is_too_old(look):
            return None
        if end.is_new:
            self._beginning.is_whole()
            return AT_ONCE
        after = self._begun(stored, look).moved_to(end.place)
        await self._append(stored, after, end.entries, None, look)
        return AT_ONCE

    async def _succeed(
        self, stored: Stored, look: Look, portion: Portion, successor: Successor
    ) -> float | None:
        """Read what follows a file that was read to its end, if it is time."""
        after = await self._last_line.note(stored, look, portion)
        self._belief.change(stored, after)
        if after is None:
            return AT_ONCE
        if self._last_line.rested_at is not None:
            return second_look_seconds(is_network=self._context.is_network)
        following = await self._succession.next(
            after, look, successor, moved_at=self._moved_at
        )
        if isinstance(following, Waiting):
            if following.is_contested:
                await self._ownership.contested()
            return following.delay
        if not after.position.offset and following.is_finished:
            # No line was in it: what has none yet begins with the next one.
            await self._jobs(self._file.pass_over)
            return AT_ONCE
        if not await self._ownership.may_begin_anew(after):
            await self._jobs(self._file.close_next)
            self.reload_state()
            return REWRITE_RETRY_SECONDS
        return await self._begin_generation(after, look, following)

    async def _declare(self, stored: Stored, look: Look) -> float | None:
        """Begin a new generation after the part that the rewrite kept, if we may."""
        if await self._jobs(partial(self._file.find_read, stored.place)):
            # It was rotated away, or copied and cut back: it is read to its end.
            self._doubt = None
            return AT_ONCE
        following = await self._succession.next_of_lost(stored)
        if following is None and not self._generations.may_begin(self._doubt):
            await self._ownership.contested()
            return REWRITE_WAIT_SECONDS
        if not await self._ownership.may_begin_anew(stored):
            await self._jobs(self._file.close_next)
            # The owner may give it up meanwhile.
            self.reload_state()
            return REWRITE_RETRY_SECONDS
        return await self._begin_generation(stored, look, following)

    async def _begin_generation(
        self, stored: Stored, look: Look, following: Succeeding | None
    ) -> float:
        """Begin one with the next file, or with the one that was written anew."""
        now = self._context.clock()
        # Its first generation may be that of a file without any line.
        old = stored if stored.position.incarnation else self._begun(stored, look)
        new = await self._generations.prepare(
            old, look, nuls_until=self._nuls_until, succeeding=following
        )
        if new is None:
            await self._jobs(self._file.close_next)
            return second_look_seconds(is_network=self._context.is_network)
        self._observed.note(new.look)
        if await self._append(stored, new.after, new.entries, new.portion, new.look):
            has_none = not stored.position.offset
            await self._jobs(partial(self._file.go_on, passes=has_none))
            self._doubt = None
            self._generations.began(new, now)
            self._middle.begun(new.look.glimpse)
            if look.continued_line is not None:
                self._last_line.went_on()
        else:
            await self._jobs(self._file.close_next)
        return AT_ONCE

    async def _append(
        self,
        before: Stored,
        after: Stored,
        entries: list[NewEntry],
        portion: Portion | None,
        look: Look,
    ) -> bool:
        addition = self._addition(after, entries, portion, look)
        try:
            is_done = await self._belief.append(self._path_text, before, addition)
        except CannotBeTaken as failed:
            self.reload_state()
            self._file.take_fewer(failed.lines_next)
            return False
        self._file.take_more()
        return is_done

    async def _come_back(self, stored: Stored) -> float:
        """Begin a session anew of which the broker keeps no more than its end."""
        self._beginning.was_read(stored.position)
        await self._context.writer.discard(
            self.session, stored.position, keeps_edits=True
        )
        self.session_deleted()
        return AT_ONCE

    def _refuse(self, error: TooManySessions) -> float | None:
        """There is no room for the session; what is in the file waits."""
        self._context.fates.troubled(
            self.session, self.path, Trouble.CROWDED, str(error), MAKE_ROOM
        )
        if error.is_colder:
            # Until it is written, or there is room.
            return None
        self._refused_until = self._context.clock() + REFUSED_SECONDS
        return REFUSED_SECONDS

    def _addition(
        self,
        after: Stored,
        entries: list[NewEntry],
        portion: Portion | None,
        look: Look,
    ) -> Addition:
        return Addition(
            after,
            entries,
            portion.reading.rejections if portion else (),
            max(look.glimpse.size, after.position.offset),
            self.activity_ms,
            self._context.not_after_now(look.glimpse.mtime_ns),
            portion.lines if portion else 0,
            portion.reading.text if portion else 0,
        )

    async def _mend(self, stored: Stored) -> float | None:
        """Delete stream and state, which contradict each other, to build them anew."""
        # Whatever comes of it, the broker is asked again before the next step.
        self._belief.stored = None
        if (wait := self._belief.may_mend_in) > 0:
            return wait
        if not await self._ownership.may_begin_anew(stored):
            return REWRITE_RETRY_SECONDS
        try:
            # Only what can be read can be made anew.
            await self._jobs(partial(glimpse, self.look_path, reopen=True))
        except CannotBeSeen as error:
            self._context.instruments.cannot_see(self._path_text, str(error))
            return REWRITE_RETRY_SECONDS
        await self._belief.mend(stored)
        return AT_ONCE
