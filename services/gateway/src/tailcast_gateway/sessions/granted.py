"""What one grant allows of the stored sessions: the only way to them for clients.

`http` and `commands` have nothing else to read sessions with. So whoever adds an answer
cannot forget to ask what its client may read. A session that the grant does not allow
is as one that does not exist, in the answer and in the time that it takes: the broker
is not asked.
"""

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Collection,
    Mapping,
    Sequence,
)
from heapq import nlargest
from operator import itemgetter
from typing import NamedTuple

from tailcast_gateway.sessions.core.emergency_list import ListedEmergency, Listing
from tailcast_gateway.sessions.core.pages import Page
from tailcast_gateway.sessions.core.runs import SeenRun
from tailcast_gateway.sessions.core.series import Catalogue, Drawn, Span
from tailcast_gateway.sessions.core.source_list import Listed, SourcePlace
from tailcast_gateway.sessions.core.verdicts import Verdict
from tailcast_gateway.sessions.curves import Curves
from tailcast_gateway.sessions.emergencies import (
    AcknowledgedOne,
    EmergencyHistory,
    Unknown,
)
from tailcast_gateway.sessions.history import Beginning, Pages
from tailcast_gateway.sessions.indexed import Indexed
from tailcast_gateway.sessions.stored import Stored
from tailcast_gateway.views.grant import Grant
from tailcast_index.meaning import Choice
from tailcast_index.rollups.axis import AxisName
from tailcast_streams.entries import Entry, Rejection
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import Cursor, EntryID
from tailcast_streams.session_state import Head
from tailcast_streams.sources import Overview, SourceState


class NotAllowed(Exception):
    """The session is none that the client may read; to it, there is no such session."""


class NotPermitted(Exception):
    """The client may not do this; the text says what it would need."""


class Parts(NamedTuple):
    """What reads sessions for everybody; one of each for a replica."""

    stored: Stored
    history: Pages
    curves: Curves
    emergencies: EmergencyHistory
    indexed: Indexed
    # Returns the time, Unix seconds.
    now: Callable[[], float]


class Granted:
    """The stored sessions as one grant allows them; methods may raise BrokerError.

    What takes one session raises NotAllowed unless it says otherwise.
    """

    __slots__ = ("_parts", "grant")

    def __init__(self, parts: Parts, grant: Grant) -> None:
        self._parts = parts
        self.grant = grant

    @property
    def is_over(self) -> bool:
        """Whether the time of the grant is over."""
        ends_at = self.grant.ends_at
        return ends_at is not None and self._parts.now() >= ends_at

    # Lists.

    async def latest(self) -> dict[str, int]:
        """As `Stored.latest`."""
        return self._allowed(await self._parts.stored.latest())

    async def first_active(
        self, limit: int, *, until_ms: int | None = None
    ) -> dict[str, int]:
        """As `Stored.first_active`."""
        stored = self._parts.stored
        if self.grant.is_all:
            return await stored.first_active(limit, until_ms=until_ms)
        # How many of the first are allowed is not known, so all are looked at.
        allowed = {
            name: active_ms
            for name, active_ms in (await self.latest()).items()
            if until_ms is None or active_ms <= until_ms
        }
        first = nlargest(limit, allowed.items(), key=itemgetter(1))
        last_ms = first[-1][1] if first else 0
        return {name: at for name, at in allowed.items() if at >= last_ms}

    async def active(self, sessions: Collection[str]) -> dict[str, int]:
        """As `Stored.active`, without those that are not allowed."""
        some = [*filter(self.grant.allows, sessions)]
        return await self._parts.stored.active(some) if some else {}

    def described(
        self, active: Mapping[str, int]
    ) -> AsyncGenerator[tuple[list[dict[str, object]], bool]]:
        """As `Stored.described`, without those that are not allowed."""
        return self._parts.stored.described(self._allowed(active))

    def snapshots(
        self, names: Sequence[str], only: Sequence[str] | None = None
    ) -> AsyncIterator[tuple[dict[str, SeenRun | None], bool]]:
        """As `Stored.snapshots`, without those that are not allowed."""
        some = [*filter(self.grant.allows, names)]
        return self._parts.stored.snapshots(some, only)

    async def sources(
        self, states: Collection[SourceState], *, after: SourcePlace, limit: int
    ) -> tuple[Sequence[Overview], Sequence[Listed]]:
        """As `Stored.sources`. Raises NotPermitted, since paths are of all sessions."""
        if not self.grant.is_all:
            raise NotPermitted("only who may read all sessions sees what is watched")
        return await self._parts.stored.sources(states, after=after, limit=limit)

    # One session.

    async def head(self, session: str) -> Head | None:
        """As `Stored.head`; None if it is not allowed."""
        if not self.grant.allows(session):
            return None
        return await self._parts.stored.head(session)

    async def snapshot(
        self, session: str, only: Sequence[str] | None = None
    ) -> SeenRun | None:
        """As `Stored.snapshot`; None if it is not allowed."""
        if not self.grant.allows(session):
            return None
        return await self._parts.stored.snapshot(session, only)

    def shown(self, session: str, seen: SeenRun | None) -> dict[str, object]:
        """As `Stored.shown`; it shows what was read before."""
        return self._parts.stored.shown(session, seen)

    async def rejected(
        self, session: str, after: EntryID, *, limit: int
    ) -> Sequence[Rejection]:
        """As `Stored.rejected`."""
        self._check(session)
        return await self._parts.stored.rejected(session, after, limit=limit)

    async def record(self, session: str, cursor: Cursor) -> Entry | None:
        """As `Stored.record`; None if it is not allowed."""
        if session == EMERGENCIES:
            entry = await self._parts.stored.record(session, cursor)
            about = "" if entry is None else (entry.details or {}).get("session", "")
            return entry if self.grant.allows_of(about) else None
        if not self.grant.allows(session):
            return None
        return await self._parts.stored.record(session, cursor)

    async def edit(self, session: str, edits: Mapping[str, bytes]) -> bool:
        """As `Stored.edit`; False if it is not allowed. Raises NotPermitted."""
        self.check_write()
        if not self.grant.allows(session):
            return False
        return await self._parts.stored.edit(session, edits)

    async def choice(self, session: str) -> Choice | None:
        """As `Indexed.choice`."""
        self._check(session)
        return await self._parts.indexed.choice(session)

    # Its records and curves.

    async def find(self, session: str, place: Beginning) -> Verdict:
        """As `Pages.find`."""
        self._check(session)
        return await self._parts.history.find(session, place)

    async def after(
        self, session: str, cursor: Cursor, *, limit: int, max_bytes: int
    ) -> Page:
        """As `Pages.after`."""
        self._check(session)
        history = self._parts.history
        return await history.after(session, cursor, limit=limit, max_bytes=max_bytes)

    async def before(
        self, session: str, cursor: Cursor | None, *, limit: int, max_bytes: int
    ) -> Page:
        """As `Pages.before`."""
        self._check(session)
        history = self._parts.history
        return await history.before(session, cursor, limit=limit, max_bytes=max_bytes)

    async def version(self, session: str) -> str:
        """As `Curves.version`."""
        self._check(session)
        return await self._parts.curves.version(session)

    async def draw(
        self,
        session: str,
        names: Sequence[str] | None,
        *,
        points: int,
        x: AxisName,
        span: Span,
        whole: str | None = None,
    ) -> Drawn:
        """As `Curves.draw`."""
        self._check(session)
        return await self._parts.curves.draw(
            session, names, points=points, x=x, span=span, whole=whole
        )

    async def metrics(self, session: str) -> Catalogue:
        """As `Curves.metrics`."""
        self._check(session)
        return await self._parts.curves.metrics(session)

    # Emergencies.

    async def emergencies(self, sessions: Sequence[str] | None = None) -> Listing:
        """As `EmergencyHistory.listing`, without those that are not allowed."""
        names = None if sessions is None else [*filter(self.grant.allows, sessions)]
        listing = await self._parts.emergencies.listing(names)
        return listing.within(self.grant)

    async def records(self, some: Sequence[ListedEmergency]) -> list[bytes | None]:
        """As `EmergencyHistory.records`, of what `emergencies` listed."""
        return await self._parts.emergencies.records(some)

    async def acknowledge(self, id: str, who: str, note: str) -> AcknowledgedOne:
        """As `EmergencyHistory.acknowledge`. Raises NotPermitted."""
        await self._check_emergency(id)
        return await self._parts.emergencies.acknowledge(id, who, note)

    async def take_back(self, id: str) -> AcknowledgedOne:
        """As `EmergencyHistory.take_back`. Raises NotPermitted."""
        await self._check_emergency(id)
        return await self._parts.emergencies.take_back(id)

    # Helpers.

    def check_write(self) -> None:
        """Raise NotPermitted if the client may change nothing."""
        if not self.grant.can_write:
            raise NotPermitted("changing something needs a token with the scope write")

    def _check(self, session: str) -> None:
        if not self.grant.allows(session):
            raise NotAllowed

    async def _check_emergency(self, id: str) -> None:
        """Raise Unknown if an emergency is not there, or none that is allowed."""
        self.check_write()
        if self.grant.is_all:
            return
        listing = await self.emergencies([id.rpartition("/")[0]])
        if listing.find(id) is None:
            raise Unknown

    def _allowed(self, active: Mapping[str, int]) -> dict[str, int]:
        if self.grant.is_all:
            return dict(active)
        return {name: at for name, at in active.items() if self.grant.allows(name)}
