"""The broker as the services see it: its ports, and the promises on each call.

Pure. Adapters (`redis`, `memory`) implement both ports; one conformance
suite runs over all of them. Every call may raise `BrokerError`.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from tailcast_streams.births import Birth
from tailcast_streams.claims import Claims
from tailcast_streams.entries import (
    Document,
    Entry,
    Rejection,
)
from tailcast_streams.position import EntryID
from tailcast_streams.session_state import (
    Appended,
    Batch,
    Head,
    Origin,
    SessionState,
    Snapshot,
    StoredEnd,
    StoredPosition,
    Trimmed,
)
from tailcast_streams.sources import Sources


class SessionWriter(Protocol):
    """What the tailer asks of a broker."""

    @property
    def claims(self) -> Claims:
        """What tailers say to each other about who owns a session."""
        ...

    @property
    def sources(self) -> Sources:
        """What tailers know of the paths below what they watch."""
        ...

    async def settle_installation(self) -> None:
        """Agree with all who share these keys on the ID that is said on the channel.

        It is made once. Who calls it puts it back if the broker forgot it, and takes
        another one if that is stored; in between, hints may be passed over.
        """
        ...

    async def load(self, session: str) -> SessionState | None:
        """Read the state; None if the session has neither state nor stream.

        A session whose state alone is missing has `position.incarnation == ""` and is
        diverged.
        """
        ...

    async def states(self, sessions: Sequence[str]) -> list[SessionState | None]:
        """As `load`, many in one go."""
        ...

    async def positions(self, sessions: Sequence[str]) -> list[StoredPosition]:
        """Read how far sessions are, in one go; `NOTHING_STORED` for unknown ones."""
        ...

    async def origins(self, sessions: Sequence[str]) -> list[Origin | None]:
        """Read which files sessions are of, in one go; None for unknown ones."""
        ...

    async def now_ms(self) -> int:
        """Read the broker's clock, Unix milliseconds."""
        ...

    async def bear(self, session: str, *, activity_ms: int) -> Birth:
        """List a session that is about to begin, and count it; the number goes with it.

        Numbers rise, above those too that the broker has forgotten unless its clock was
        set back meanwhile. Whoever reads `births` and then lists the sessions finds all
        with such a number.
        """
        ...

    async def append(self, batch: Batch) -> Appended:
        """Compare and append, as one step that happens wholly or not at all.

        Done only if what is stored is `batch.expected`, the streams' own last IDs agree
        with it, and the batch's IDs rise above them. Entries, rejections, state and
        counters (`records`, `rejected`, `latest`) change together, and if the broker
        forgets they are lost together. Readers are woken after it, with `written_ms`,
        or perhaps never.
        A repeated append answers `CONFLICT`. Raises `BrokerFull` with nothing written.
        """
        ...

    async def discard(self, session: str, seen: StoredPosition) -> bool:
        """Delete stream, rejected and state together, if they still are as `seen`."""
        ...

    async def trim(self, session: str, before: EntryID) -> Trimmed:
        """Drop entries below an ID; the stream keeps its last ID, even when empty.

        However many these are, they go before this answers; as many as the broker
        keeps in one piece, some 4 KiB or one record, may stay.
        """
        ...

    async def touch(self, activity_ms: Mapping[str, int]) -> None:
        """Note when sessions were last active, in the list that readers see."""
        ...

    async def sessions(
        self, *, active_since_ms: int = 0, active_until_ms: int | None = None
    ) -> dict[str, int]:
        """List sessions with their last activity, Unix milliseconds."""
        ...

    async def unlist(self, session: str) -> None:
        """Take a session out of that list, once nothing is stored of it."""
        ...

    async def add_document(self, document: Document) -> bool:
        """Append a document once per path and content; False if it was there."""
        ...

    async def hold_presence(self, owner: str, *, seconds: float) -> None:
        """Say that this tailer lives, for so long."""
        ...

    async def has_begun(self, tailer: str) -> bool:
        """Whether it was noted of this tailer that it saw all files that there were."""
        ...

    async def note_begun(self, tailer: str) -> None:
        """Note it; states that were appended before are not lost after it."""
        ...

    async def is_present(self, owner: str) -> bool:
        """Whether a tailer said so and its time is not over."""
        ...

    async def read_after(
        self, session: str, after: EntryID, *, limit: int
    ) -> list[Entry]:
        """As `SessionReader.read_after`: to prove what a rewritten file kept."""
        ...


class SessionReader(Protocol):
    """What the gateway asks of a broker; it writes nothing into sessions."""

    @property
    def claims(self) -> Claims:
        """As `SessionWriter.claims`; only read."""
        ...

    @property
    def sources(self) -> Sources:
        """As `SessionWriter.sources`; only read."""
        ...

    async def settle_installation(self) -> None:
        """As `SessionWriter.settle_installation`."""
        ...

    async def read_after(
        self, session: str, after: EntryID, *, limit: int
    ) -> list[Entry]:
        """Read up to `limit` entries above an ID, oldest first."""
        ...

    async def read_many_after(
        self, after: Mapping[str, EntryID], *, limit: int
    ) -> dict[str, list[Entry]]:
        """Read several sessions in one go; sessions without news are left out."""
        ...

    async def read_before(
        self, session: str, before: EntryID | None, *, limit: int
    ) -> list[Entry]:
        """Read up to `limit` entries below an ID (None: from the end), newest first."""
        ...

    async def find(self, session: str, id: EntryID) -> Entry | None:
        """Read the entry with this very ID."""
        ...

    async def read_rejected(
        self, session: str, after: EntryID, *, limit: int
    ) -> list[Rejection]:
        """Read up to `limit` rejections above an ID, oldest first.

        The latest 1,000 or so are kept; the state counts all that there were.
        """
        ...

    async def heads(self, sessions: Sequence[str]) -> list[Head]:
        """Read states and ends of sessions in one round trip, each state first."""
        ...

    async def snapshot(self, session: str) -> Snapshot | None:
        """Read the latest record, statistics and counters, in one step.

        None if there is no state. `latest` is the record at `cursor` unless a marker
        or gap came after it; `metrics` are those of exactly the entries up to it.
        """
        ...

    async def snapshots(self, sessions: Sequence[str]) -> list[Snapshot | None]:
        """As `snapshot`, many in few round trips: each in one step, not all."""
        ...

    async def ends(self, sessions: Sequence[str]) -> list[StoredEnd]:
        """Read where sessions end, in one go; `StoredEnd()` for unknown ones."""
        ...

    async def sessions(
        self, *, active_since_ms: int = 0, active_until_ms: int | None = None
    ) -> dict[str, int]:
        """As `SessionWriter.sessions`."""
        ...

    async def now_ms(self) -> int:
        """As `SessionWriter.now_ms`."""
        ...

    async def births(self) -> Birth:
        """Read the number that was given last; `UNCOUNTED` before the first."""
        ...

    async def present(self, owners: Sequence[str]) -> set[str]:
        """Those of these tailers whose presence has not expired."""
        ...

    def notifications(
        self, *, on_foreign: Callable[[], None] | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Listen to what moved: texts for `parse_moved`, and what `notify` sent.

        A hint: some may be missing, and some may come of other installations that share
        the server: look into the broker before anything follows from one. What is known
        to be of another one is passed over, and told to `on_foreign`. Ends with
        `BrokerUnavailable` when the connection is lost; whoever listens looks at
        everything after listening anew.
        """
        ...

    async def notify(self, payload: str) -> None:
        """Send a text that begins with "!" to all listeners, this one included."""
        ...
