"""One file below an emergency directory, until its document is in the broker.

A file is added once its size and times rest and its bytes are one JSON document. One
that never is, or cannot be read, is an emergency too: what says so is added in its
place. Adding a document again is harmless, and shows whether the broker still has it:
it takes each content once for each path.
"""

from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import NamedTuple

from tailcast_streams.broker import SessionWriter
from tailcast_streams.entries import Document
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.record import Invalid
from tailcast_streams.sources import Source, SourceState
from tailcast_tailer.core.allowance import Allowance
from tailcast_tailer.core.documents import (
    MAX_DOCUMENT_BYTES,
    NEWS_SECONDS,
    SHOWN_BYTES,
    read_document,
    unreadable_document,
)
from tailcast_tailer.core.records import fault
from tailcast_tailer.core.register import Register
from tailcast_tailer.core.texts import as_text
from tailcast_tailer.files.file_system import (
    CannotBeSeen,
    Glimpse,
    glimpse,
    read_regular,
)
from tailcast_tailer.files.threads import Jobs
from tailcast_tailer.following.fates import LET_READ
from tailcast_tailer.instruments import Instruments


# A writer that pauses for longer has probably finished.
WRITER_PAUSE_SECONDS = 0.2
# A file that is no valid document for longer is told as unreadable; each time it is
# another one that is none, the next is waited for twice as long, up to the second.
DEADLINE_SECONDS = 30.0
LATEST_DEADLINE_SECONDS = 3_600.0
# Until a resting file that is no valid document is read again.
REREAD_SECONDS = 1.0
# The same for one that was told and could not be read, which no change may show.
RETRY_SECONDS = 10.0
# Unreadable files that a tailer tells in an hour; the others wait for their turn. What
# they stand for would crowd out the emergencies that can be read.
UNREADABLE_AN_HOUR = 100
HOUR_SECONDS = 3_600.0
UNTOLD_SECONDS = 60.0

_BE_ONE = f"write one JSON object, in UTF-8, of at most {MAX_DOCUMENT_BYTES} bytes"


class Unread(NamedTuple):
    """Why a file is no document, for now."""

    # In words for people.
    why: str
    # Its first bytes, and what is known of its content.
    head: bytes = b""
    content: bytes = b""
    # Whether reading it failed, which may pass though nothing of it changes.
    has_failed: bool = False


class DocumentFile:
    """Watches one file; the latest document it held is in the broker."""

    def __init__(
        self,
        path: str,
        name: str,
        *,
        writer: SessionWriter,
        instruments: Instruments,
        register: Register,
        allowance: Allowance,
        jobs: Jobs,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        on_forgotten: Callable[[], None],
    ) -> None:
        """Prepare.

        Args:
            path: where the file is.
            name: its path below the log directory.
            register: is told what became of the file.
            allowance: how many unreadable files the tailer may tell.
            on_forgotten: is called when the broker turns out to have lost the document.
        """
        self.path = path
        self.name = as_text(name)
        self._writer = writer
        self._instruments = instruments
        self._register = register
        self._allowance = allowance
        self._jobs = jobs
        self._clock = clock
        self._wall_clock = wall_clock
        self._on_forgotten = on_forgotten
        # What the latest look saw, and since when it is the same.
        self.glimpse: Glimpse | None = None
        self._still_since = 0.0
        # How the file looked when the latest document was added, None to add it again;
        # the document's digest, and when it was new to the broker.
        self._added: Glimpse | None = None
        self._added_sha256 = ""
        self.added_at = 0.0
        # Whether the broker is to be asked for it again.
        self._is_doubted = False
        # Whether the file is read again though it did not change.
        self._has_failed = False
        # Since when the file waits to become a document, and how long it may.
        self._waiting_since: float | None = None
        self._patience = DEADLINE_SECONDS

    has_parts = False
    is_prompt = False
    session = None
    bytes_behind = 0
    open_since = None
    rested_at = None

    @property
    def look_path(self) -> str:
        """The path that shows whether it changed."""
        return self.path

    @property
    def device(self) -> int | None:
        """The number of the device that it is on; None while that is not known."""
        return self._jobs.device

    @property
    def age_seconds(self) -> float:
        """How long ago the file changed, by its own word; 0 if that is not known."""
        return 0.0 if self.glimpse is None else self._age_of(self.glimpse)

    def _age_of(self, seen: Glimpse) -> float:
        return max(0.0, self._wall_clock() - seen.mtime_ns / 1e9)

    def move(self, path: str) -> None:
        """It was renamed; its document keeps the name that it had."""
        self.path = path

    def reload_state(self) -> None:
        """Add the document again at the next turn: the broker may have forgotten."""
        self._added = None
        self._is_doubted = True

    def release(self) -> None:
        """Nothing is held open."""

    async def turn(self) -> float | None:
        """Take a step towards the document; as `Follower.turn`."""
        now = self._clock()
        try:
            seen = await self._jobs(partial(glimpse, self.path))
        except CannotBeSeen as error:
            return await self._unseen(error, None, now)
        if seen != self.glimpse:
            self.glimpse, self._still_since = seen, now
            self._jobs.device = seen.identity.device
        if seen == self._added and not self._has_failed:
            self._instruments.can_see(self.path)
            return None
        since = self._wait_since(now)
        is_resting = self._age_of(seen) > DEADLINE_SECONDS
        is_due = is_resting or now - since >= self._patience
        if now - self._still_since < WRITER_PAUSE_SECONDS and not is_due:
            return WRITER_PAUSE_SECONDS
        return await self._take(seen, now)

    def _wait_since(self, now: float) -> float:
        if self._waiting_since is None:
            self._waiting_since = now
        return self._waiting_since

    async def _take(self, seen: Glimpse, now: float) -> float | None:
        try:
            found = await self._jobs(partial(self._read, seen))
            self._instruments.can_see(self.path)
            if isinstance(found, Unread):
                return await self._not_yet(found, seen, now)
            is_new = await self._writer.add_document(found)
        except CannotBeSeen as error:
            return await self._unseen(error, seen, now)
        except (BrokerError, OSError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001  # it would fail again for ever
            return self._failed_over(fault(error), now)
        self._note_added(found, seen, is_new=is_new)
        self._patience = DEADLINE_SECONDS
        self._instruments.document_added(self.name, found.session, is_new=is_new)
        self._tell(SourceState.FOLLOWED)
        return None

    def _note_added(
        self, document: Document, seen: Glimpse | None, *, is_new: bool
    ) -> None:
        self._added, self._waiting_since = seen, None
        self._has_failed = self._is_doubted = False
        if is_new and document.sha256 == self._added_sha256:
            self._on_forgotten()
        elif is_new:
            self.added_at = self._clock()
        self._added_sha256 = document.sha256

    # What is no document.

    async def _unseen(
        self, error: CannotBeSeen, seen: Glimpse | None, now: float
    ) -> float | None:
        """The file cannot be read now: `seen` if it shows at least that it is there."""
        self._instruments.cannot_see(self.path, str(error))
        if error.is_absent:
            self._waiting_since = None
            return None
        if seen is None and self._added_sha256 and not self._has_failed:
            # It was read before, and what does not answer shows no other one.
            self._tell(SourceState.WAITING, str(error))
            return RETRY_SECONDS
        self._wait_since(now)
        content = str(error).encode()
        unread = Unread(str(error), content=content, has_failed=True)
        return await self._not_yet(unread, seen, now)

    async def _not_yet(
        self, unread: Unread, seen: Glimpse | None, now: float
    ) -> float | None:
        """Wait for a document, not for ever: then say that there is none."""
        document = self._stand_in(unread, seen)
        is_known = document.sha256 == self._added_sha256
        if not is_known and now - self._wait_since(now) < self._patience:
            self._tell(SourceState.WAITING, unread.why)
            return REREAD_SECONDS
        if not is_known and not self._allowance.take(now):
            self._instruments.document_rejected(self.name, unread.why)
            self._tell(SourceState.WAITING, unread.why)
            return UNTOLD_SECONDS
        if not is_known or self._is_doubted:
            is_new = await self._writer.add_document(document)
            self._note_added(document, seen, is_new=is_new)
            self._instruments.document_unreadable(self.name, unread.why, is_new=is_new)
        if not is_known:
            self._patience = min(LATEST_DEADLINE_SECONDS, 2 * self._patience)
        self._added, self._waiting_since = seen, None
        self._has_failed = unread.has_failed
        mend = LET_READ if unread.has_failed else _BE_ONE
        self._tell(SourceState.REFUSED, unread.why, mend)
        # Else a change of the file will bring it back.
        return RETRY_SECONDS if unread.has_failed else None

    def _stand_in(self, unread: Unread, seen: Glimpse | None) -> Document:
        document = unreadable_document(
            unread.head,
            unread.content,
            path=self.name,
            why=unread.why,
            is_news=seen is None or self._age_of(seen) <= NEWS_SECONDS,
        )
        return document if seen is None else _dated(document, seen)

    def _failed_over(self, why: str, now: float) -> float | None:
        """Something of ours fails over the document, or over what stands for it."""
        if now - self._wait_since(now) < self._patience:
            return REREAD_SECONDS
        self._instruments.document_rejected(self.name, why)
        self._tell(SourceState.REFUSED, why)
        return None

    def _tell(self, state: SourceState, reason: str = "", mend: str = "") -> None:
        source = Source(as_text(self.path), state, reason=reason, mend=mend)
        self._register.note(source)

    def _read(self, seen: Glimpse) -> Document | Unread:
        """Read the file as it was seen. Blocking. Raises CannotBeSeen."""
        if seen.size > MAX_DOCUMENT_BYTES:
            head = read_regular(self.path, most=SHOWN_BYTES)
            return Unread(f"it is larger than {MAX_DOCUMENT_BYTES} bytes", head, head)
        data = read_regular(self.path, most=MAX_DOCUMENT_BYTES + 1)
        if len(data) != seen.size or glimpse(self.path) != seen:
            return Unread("it is being written", data, data)
        document = read_document(
            data,
            path=self.name,
            sha256=sha256(data).hexdigest(),
            is_news=self._age_of(seen) <= NEWS_SECONDS,
        )
        if isinstance(document, Invalid):
            return Unread(document.reason, data, data)
        return _dated(document, seen)


def _dated(document: Document, seen: Glimpse) -> Document:
    return document._replace(written_ms=max(0, seen.mtime_ns // 1_000_000))
