"""Reads all emergencies, and acknowledges them.

What is kept is in memory, and read again when the broker says that it has become
another; so what is asked about it costs a round trip. A gateway hears from the others
that somebody acknowledged something, and looks by itself every few seconds, since what
is heard may be missing.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from tailcast_gateway.instruments import Instruments
from tailcast_gateway.scheduling.fair_semaphore import FairSemaphore
from tailcast_gateway.sessions.broker_clock import BrokerClock
from tailcast_gateway.sessions.core.emergency_list import (
    KnownEmergencies,
    ListedEmergency,
    Listing,
    changed,
    known_of,
    listing_of,
    of_document,
    of_found,
)
from tailcast_gateway.sessions.emergency_tails import EmergencyTails
from tailcast_gateway.sessions.isolation import SessionIsolation
from tailcast_gateway.sessions.reads import Reads
from tailcast_gateway.sessions.stored import Stored
from tailcast_index.meaning import Chooser, Point, Reader, Rules
from tailcast_service.pauses import jittered, wait_or_timeout
from tailcast_streams.broker import SessionReader
from tailcast_streams.emergencies import (
    MAX_ACKNOWLEDGED,
    MAX_RECORD_BYTES,
    Acknowledgement,
    FoundEmergency,
    KeptEmergency,
    KeptHistory,
)
from tailcast_streams.entries import MAX_DOCUMENTS, Entry, Kind
from tailcast_streams.exceptions import BrokerError, KeySpoiled
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.metrics import read_fields
from tailcast_streams.position import BEFORE_ALL, EntryID


# What gateways say to each other when something was acknowledged.
NOTE: Final = "!acknowledged"
# How often a gateway looks for what it has not heard, seconds.
LOOK_AGAIN_SECONDS: Final = 5.0
# How many documents are read at once.
DOCUMENTS_AT_ONCE: Final = 500
# How many listings are made at once.
MAX_LISTINGS: Final = 8

# Called with the ID of an emergency, its session ("" for none), and who acknowledged
# it, None if that was taken back.
OnAcknowledged = Callable[[str, str, Acknowledgement | None], None]


class Unknown(Exception):
    """There is no emergency with this ID."""


class AcknowledgedOne(NamedTuple):
    """An emergency, and all that is known once it was acknowledged."""

    emergency: ListedEmergency
    listing: Listing


class EmergencyHistory:
    """All emergencies; one for a replica. All methods may raise BrokerError."""

    def __init__(
        self,
        broker: SessionReader,
        reads: Reads,
        stored: Stored,
        *,
        isolation: SessionIsolation,
        rules: Rules,
        now_ms: Callable[[], int],
        broker_clock: BrokerClock,
        on_acknowledged: OnAcknowledged,
        instruments: Instruments,
    ) -> None:
        self._broker = broker
        self._reads = reads
        self._stored = stored
        self._tails = EmergencyTails(
            broker, isolation=isolation, rules=rules, now_ms=now_ms
        )
        # How steps and times are named.
        self._rules = rules
        self._now_ms = now_ms
        self._broker_clock = broker_clock
        self._on_acknowledged = on_acknowledged
        self._instruments = instruments
        # What is kept, None before it was read first.
        self._history: KeptHistory | None = None
        # Those that are files of their own, by their entries.
        self._documents: dict[EntryID, ListedEmergency] = {}
        # How often these have changed, and what is known of all, as of such a change.
        self._changes = 0
        self._known: tuple[KeptHistory, int, KnownEmergencies] | None = None
        # What is read later is not older, so one reads at a time.
        self._reading = asyncio.Lock()
        # How many make a listing at once; what these wait for has turns of its own.
        self._turns = FairSemaphore(MAX_LISTINGS)
        # Set when there may be something to tell.
        self._is_heard = asyncio.Event()

    async def listing(self, sessions: Sequence[str] | None = None) -> Listing:
        """All emergencies as of now.

        Args:
            sessions: those that matter, if they are known by their names: what no
                indexer has read is read of them alone.
        """
        key = ("emergencies", None if sessions is None else tuple(sessions))
        return await self._reads.share(
            key, lambda: self._listing(sessions), turns=self._turns
        )

    async def records(self, some: Sequence[ListedEmergency]) -> list[bytes | None]:
        """Their records; None for those that are too long, or not there any more."""
        kept = [one.kept for one in some if one.kept and one.record is None]
        found = dict(
            zip(kept, await self._broker.emergencies.records(kept), strict=True)
        )
        return list(await asyncio.gather(*(self._record(one, found) for one in some)))

    async def acknowledge(self, id: str, who: str, note: str) -> AcknowledgedOne:
        """Note who has seen an emergency, if nobody had. Raises Unknown."""
        listing = (await self._find(id)).listing
        acknowledged = listing.acknowledged
        if id not in acknowledged and len(acknowledged) >= MAX_ACKNOWLEDGED:
            known = {one.id for one in (await self.listing()).emergencies}
            await self._broker.emergencies.take_back(
                [other for other in acknowledged if other not in known]
            )
        await self._broker.emergencies.acknowledge(id, who, note)
        return await self._after_change(id)

    async def take_back(self, id: str) -> AcknowledgedOne:
        """Forget that an emergency was acknowledged. Raises Unknown."""
        await self._find(id)
        await self._broker.emergencies.take_back([id])
        return await self._after_change(id)

    def heard(self, payload: str) -> bool:
        """Take a payload of the feed's channel, if it is about acknowledgements."""
        if payload != NOTE:
            return False
        self._is_heard.set()
        return True

    async def run(self) -> None:
        """Tell what others acknowledge, until cancelled."""
        while True:
            self._is_heard.clear()
            try:
                await self._look_for_news()
            except BrokerError as error:
                self._instruments.broker_failed("emergencies", error)
            await wait_or_timeout(self._is_heard, jittered(LOOK_AGAIN_SECONDS))

    async def _find(self, id: str) -> AcknowledgedOne:
        # Of one in a session's file no other session is to be read.
        listing = await self.listing([id.rpartition("/")[0]])
        emergency = listing.find(id)
        if emergency is None:
            raise Unknown
        return AcknowledgedOne(emergency, listing)

    async def _after_change(self, id: str) -> AcknowledgedOne:
        await self._broker.notify(NOTE)
        return await self._find(id)

    async def _look_for_news(self) -> None:
        """Tell what was acknowledged, if anything was."""
        _, acknowledged = await self._broker.emergencies.versions()
        if self._history is None or self._history.versions[1] != acknowledged:
            await self._refresh()

    async def _listing(self, sessions: Sequence[str] | None) -> Listing:
        # What is behind the indexes first: what is indexed meanwhile is kept then.
        if sessions is None:
            active = await self._stored.latest()
            now_ms = self._broker_clock.now_ms()
            tails = await self._tails.of_all(active, now_ms=now_ms)
        else:
            tails = await self._tails.of(sessions)
        history = await self._refresh()
        async with self._reading:
            try:
                await self._read_documents()
            except KeySpoiled as error:
                # A tailer makes it anew.
                self._instruments.broker_failed("emergencies", error)
                self._documents = {}
                self._changes += 1
        known = self._known
        if known is None or known[0] is not history or known[1] != self._changes:
            made = known_of(history, self._documents.values())
            known = self._known = (history, self._changes, made)
        return listing_of(history, known[2], tails.by_session, behind=tails.behind)

    async def _refresh(self) -> KeptHistory:
        """Read what is kept if it is another, and tell what was acknowledged."""
        async with self._reading:
            before = self._history
            try:
                versions = await self._broker.emergencies.versions()
                if before is not None and before.versions == versions:
                    return before
                now = await self._broker.emergencies.load()
            except KeySpoiled as error:
                # An indexer makes it anew; what came since, and files, are there.
                self._instruments.broker_failed("emergencies", error)
                now = KeptHistory()
            # Of a broker that has lost everything nothing is told.
            if before is not None and now.versions[1]:
                news = changed(before.acknowledged, now.acknowledged)
                if news:
                    await self._read_documents()
                for id, one in news.items():
                    self._on_acknowledged(id, self._session_of(id), one)
            self._history = now
            return now

    def _session_of(self, id: str) -> str:
        """The session of an emergency, by its ID; "" if it names none."""
        for one in self._documents.values():
            if one.id == id:
                return one.session
        return id.rpartition("/")[0]

    async def _read_documents(self) -> None:
        """Read the files that are emergencies and came since; all if they changed."""
        last = max(self._documents, default=BEFORE_ALL)
        if last != BEFORE_ALL:
            entry = await self._broker.find(EMERGENCIES, last)
            if entry is None or entry.cursor != self._documents[last].order.cursor:
                # The broker has lost them, and perhaps others are there.
                self._documents, last = {}, BEFORE_ALL
                self._changes += 1
        while True:
            page = await self._broker.read_after(
                EMERGENCIES, last, limit=DOCUMENTS_AT_ONCE
            )
            for entry in page:
                if entry.kind is Kind.EMERGENCY:
                    self._documents[entry.id] = self._document(entry)
            self._changes += bool(page)
            if len(page) < DOCUMENTS_AT_ONCE:
                break
            last = page[-1].id
        for id in sorted(self._documents)[:-MAX_DOCUMENTS]:
            self._documents.pop(id, None)

    def read_alone(self, stream: str, entry: Entry) -> ListedEmergency:
        """An emergency whose record is read by itself."""
        if stream == EMERGENCIES:
            return self._document(entry)
        point = self._point(entry)
        found = FoundEmergency(
            entry.cursor, point.step, point.time_ms, self._now_ms(), entry.record
        )
        history = self._history
        life = None if history is None else history.lives.get(stream)
        return of_found(stream, "" if life is None else life.incarnation, found)

    def _document(self, entry: Entry) -> ListedEmergency:
        point = self._point(entry)
        return of_document(entry, step=point.step, time_ms=point.time_ms)

    def _point(self, entry: Entry) -> Point:
        """What a record says, read by itself."""
        fields = read_fields(entry.record)
        chooser = Chooser(self._rules)
        chooser.look(fields)
        read = Reader(self._rules, chooser.choice).read
        return read(fields, now_ms=self._now_ms())

    async def _record(
        self, one: ListedEmergency, found: Mapping[KeptEmergency, bytes | None]
    ) -> bytes | None:
        if one.record is not None:
            return one.record
        record = None if one.kept is None else found.get(one.kept)
        if record is not None:
            return record
        _, stream, cursor = one.order
        entry = await self._broker.find(stream, cursor.id)
        if entry is None or entry.cursor != cursor:
            return None
        return entry.record if len(entry.record) <= MAX_RECORD_BYTES else None
