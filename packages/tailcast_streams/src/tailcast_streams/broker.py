"""The broker as the services see it: two ports, and the promises of each call.

Pure. The adapters `redis` and `memory` implement both ports, and one conformance suite
tests both. Every call may raise `BrokerError`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias

from tailcast_streams.births import Birth
from tailcast_streams.claims import Claims
from tailcast_streams.descriptions import Descriptions
from tailcast_streams.emergencies import Emergencies
from tailcast_streams.entries import (
    Document,
    Entry,
    Rejection,
)
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.indexers import Indexers
from tailcast_streams.indexes import Indexes
from tailcast_streams.position import EntryID
from tailcast_streams.pushes import Push
from tailcast_streams.session_state import (
    Appended,
    Batch,
    Head,
    Origin,
    SessionState,
    StoredEnd,
    StoredPosition,
    Trimmed,
)
from tailcast_streams.sources import Sources


# Called with notifications and pushes that have come together, in their order.
OnHeard: TypeAlias = Callable[[Sequence[str | Push]], None]


class Notified(Protocol):
    """Whoever listens to notifications."""

    @property
    def lost(self) -> Awaitable[None]:
        """Raises `BrokerUnavailable` if the connection is lost; or what was raised."""
        ...

    def watch(self, session: str) -> None:
        """Hear pushes of a session too, from some moment on.

        Each comes before the notification of its append.
        """
        ...

    def unwatch(self, session: str) -> None:
        """Hear no more pushes of a session, from some moment on."""
        ...


class SessionWriter(Protocol):
    """What the tailer asks of a broker."""

    @property
    def claims(self) -> Claims:
        """The claims of tailers to sessions that other tailers own."""
        ...

    @property
    def descriptions(self) -> Descriptions:
        """What is said of sessions besides their records; tailers do not edit it."""
        ...

    @property
    def indexes(self) -> Indexes:
        """What the records of sessions mean; tailers only read and discard it."""
        ...

    @property
    def indexers(self) -> Indexers:
        """The indexers that are there; tailers only read it."""
        ...

    @property
    def sources(self) -> Sources:
        """The paths that tailers watch, and what became of them."""
        ...

    async def settle_installation(self) -> None:
        """Agree on the installation's ID with all processes that share these keys.

        The ID is made once and sent with each notification. A caller stores it again if
        the broker forgot it, and takes another one that is stored. Until then, some
        notifications may be ignored.
        """
        ...

    async def mend_shared(self) -> list[str]:
        """Delete what another program wrote in place of a key that is of no session.

        Returns these keys. Each is made anew by whoever writes it next; the list of
        sessions is made at once. It does nothing to the keys of indexers and gateways.
        """
        ...

    async def load(self, session: str) -> SessionState | None:
        """Read the state; None if the session has neither state nor stream.

        A session whose state alone is missing has `position.incarnation == ""` and is
        diverged.
        """
        ...

    async def states(self, sessions: Sequence[str]) -> list[SessionState | None]:
        """Like `load`, for many sessions at once."""
        ...

    async def positions(self, sessions: Sequence[str]) -> list[StoredPosition]:
        """Read how far sessions are, all at once; `NOTHING_STORED` for unknown ones."""
        ...

    async def origins(self, sessions: Sequence[str]) -> list[Origin | None]:
        """Read which files sessions are of, in one go; None for unknown ones."""
        ...

    async def now_ms(self) -> int:
        """Read the broker's clock, Unix milliseconds."""
        ...

    async def bear(self, session: str, *, activity_ms: int) -> Birth:
        """List a session that is about to begin, and give it the next number.

        Numbers always rise, even after the broker has forgotten some, unless its clock
        was set back. A reader of `births` and then of the list of sessions finds all
        sessions up to that number.
        """
        ...

    async def append(self, batch: Batch) -> Appended:
        """Compare and append, in one step that happens wholly or not at all.

        It is done only if `batch.expected` is stored, and `batch.expected_whose` where
        it is given, the streams' own last IDs agree with it, and the batch's IDs rise
        above them. Entries, rejections, state and counters (`records`, `rejected`)
        change together, and if the broker forgets they are lost together. Readers are
        notified afterwards, with `written_ms`; a notification may get lost.

        A repeated append answers `CONFLICT`. Raises `BrokerFull` with nothing written.
        """
        ...

    async def append_all(
        self, batches: Sequence[Batch]
    ) -> Sequence[Appended | BrokerError]:
        """Append to several sessions in one round trip, each by itself as `append`.

        What became of each, in their order; an error says that nothing was written of
        that one. Raises BrokerError if it is not known what became of any.
        """
        ...

    async def discard(
        self, session: str, seen: StoredPosition, *, keeps_edits: bool = False
    ) -> bool:
        """Delete all that is stored of a session together, if still as `seen`.

        What people said of it stays if it `keeps_edits`: then it begins anew.
        """
        ...

    async def take_out(
        self,
        session: str,
        seen: StoredPosition,
        *,
        at_ms: int,
        told_seconds: int,
        edits_seconds: int,
    ) -> bool:
        """Cease to keep a session, if it still is as `seen`.

        It is not listed any more, and nothing is appended to it. Its state and its
        stream, which is emptied, stay for `told_seconds`, so that readers are told what
        is gone; then it is as if it had never been. What people said of it stays for
        `edits_seconds`, and for good if it begins anew in that time.
        """
        ...

    async def trim(self, session: str, before: EntryID) -> Trimmed:
        """Drop entries below an ID; the stream keeps its last ID, even when empty.

        All of them are dropped before this returns, except for the last few: the broker
        drops whole blocks of some KiB or one record.
        """
        ...

    async def touch(self, activity_ms: Mapping[str, int]) -> None:
        """Note in the list of sessions when some of them were last active."""
        ...

    async def sessions(
        self, *, active_since_ms: int = 0, active_until_ms: int | None = None
    ) -> dict[str, int]:
        """List sessions with their last activity, Unix milliseconds."""
        ...

    async def coldest_sessions(
        self, limit: int, *, start: int = 0, active_until_ms: int
    ) -> dict[str, int]:
        """List up to `limit` sessions, those first that were active longest ago.

        Args:
            limit: how many, one or more.
            start: how many of them are passed over.
            active_until_ms: those that were active later are left out.
        """
        ...

    async def count_sessions(self) -> int:
        """How many sessions are listed."""
        ...

    async def activity(self, sessions: Sequence[str]) -> dict[str, int]:
        """Read when some sessions were active last, without those not listed."""
        ...

    async def unlist(self, session: str) -> None:
        """Remove a session from that list, once nothing of it is stored."""
        ...

    async def add_document(self, document: Document) -> bool:
        """Append a document once per path and content; False if it is stored."""
        ...

    async def hold_presence(
        self, owner: str, *, seconds: float, awake_seconds: float | None = None
    ) -> None:
        """Note that this tailer is there, for some seconds.

        It is not awake any more after `awake_seconds`, if nothing is noted by then.
        """
        ...

    async def has_begun(self, tailer: str) -> bool:
        """Whether `note_begun` was called for this tailer."""
        ...

    async def note_begun(self, tailer: str) -> None:
        """Note that a tailer has seen all existing files.

        If the broker keeps this note, it has also kept the states appended before.
        """
        ...

    async def is_present(self, owner: str) -> bool:
        """Whether a tailer's presence has not expired."""
        ...

    async def read_after(
        self, session: str, after: EntryID, *, limit: int
    ) -> list[Entry]:
        """Like `SessionReader.read_after`: to prove what a rewritten file kept."""
        ...


class SessionReader(Protocol):
    """What the gateway asks of a broker; it writes nothing into sessions."""

    @property
    def claims(self) -> Claims:
        """Like `SessionWriter.claims`; only read."""
        ...

    @property
    def descriptions(self) -> Descriptions:
        """Like `SessionWriter.descriptions`; read, and edited."""
        ...

    @property
    def indexes(self) -> Indexes:
        """What the records of sessions mean; gateways only read it."""
        ...

    @property
    def emergencies(self) -> Emergencies:
        """Emergencies that are kept; gateways read and acknowledge them."""
        ...

    @property
    def indexers(self) -> Indexers:
        """The indexers that are there; gateways only read it."""
        ...

    @property
    def sources(self) -> Sources:
        """Like `SessionWriter.sources`; only read."""
        ...

    async def settle_installation(self) -> None:
        """Like `SessionWriter.settle_installation`."""
        ...

    async def read_after(
        self, session: str, after: EntryID, *, limit: int
    ) -> list[Entry]:
        """Read up to `limit` entries above an ID, oldest first."""
        ...

    async def read_many_after(
        self, after: Mapping[str, EntryID], *, limit: int
    ) -> dict[str, list[Entry]]:
        """Read several sessions at once; those without new entries are left out."""
        ...

    async def read_before(
        self, session: str, before: EntryID | None, *, limit: int
    ) -> list[Entry]:
        """Read up to `limit` entries below an ID (None: from the end), newest first."""
        ...

    async def find(self, session: str, id: EntryID) -> Entry | None:
        """Read the entry with exactly this ID."""
        ...

    async def find_all(
        self, session: str, ids: Sequence[EntryID]
    ) -> list[Entry | None]:
        """Like `find`, of several IDs in one round trip."""
        ...

    async def read_rejected(
        self, session: str, after: EntryID, *, limit: int
    ) -> list[Rejection]:
        """Read up to `limit` rejections above an ID, oldest first.

        About the latest 1,000 are stored; the state counts all that there were.
        """
        ...

    async def heads(self, sessions: Sequence[str]) -> list[Head]:
        """Read states and ends of sessions in one round trip, each state first."""
        ...

    async def ends(self, sessions: Sequence[str]) -> list[StoredEnd]:
        """Read where sessions end, all at once; `StoredEnd()` for unknown ones."""
        ...

    async def sessions(
        self, *, active_since_ms: int = 0, active_until_ms: int | None = None
    ) -> dict[str, int]:
        """Like `SessionWriter.sessions`."""
        ...

    async def latest_sessions(
        self, limit: int, *, active_until_ms: int | None = None
    ) -> dict[str, int]:
        """Read those that were active last, `limit` (≥ 1) of them if there are as many.

        And those that were active at the same time as the last of them: any other
        was active before all of these.
        """
        ...

    async def activity(self, sessions: Sequence[str]) -> dict[str, int]:
        """Like `SessionWriter.activity`."""
        ...

    async def now_ms(self) -> int:
        """Like `SessionWriter.now_ms`."""
        ...

    async def births(self) -> Birth:
        """Read the number that was given last; `UNCOUNTED` before the first."""
        ...

    async def present(self, owners: Sequence[str]) -> set[str]:
        """The tailers among these whose presence has not expired."""
        ...

    async def awake(self, owners: Sequence[str]) -> set[str]:
        """Those of the present ones that are awake, or never say whether they are.

        One that is frozen, or cannot reach the broker, is present until its files may
        be taken over; it is not awake long before.
        """
        ...

    def notifications(
        self,
        on_heard: OnHeard,
        *,
        on_foreign: Callable[[], None] | None = None,
        on_refused: Callable[[BrokerError], None] = lambda _: None,
        gather_seconds: float = 0.0,
    ) -> AbstractAsyncContextManager[Notified]:
        """Listen to notifications: texts for `parse_moved`, and those of `notify`.

        They are only hints. Some may be missing, and some may be of other installations
        on the same server. So look into the broker before you act on one. Those that
        are known to be of another installation are ignored; `on_foreign` is called for
        each. After listening again, look at all sessions, and watch anew.

        Args:
            on_heard: is called, within the loop, with those that have come together.
            on_foreign: is called for each of another installation.
            on_refused: is called, once at most, if the account may not `watch`.
            gather_seconds: after some were handed on, the next ones are left alone for
                so long. To be woken by each costs more than all else of it.
        """
        ...

    async def notify(self, payload: str) -> None:
        """Send a text that begins with "!" to all listeners, including this process."""
        ...
