"""Clients that name themselves: who holds a name here, and what is kept for it.

The edge of `acknowledgement`: takes clients from the broker, notes where they are,
saves what they have received in batches, and sends away who was taken over. Delivery
never waits for it. What never lives here: what becomes of a kept cursor, which is what
becomes of any cursor.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterable

from gateway.acknowledgement import Holding, Weight
from gateway.channel import Client
from gateway.close_codes import TAKEN_OVER
from gateway.instruments import Instruments
from gateway.subscription import Subscription
from gateway.whereabouts import Whereabouts
from telemetry_stream.client_cursors import (
    MAX_SESSIONS,
    ClientCursors,
    Kept,
    Saved,
    takeover_of,
)
from telemetry_stream.exceptions import BrokerError
from telemetry_stream.position import Cursor


# Progress that is not urgent is saved so often.
SAVE_SECONDS = 1.0
# Cursors in one batch of saves, give or take one client's.
MAX_SAVED_CURSORS = 20_000
# Clients whose progress waits to be saved; with more, who waits longest goes without.
MAX_WAITING = 50_000
# What waits when the replica ends is given so long.
FINISH_SECONDS = 2.0


class Identities:
    """The clients of this replica that name themselves."""

    def __init__(
        self,
        clients: ClientCursors,
        whereabouts: Whereabouts,
        *,
        replica: str,
        clock: Callable[[], float],
        wall_clock_ms: Callable[[], int],
        instruments: Instruments,
    ) -> None:
        self._clients = clients
        self._whereabouts = whereabouts
        self._clock = clock
        self._wall_clock_ms = wall_clock_ms
        self._instruments = instruments
        # What connections call themselves where takeovers are told.
        self._takers = (f"{replica}.{number}" for number in itertools.count())
        # The connections that hold a client, and the client of each of them.
        self._held: dict[str, Client] = {}
        self._holdings: dict[Client, Holding] = {}
        # Those that ask the broker for a client now.
        self._taking: dict[Holding, None] = {}
        # Holdings whose progress is to be saved, the one that waits longest first;
        # also of connections that are gone.
        self._waiting: dict[Holding, None] = {}
        # One save at a time.
        self._saving = asyncio.Lock()
        # Somebody should not wait for `SAVE_SECONDS`.
        self._is_urgent = asyncio.Event()

    # Who holds a client.

    def holds(self, client: Client) -> bool:
        """Whether a connection holds the client that it has named."""
        return client in self._holdings

    async def take(self, client: Client, client_id: str) -> Kept:
        """Make a connection the one that holds a client, and read what is kept.

        Whoever held it is sent away. A connection that holds it reads it anew.

        Raises:
            BrokerError: it is held as before, or by nobody here.
        """
        rival = self._held.get(client_id)
        if rival is not None and rival is not client:
            await self._make_way(rival)
        holding = self._holdings.get(client)
        if holding is None:
            holding = Holding(client_id, next(self._takers))
        else:
            await self._save([holding])
        self._taking[holding] = None
        try:
            kept = await self._clients.take(client_id, holding.taker)
        finally:
            del self._taking[holding]
        holding.hold = kept.hold
        if not client.is_closed:
            self._hold(client, holding)
        return kept

    def count_only_acks(self, client: Client, *, is_manual: bool) -> None:
        """Whether only a client's own word counts, or the pings that it answers."""
        if (holding := self._holdings.get(client)) is not None:
            holding.is_manual = is_manual

    def begin(
        self, client: Client, added: Subscription, *, adds: bool, resumes: bool
    ) -> None:
        """Delivery to a connection has begun anew; keep where, at once.

        Args:
            client: the connection; nothing is kept unless it holds a client.
            added: what delivery begins anew of.
            adds: whether what it had before goes on.
            resumes: whether it begins where it was kept.
        """
        holding = self._holdings.get(client)
        if holding is None:
            return
        is_all = not (adds and holding.has_begun)
        wanted = client.subscription if is_all else added
        places = self._whereabouts.places(client, wanted)
        known = _known(places, limit=MAX_SESSIONS)
        is_complete = is_all and len(known) == len(places)
        holding.begin(
            known,
            lagging=list(client.followers),
            at_ms=self._wall_clock_ms() if is_complete else None,
            forgets=not (adds or resumes),
        )
        self._wait(holding, is_urgent=True)

    def heard(self, payload: str) -> None:
        """Take what the feed's channel says, if it is a takeover."""
        takeover = takeover_of(payload)
        if takeover is None:
            return
        for holding in self._taking:
            is_other = takeover.taker != holding.taker
            if takeover.client == holding.client_id and is_other:
                holding.rival = max(holding.rival, takeover.hold)
        client = self._held.get(takeover.client)
        if client is not None:
            holding = self._holdings[client]
            if takeover.hold > holding.hold and takeover.taker != holding.taker:
                self._give_up(client)

    def leave(self, client: Client) -> None:
        """A connection is gone; what it has received is saved."""
        holding = self._holdings.pop(client, None)
        if holding is not None:
            del self._held[holding.client_id]
            if holding.has_progress(self._clock()):
                self._wait(holding, is_urgent=True)

    # What a client has received.

    def ping(self, client: Client, now: float) -> bytes | None:
        """Note where a client is, if something may be received; the ping's payload."""
        holding = self._holdings.get(client)
        if holding is None:
            return None
        if holding.has_progress(now):
            self._wait(holding)
        if not holding.takes_notes:
            return None
        changed, own = self._whereabouts.changes(
            client,
            since=None if holding.is_forgotten else holding.kept_until,
            lagging=holding.lagging,
            now=now,
        )
        if not changed and not own:
            return None
        known = _known(own, limit=MAX_SESSIONS)
        is_complete = len(known) == len(own)
        return holding.note(
            now=now,
            at_ms=self._wall_clock_ms() if is_complete else None,
            subscription=client.subscription,
            changed=changed,
            own=known,
            lagging=tuple(client.followers),
        )

    def pong(self, client: Client, payload: bytes) -> None:
        """A client has answered a ping."""
        holding = self._holdings.get(client)
        if holding is not None and holding.answered(payload):
            self._wait(holding)

    def weigh(self, client: Client, session: str, cursor: Cursor) -> Weight | None:
        """Judge what a client acknowledges; None if its word does not count."""
        holding = self._holdings.get(client)
        if holding is None or not holding.is_manual:
            return None
        place = self._whereabouts.delivered(client, session)
        return holding.weigh(session, cursor, place=place)

    def acknowledge(self, client: Client, session: str, cursor: Cursor) -> None:
        """A client has what was sent to it up to there."""
        holding = self._holdings.get(client)
        if holding is not None:
            holding.acknowledge(session, cursor)
            self._wait(holding)

    # Keeping it.

    async def run(self) -> None:
        """Save what waits until cancelled, whatever the broker does."""
        while True:
            try:
                async with asyncio.timeout(SAVE_SECONDS):
                    await self._is_urgent.wait()
            except TimeoutError:
                pass
            self._is_urgent.clear()
            try:
                await self.save_waiting()
            except BrokerError:
                # It is tried again, with what has come by then.
                await asyncio.sleep(SAVE_SECONDS)

    async def save_waiting(self) -> None:
        """Save a batch of what waits. Raises BrokerError."""
        batch: list[Holding] = []
        async with self._saving:
            size = 0
            for holding in self._waiting:
                if size >= MAX_SAVED_CURSORS:
                    break
                batch.append(holding)
                size += holding.size
            await self._save_batch(batch)

    async def finish(self) -> None:
        """The replica ends: save what still waits, if the broker takes it in time."""
        try:
            async with asyncio.timeout(FINISH_SECONDS):
                while self._waiting:
                    await self.save_waiting()
        except (BrokerError, TimeoutError):
            self._instruments.progress_lost(len(self._waiting))

    async def _save(self, holdings: list[Holding]) -> None:
        async with self._saving:
            await self._save_batch(holdings)

    async def _save_batch(self, holdings: Iterable[Holding]) -> None:
        now = self._clock()
        for holding in holdings:
            self._waiting.pop(holding, None)
        flying = [one for one in holdings if one.has_progress(now)]
        saves = [holding.next_save(now) for holding in flying]
        if not saves:
            return
        try:
            outcomes = await self._clients.save(saves)
        except BaseException as error:
            for holding in flying:
                holding.failed()
                self._wait(holding)
            if isinstance(error, BrokerError):
                self._instruments.progress_failed(len(flying))
            raise
        for holding, outcome in zip(flying, outcomes, strict=True):
            self._saved(holding, outcome)
        self._instruments.progress_saved(
            clients=len(saves), cursors=sum(len(one.cursors) for one in saves)
        )

    def _saved(self, holding: Holding, outcome: Saved) -> None:
        if outcome is not Saved.REFUSED:
            holding.saved(outcome)
            return
        self._instruments.progress_refused()
        client = self._held.get(holding.client_id)
        if client is not None and self._holdings[client] is holding:
            self._give_up(client)

    def _wait(self, holding: Holding, *, is_urgent: bool = False) -> None:
        self._waiting[holding] = None
        if len(self._waiting) > MAX_WAITING:
            del self._waiting[next(iter(self._waiting))]
            self._instruments.progress_lost(1)
        if is_urgent:
            self._is_urgent.set()

    # What these are made of.

    def _hold(self, client: Client, holding: Holding) -> None:
        """Enter who holds a client; of two that took it, the later one does."""
        other = self._held.get(holding.client_id)
        if other is not None and other is not client:
            if self._holdings[other].hold > holding.hold:
                holding.rival = max(holding.rival, self._holdings[other].hold)
            else:
                self._give_up(other)
        if holding.rival > holding.hold:
            self._send_away(client)
            return
        self._held[holding.client_id] = client
        self._holdings[client] = holding

    async def _make_way(self, client: Client) -> None:
        """Send a connection away; what it has received counts for its successor."""
        holding = self._holdings[client]
        self._give_up(client)
        await self._save([holding])

    def _give_up(self, client: Client) -> None:
        """A connection has lost its client to another one."""
        holding = self._holdings.pop(client)
        del self._held[holding.client_id]
        self._waiting.pop(holding, None)
        self._send_away(client)

    def _send_away(self, client: Client) -> None:
        self._instruments.taken_over()
        client.socket.close(TAKEN_OVER.number, TAKEN_OVER.reason)


def _known(places: dict[str, Cursor | None], *, limit: int) -> dict[str, Cursor]:
    """Places that are known, so many."""
    known = ((name, place) for name, place in places.items() if place is not None)
    return dict(itertools.islice(known, limit))
