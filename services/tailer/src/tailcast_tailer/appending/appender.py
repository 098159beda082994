"""From portions of a file to batches in the broker.

Builds the batch that continues what is stored, appends it, and waits while the broker
is full. The follower decides what to do about a batch that the broker did not accept.
"""

import asyncio
import random
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from time import perf_counter
from typing import NamedTuple

from tailcast_streams.broker import SessionWriter
from tailcast_streams.entries import Kind, NewEntry, NewRejection
from tailcast_streams.exceptions import BrokerError, BrokerFull
from tailcast_streams.position import EntryID, digest
from tailcast_streams.record import read_progress
from tailcast_streams.session_state import (
    NOTHING_STORED,
    Appended,
    Batch,
    SessionState,
    StoredPosition,
    Whose,
)
from tailcast_tailer.appending.retention import Retention
from tailcast_tailer.appending.session_bound import SessionBound
from tailcast_tailer.core.records import not_taken
from tailcast_tailer.files.portions import Place
from tailcast_tailer.instruments import Instruments


# Between two attempts while the broker is full.
FULL_WAIT_SECONDS = (0.2, 1.0)
# Records of a new generation that are asked for its step: headers have none.
PROBED_RECORDS = 4


class Stored(NamedTuple):
    """What a tailer believes to be stored of a session."""

    position: StoredPosition = NOTHING_STORED
    generation_start: int = 0
    backlog_end: int = 0
    backlog_generation: int = 0
    head_proof: str = ""
    marker_proof: str = ""
    # Who appended last, and from which file; no owner if that was given up.
    owner: str = ""
    path: str = ""
    # Of the last append, Unix milliseconds.
    updated_ms: int = 0
    # Lines of text that were passed over, in this incarnation.
    text: int = 0
    # Bytes behind the last line that are held back, as it was written down.
    partial_bytes: int = 0
    # Which files were read whole before this one, as `past_files` has it.
    past: str = ""
    # Since when the file is gone, as it was written down, Unix milliseconds.
    gone_since_ms: int = 0
    # As in `Place`.
    part: str = ""
    part_start: int = 0
    # Whether the broker keeps it no more: nothing can be appended to it.
    is_out: bool = False

    @property
    def place(self) -> Place:
        """Where in the file reading goes on."""
        return Place(
            self.position.offset,
            self.head_proof,
            self.marker_proof,
            self.part,
            self.part_start,
        )

    def moved_to(self, place: Place) -> "Stored":
        """What is stored once everything up to there is."""
        return self._replace(
            position=self.position._replace(offset=place.offset),
            head_proof=place.head_proof,
            marker_proof=place.marker_proof,
            part=place.part,
            part_start=place.part_start,
        )

    @property
    def is_sound(self) -> bool:
        """Whether stream and state agree, and nothing lies beyond the offset."""
        position = self.position
        end = (position.generation, position.offset)
        return (
            not position.is_diverged
            and position.last_id <= end
            and position.last_rejected_id <= end
        )


def stored_of(state: SessionState) -> Stored:
    """Read a state."""
    return Stored(
        state.position,
        state.generation_start,
        state.backlog_end,
        state.backlog_generation,
        state.head_proof,
        state.marker_proof,
        state.owner,
        state.path,
        state.updated_ms,
        text=state.text,
        partial_bytes=state.partial_bytes,
        past=state.past,
        gone_since_ms=state.gone_since_ms,
        part=state.part,
        part_start=state.part_start,
        is_out=state.taken_out_ms > 0,
    )


class Addition(NamedTuple):
    """Entries to append, and what is stored afterwards."""

    # `position.generation`, `.offset` and the incarnation are the batch's.
    after: Stored
    entries: Sequence[NewEntry]
    rejections: Sequence[NewRejection]
    # The file's size, bytes, and modification time, Unix milliseconds, as it was read.
    size: int
    activity_ms: int
    # When the file that was read was written, Unix milliseconds.
    written_ms: int
    # How many lines of the file this is, blank ones counted.
    lines: int = 0
    # How many of these are text that is passed over.
    text: int = 0


class Prepared(NamedTuple):
    """What is to be appended together with others."""

    # What is believed to be stored, and what is stored once it was appended.
    before: Stored
    after: Stored
    addition: Addition
    batch: Batch

    @property
    def size(self) -> int:
        """How many bytes of the file it is."""
        return _added_bytes(self.before, self.after)


class CannotBeTaken(Exception):
    """Several lines could not be appended; perhaps one of them is the cause."""

    def __init__(self, lines: int) -> None:
        super().__init__(f"{lines} lines could not be taken")
        # How many to try with next.
        self.lines_next = lines // 2


class _Failed(Exception):
    """Appending failed with an unexpected error."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        # What went wrong.
        self.error = error


class Appender:
    """Appends for one tailer: its name, and where its records keep their step."""

    def __init__(
        self,
        writer: SessionWriter,
        *,
        owner: str,
        step_keys: Sequence[str],
        time_keys: Sequence[str],
        retention: Retention,
        bound: SessionBound,
        instruments: Instruments,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
    ) -> None:
        self._writer = writer
        self.owner = owner
        self._step_keys = step_keys
        self._time_keys = time_keys
        self._retention = retention
        self._bound = bound
        self._instruments = instruments
        self._clock = clock
        self._wall_clock = wall_clock
        # Activity of sessions that the list in the broker does not have yet.
        self.untouched: dict[str, int] = {}
        # Held while streams are trimmed for a full broker.
        self._makes_room = asyncio.Lock()

    async def append(
        self, session: str, path: str, before: Stored, addition: Addition
    ) -> tuple[Appended, Stored]:
        """Append; with `DONE`, what is stored now.

        Waits while the broker is full. A line over which it fails each time, taken
        alone, is appended as a rejection. Raises BrokerError, CannotBeTaken, and
        TooManySessions for one that cannot begin.
        """
        try:
            return await self._append(session, path, before, addition)
        except _Failed as failed:
            self._instruments.batch_narrowed(session, addition.lines, failed.error)
            if addition.lines > 1:
                raise CannotBeTaken(addition.lines) from failed
            refused = _refused(before, addition, failed.error)
        try:
            return await self._append(session, path, before, refused)
        except _Failed as failed:
            # Not the line's fault: nothing is rejected for it.
            raise failed.error from None

    async def _append(
        self, session: str, path: str, before: Stored, addition: Addition
    ) -> tuple[Appended, Stored]:
        started = perf_counter()
        with _blaming_lines():
            batch, after = self._batch(session, path, before, addition)
        outcome = await self._append_when_there_is_room(batch, addition.activity_ms)
        if outcome is not Appended.DONE:
            return outcome, before
        self._tell(session, before, after, addition, started=started)
        await self._retention.after_append(
            session,
            after.position,
            generation_start=after.generation_start,
            added=_added_bytes(before, after),
            activity_ms=addition.activity_ms,
        )
        return outcome, after

    def prepare(
        self, session: str, path: str, before: Stored, addition: Addition
    ) -> Prepared | None:
        """What is to be appended together with others.

        None if the broker is full, or something is to be trimmed: `append` does that.
        Raises what `append` would reject a line for.
        """
        if self._instruments.broker.is_full or self._retention.is_exceeded(session):
            return None
        batch, after = self._batch(session, path, before, addition)
        return Prepared(before, after, addition, batch)

    async def append_all(
        self, prepared: Sequence[Prepared]
    ) -> Sequence[Appended | BrokerError]:
        """Append all of them; what became of each. Raises BrokerError, as the port."""
        started = perf_counter()
        outcomes = await self._writer.append_all([one.batch for one in prepared])
        for (before, after, addition, batch), outcome in zip(
            prepared, outcomes, strict=True
        ):
            if outcome is Appended.DONE:
                self._tell(batch.session, before, after, addition, started=started)
                self._retention.note_append(
                    batch.session,
                    after.position,
                    added=_added_bytes(before, after),
                    activity_ms=addition.activity_ms,
                )
            elif isinstance(outcome, BrokerFull):
                self._instruments.broker.full()
        return outcomes

    def _tell(
        self,
        session: str,
        before: Stored,
        after: Stored,
        addition: Addition,
        *,
        started: float,
    ) -> None:
        """Tell of an append that began then, by the performance counter."""
        self._instruments.batch_appended(
            session,
            records=len(addition.entries),
            size=_added_bytes(before, after),
            seconds=perf_counter() - started,
        )
        if addition.text:
            self._instruments.text_passed_over(session, addition.text)
        if addition.rejections:
            self._instruments.lines_rejected(session, addition.rejections)
        self.untouched[session] = addition.activity_ms

    def note(self, session: str, stored: Stored, *, activity_ms: int) -> None:
        """Note what was found in the broker, for the retention."""
        self._retention.note(session, stored.position, activity_ms=activity_ms)

    async def _append_when_there_is_room(
        self, batch: Batch, activity_ms: int
    ) -> Appended:
        if (outcome := await self._attempt(batch, activity_ms)) is not None:
            return outcome
        # One trims, the others wait: together they would trim far more than is needed.
        async with self._makes_room:
            wait_seconds = 0.0
            while (outcome := await self._attempt(batch, activity_ms)) is None:
                await asyncio.sleep(wait_seconds)
                await self._retention.make_room()
                # Jitter, or all tailers would come back at once.
                wait_seconds = random.uniform(*FULL_WAIT_SECONDS)  # noqa: S311
        return outcome

    async def _attempt(self, batch: Batch, activity_ms: int) -> Appended | None:
        """Append; None if the broker is full."""
        try:
            if not batch.expected.incarnation:
                # It is listed, and counted, before it has an entry: a reader that reads
                # the list and then follows the feed misses no session.
                session = batch.session
                async with self._bound.room_for(session, activity_ms=activity_ms):
                    birth = await self._writer.bear(session, activity_ms=activity_ms)
                batch = replace(batch, fields={**batch.fields, "birth": str(birth)})
            with _blaming_lines():
                return await self._writer.append(batch)
        except BrokerFull:
            self._instruments.broker.full()
            return None

    def _batch(
        self, session: str, path: str, before: Stored, addition: Addition
    ) -> tuple[Batch, Stored]:
        now_ms = int(self._wall_clock() * 1_000)
        after = addition.after._replace(
            position=_position_after(addition),
            owner=self.owner,
            path=path,
            updated_ms=now_ms,
            text=before.text + addition.text,
            partial_bytes=0,
            gone_since_ms=0,
        )
        fields: dict[str, str | int | float | bytes] = {
            "size": addition.size,
            "updated_ms": now_ms,
            "written_ms": addition.written_ms,
            **_changed(before, after),
        }
        if (after.part, after.part_start) != (before.part, before.part_start):
            fields["part"], fields["part_start"] = after.part, after.part_start
        if not before.position.incarnation:
            fields["created_ms"] = now_ms
        if addition.entries:
            fields["last_digest"] = digest(addition.entries[-1].record)
        # Whose it is goes with the append only if that changes.
        whose, is_whose = Whose(before.owner, before.path), Whose(self.owner, path)
        if whose != is_whose:
            fields |= is_whose._asdict()
        position = after.position
        batch = Batch(
            session=session,
            expected=before.position,
            expected_whose=whose if whose == is_whose else None,
            incarnation=position.incarnation,
            generation=position.generation,
            offset=position.offset,
            entries=self._with_step(addition.entries),
            rejections=addition.rejections,
            fields=fields,
            written_ms=addition.written_ms,
        )
        return batch, after

    def _with_step(self, entries: Sequence[NewEntry]) -> Sequence[NewEntry]:
        """Entries; a marker that tells of a rewrite says at which step it begins."""
        if not entries or entries[0].kind is not Kind.MARKER or not entries[0].details:
            return entries
        for entry in entries[1 : PROBED_RECORDS + 1]:
            keys = {"step_keys": self._step_keys, "time_keys": self._time_keys}
            step = read_progress(entry.record, **keys).step if entry.record else None
            if step is not None:
                details = {**entries[0].details, "step": str(step)}
                return [entries[0]._replace(details=details), *entries[1:]]
        return entries


@contextmanager
def _blaming_lines() -> Generator[None]:
    """Turn an unexpected error, which a line may have caused, into `_Failed`."""
    try:
        yield
    except (BrokerError, OSError, MemoryError):
        raise
    except Exception as error:
        raise _Failed(error) from error


def _refused(before: Stored, addition: Addition, error: Exception) -> Addition:
    """The addition that rejects a single line that could not be appended."""
    entries, rejections = addition.entries, addition.rejections
    records = [entry for entry in entries if entry.record]
    if records:
        # Several of them are on one line.
        end, length = (
            addition.after.position.offset,
            _added_bytes(before, addition.after) - 1,
        )
        entries = [entry for entry in entries if not entry.record]
        rejections = [not_taken(end, length, records[0].record, error)]
    return addition._replace(entries=entries, rejections=rejections)


def _changed(before: Stored, after: Stored) -> dict[str, str | int | float | bytes]:
    """Fields that are written only when they change."""
    fields: dict[str, str | int | float | bytes] = {}
    if after.head_proof != before.head_proof:
        fields["head_proof"] = after.head_proof
    if after.marker_proof != before.marker_proof:
        fields["marker_proof"] = after.marker_proof
    if after.generation_start != before.generation_start:
        fields["generation_start"] = after.generation_start
    if after.backlog_end != before.backlog_end:
        fields["backlog_end"] = after.backlog_end
    if after.backlog_generation != before.backlog_generation:
        fields["backlog_generation"] = after.backlog_generation
    if after.past != before.past:
        fields["past"] = after.past
    if after.text != before.text:
        fields["text"] = after.text
    if after.gone_since_ms != before.gone_since_ms:
        fields["absent_since_ms"] = after.gone_since_ms
    if after.partial_bytes != before.partial_bytes:
        fields["partial_bytes"] = after.partial_bytes
    return fields


def _position_after(addition: Addition) -> StoredPosition:
    position = addition.after.position
    last_id, last_rejected_id = position.last_id, position.last_rejected_id
    if addition.entries:
        last_id = EntryID(position.generation, addition.entries[-1].offset)
    if addition.rejections:
        last_rejected_id = EntryID(position.generation, addition.rejections[-1].offset)
    return position._replace(
        last_id=last_id, last_rejected_id=last_rejected_id, stream_last_id=last_id
    )


def _added_bytes(before: Stored, after: Stored) -> int:
    if before.position.generation == after.position.generation:
        return after.position.offset - before.position.offset
    return after.position.offset - after.generation_start


def marker(offset: int, details: dict[str, str] | None = None) -> NewEntry:
    """The entry that begins a generation."""
    return NewEntry(offset, Kind.MARKER, b"", details)
