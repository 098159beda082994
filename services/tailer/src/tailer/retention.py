"""How much of each stream is kept: what is trimmed, and when.

Offsets are bytes of the file, so bytes of retention are an entry ID. Trimming is a call
of its own, before an append when the broker is full. What was kept at a restart is not
known: it is taken for more than it is, and trimming what is gone costs one call.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from telemetry_stream.broker import Kind, SessionWriter, StoredPosition
from telemetry_stream.position import MAX_OFFSET, EntryID


# A stream is trimmed when it holds a sixteenth more than it may.
SLACK_SHARE = 16
# What is given back at once when the broker is full: a tenth of all.
FULL_SHARE = 10
# How many generations back entries are looked for.
MOST_GENERATIONS = 16


class Kept(NamedTuple):
    """What a session's stream holds, by the bytes of its file."""

    # At most so many bytes.
    size: int
    # Unix milliseconds of its latest line.
    activity_ms: int
    # The last entry.
    last_id: EntryID


class Retention:
    """The budget of all streams that this tailer writes."""

    def __init__(
        self,
        writer: SessionWriter,
        *,
        session_bytes: int,
        total_bytes: int,
        on_trimmed: Callable[[str, int], None] | None = None,
    ) -> None:
        """Prepare; `on_trimmed` is told why, and how many bytes of a file went."""
        self._writer = writer
        self._on_trimmed = on_trimmed or _nobody
        self._session_bytes = session_bytes
        self._total_bytes = total_bytes
        # What each session holds, as far as is known.
        self._kept: dict[str, Kept] = {}
        # The sum of their sizes.
        self._total = 0

    def note(self, session: str, position: StoredPosition, *, activity_ms: int) -> None:
        """Take note of a session as it was found in the broker."""
        size = min(position.offset, self._session_bytes)
        self._set(session, Kept(size, activity_ms, position.last_id))

    async def after_append(
        self,
        session: str,
        position: StoredPosition,
        *,
        generation_start: int,
        added: int,
        activity_ms: int,
    ) -> None:
        """Take note of what was appended, and trim where a budget is exceeded."""
        known = self._kept.get(session)
        size = added if known is None else known.size + added
        self._set(session, Kept(size, activity_ms, position.last_id))
        if size > self._session_bytes + self._session_bytes // SLACK_SHARE:
            await self._trim_session(session, position, generation_start)
        if self._total > self._total_bytes + self._total_bytes // SLACK_SHARE:
            await self._trim_coldest("total", self._total - self._total_bytes)

    async def make_room(self) -> None:
        """Give back a tenth of everything, the coldest sessions' first."""
        await self._trim_coldest("full", max(1, self._total // FULL_SHARE))

    async def empty(self, session: str, *, why: str) -> None:
        """Trim a noted session's stream to nothing; its last ID stays."""
        kept = self._kept[session]
        if kept.size == 0:
            return
        last = kept.last_id
        await self._writer.trim(session, EntryID(last.generation, last.offset + 1))
        self._set(session, kept._replace(size=0))
        self._on_trimmed(why, kept.size)

    def knows(self, session: str) -> bool:
        """Whether anything was noted of a session."""
        return session in self._kept

    def forget(self, session: str) -> None:
        """A session has no stream any more."""
        if (known := self._kept.pop(session, None)) is not None:
            self._total -= known.size

    def _set(self, session: str, kept: Kept) -> None:
        known = self._kept.get(session)
        self._total += kept.size - (0 if known is None else known.size)
        self._kept[session] = kept

    async def _trim_session(
        self, session: str, position: StoredPosition, generation_start: int
    ) -> None:
        before = await oldest_to_keep(
            self._writer,
            session,
            position,
            generation_start=generation_start,
            keep_bytes=self._session_bytes,
        )
        await self._writer.trim(session, before)
        kept = self._kept[session]
        self._set(session, kept._replace(size=self._session_bytes))
        self._on_trimmed("session", kept.size - self._session_bytes)

    async def _trim_coldest(self, why: str, surplus: int) -> None:
        for session in _coldest_first(self._kept.items()):
            if surplus <= 0:
                return
            kept = self._kept[session]
            if kept.size <= surplus:
                surplus -= kept.size
                await self.empty(session, why=why)
                continue
            last = kept.last_id
            offset = max(0, last.offset - (kept.size - surplus))
            await self._writer.trim(session, EntryID(last.generation, offset))
            self._set(session, kept._replace(size=kept.size - surplus))
            self._on_trimmed(why, surplus)
            return


def _nobody(why: str, size: int) -> None:
    """Nobody counts."""
    del why, size


def _coldest_first(kept: Iterable[tuple[str, Kept]]) -> list[str]:
    holding = [(entry.activity_ms, session) for session, entry in kept if entry.size]
    return [session for _, session in sorted(holding)]


async def oldest_to_keep(
    writer: SessionWriter,
    session: str,
    position: StoredPosition,
    *,
    generation_start: int,
    keep_bytes: int,
) -> EntryID:
    """Find the entry ID below which a stream is trimmed to keep so many bytes.

    An earlier generation counts from its end, which its successor's marker names.
    """
    generation, end, start = position.generation, position.offset, generation_start
    for _ in range(MOST_GENERATIONS):
        if end - start >= keep_bytes:
            return EntryID(generation, end - keep_bytes)
        keep_bytes -= end - start
        page = await writer.read_after(
            session, EntryID(generation - 1, MAX_OFFSET), limit=1
        )
        if not page or page[0].kind is not Kind.MARKER:
            break
        generation, end = page[0].previous
        if generation == 0:
            break
        # Where it began is not known: its whole file counts, which keeps less.
        start = 0
    return EntryID(generation, 0)
