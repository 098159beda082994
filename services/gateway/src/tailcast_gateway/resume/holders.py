"""Named clients: which connection holds each of them, and what is stored for it.

A connection takes a client from the broker, and from then on it *holds* the client: it
alone may save the client's cursors. If another connection takes the client, the earlier
one is closed. Delivery never waits for this module. A stored cursor is judged as any
other cursor, in `sessions`.
"""

import asyncio
import itertools
from collections.abc import Callable
from urllib.parse import quote
from weakref import WeakValueDictionary

from msgspec import UNSET

from tailcast_gateway.delivery.core.allowance import Allowance
from tailcast_gateway.delivery.core.channel import Client
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.protocol.client_messages import (
    INVALID_MESSAGE,
    RESUME,
    TOO_MANY_CLIENTS,
    InvalidMessage,
    Subscribe,
)
from tailcast_gateway.protocol.close_codes import TAKEN_OVER
from tailcast_gateway.resume.core.holding import AckVerdict, Holding
from tailcast_gateway.resume.core.places import Places
from tailcast_gateway.resume.saver import Saver
from tailcast_gateway.views.subscription import Subscription
from tailcast_streams.births import Birth
from tailcast_streams.client_cursors import (
    MAX_SESSIONS,
    ClientCursors,
    Kept,
    takeover_of,
)
from tailcast_streams.exceptions import TooManyClients
from tailcast_streams.position import Cursor


# The result for a connection that has closed: it holds no client.
NOBODY = Kept(0, {}, None)


class Holders:
    """The named clients of this replica."""

    def __init__(
        self,
        clients: ClientCursors,
        places: Places,
        *,
        replica: str,
        clock: Callable[[], float],
        instruments: Instruments,
    ) -> None:
        self._clients = clients
        # Saves what the clients have received.
        self.saver = Saver(
            clients, on_refused=self.refused, clock=clock, instruments=instruments
        )
        self._places = places
        self._clock = clock
        self._instruments = instruments
        clients.on_made_room = instruments.room_made
        # The names of connections in announcements of takeovers.
        self._takers = (f"{replica}.{number}" for number in itertools.count())
        # The connection that holds each named client, and what each connection holds.
        self._held: dict[str, Client] = {}
        self._holdings: dict[Client, Holding] = {}
        # The holdings that ask the broker for their client now.
        self._taking: dict[Holding, None] = {}
        # Only one connection at a time asks for the same client, in order of arrival.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    # Holding a client.

    async def identify(self, client: Client, message: Subscribe) -> Kept | None:
        """Take the client that a `subscribe` names.

        Returns:
            What is stored for the client; None unless the message says `resume`.

        Raises:
            InvalidMessage: a name is missing, the connection has another one, or there
                is no room for one more.
            BrokerError: the client could not be taken.
        """
        name = _name(client, message)
        if name is None:
            return None
        resumes = message.from_ == RESUME
        kept = None
        if resumes or client not in self._holdings:
            try:
                kept = await self.take(client, _client_id(client.grant.sub, name))
            except TooManyClients:
                self._instruments.client_refused()
                text = "Too many clients: without a clientId you are served"
                raise InvalidMessage(TOO_MANY_CLIENTS, text, message.id) from None
            client.name = name
        if message.ack is not UNSET and client in self._holdings:
            self._holdings[client].is_manual = message.ack == "manual"
        return kept if resumes else None

    async def take(self, client: Client, client_id: str) -> Kept:
        """Let a connection hold a client, and read what is stored for it.

        Another connection that held the client is closed. A connection that holds it
        already reads again what is stored.

        Raises:
            BrokerError: the client is held as before, or by no connection here.
            TooManyClients: the client is new, and there is no room for it.
        """
        turn = self._turns.get(client_id)
        if turn is None:
            turn = self._turns[client_id] = asyncio.Lock()
        async with turn:
            rival = self._held.get(client_id)
            if rival is not None and rival is not client:
                await self._make_way(rival)
            holding = self._holdings.get(client)
            if holding is None:
                holding = Holding(client_id, next(self._takers))
            else:
                await self.saver.save([holding])
            # A closed connection must not take the client from a newer one.
            return NOBODY if client.is_closed else await self._take(client, holding)

    async def _take(self, client: Client, holding: Holding) -> Kept:
        self._taking[holding] = None
        try:
            kept = await self._clients.take(holding.client_id, holding.taker)
        finally:
            del self._taking[holding]
        holding.hold, holding.starts = kept.hold, kept.starts
        if not client.is_closed:
            self._hold(client, holding)
        return kept

    def begin(
        self,
        client: Client,
        added: Subscription,
        *,
        births: Birth | None,
        adds: bool,
        resumes: bool,
    ) -> None:
        """Save at once where delivery to a connection begins.

        Args:
            client: the connection; nothing is saved unless it holds a client.
            added: the subscription whose sessions begin now.
            births: the number of the latest session when the sessions were listed.
            adds: whether the earlier subscription goes on too.
            resumes: whether delivery begins at the stored cursors.
        """
        holding = self._holdings.get(client)
        if holding is None:
            return
        is_all = not (adds and holding.has_begun)
        wanted = client.subscription if is_all else added
        places = self._places.places(client, wanted)
        holding.begin(
            # One more than is stored, so that it is noted if some are left out.
            _known(places, limit=MAX_SESSIONS + 1),
            lagging=self._places.lagging(client),
            at=births if is_all else None,
            forgets=not (adds or resumes),
            starts=self._starts(client, holding, goes_on=adds or resumes),
        )
        repeats = max(0, holding.starts - 1)
        client.allowance = None if holding.is_manual else Allowance(repeats)
        if repeats:
            self._instruments.start_repeated(
                holding.client_id, repeats, connection=client.id
            )
        self.saver.wait(holding, is_urgent=True)

    def _starts(self, client: Client, holding: Holding, *, goes_on: bool) -> int:
        """How often delivery began at this place with records to send."""
        if not self._places.has_more(client):
            return 0
        return holding.starts + 1 if goes_on else 1

    def refused(self, holding: Holding) -> None:
        """Give a client up: the broker says that another connection holds it."""
        client = self._held.get(holding.client_id)
        if client is not None and self._holdings[client] is holding:
            self._give_up(client)

    def heard(self, payload: str) -> None:
        """Handle a payload of the feed's channel, if it announces a takeover."""
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
                self._doubt(holding)

    def _doubt(self, holding: Holding) -> None:
        """Ask the broker by the next save whether the client is still held here."""
        holding.is_doubted = True
        self.saver.wait(holding, is_urgent=True)

    def leave(self, client: Client) -> None:
        """Save what a closed connection has received."""
        holding = self._holdings.pop(client, None)
        if holding is not None:
            del self._held[holding.client_id]
            if holding.has_progress(self._clock()):
                self.saver.wait(holding, is_urgent=True)

    # Finding out what a client has received.

    def ping(self, client: Client, now: float, *, is_due: bool) -> None:
        """Ping a client if that is due, or if it may have received something."""
        holding, allowance = self._holdings.get(client), client.allowance
        if holding is not None and holding.has_progress(now):
            self.saver.wait(holding)
        is_asked = allowance is not None and allowance.is_waiting
        if (not is_asked and self._note(client, now)) or is_due:
            client.socket.ping(client.pings.next())

    def ask(self, client: Client) -> None:
        """Ping a client that gets no more of its replay before it answers."""
        now = self._clock()
        self._note(client, now)
        client.socket.ping(client.pings.next())
        if client.allowance is not None:
            client.allowance.ask(client.pings.sent, now)

    def _note(self, client: Client, now: float) -> bool:
        """Note a client's places for its next ping, if they have changed."""
        holding = self._holdings.get(client)
        if holding is None or not holding.takes_notes:
            return False
        changed, own = self._places.changes(
            client,
            since=None if holding.is_forgotten else holding.kept_until,
            lagging=holding.lagging,
            now=now,
        )
        if not changed and not own:
            return False
        allowance = client.allowance
        holding.note(
            client.pings.sent + 1,
            now=now,
            subscription=client.subscription,
            changed=changed,
            own=own,
            lagging=tuple(self._places.lagging(client)),
            is_progress=allowance is not None and allowance.has_given,
        )
        return True

    def pong(self, client: Client, payload: bytes) -> bool:
        """Note an answered ping; returns whether more of a replay may be sent."""
        number = client.pings.pong(payload)
        holding, allowance = self._holdings.get(client), client.allowance
        if holding is not None and holding.answered(number):
            self.saver.wait(holding)
        return allowance is not None and allowance.answered(number, self._clock())

    def judge_ack(
        self, client: Client, session: str, cursor: Cursor
    ) -> AckVerdict | None:
        """Judge an acknowledged cursor; None if the connection holds no client."""
        holding = self._holdings.get(client)
        if holding is None:
            return None
        place = self._places.delivered(client, session)
        return holding.judge_ack(session, cursor, place=place)

    def acknowledge(self, client: Client, session: str, cursor: Cursor) -> bool:
        """Note an acknowledgement; returns whether more may be sent now."""
        holding, allowance = self._holdings.get(client), client.allowance
        if holding is None:
            return False
        holding.acknowledge(session, cursor)
        self.saver.wait(holding)
        is_all = cursor == self._places.delivered(client, session)
        if allowance is None or not is_all:
            return False
        return allowance.reads_on(self._clock())

    # Helpers.

    def _hold(self, client: Client, holding: Holding) -> None:
        """Enter a holding; a later one may have been announced meanwhile."""
        self._held[holding.client_id] = client
        self._holdings[client] = holding
        if holding.rival > holding.hold:
            self._doubt(holding)

    async def _make_way(self, client: Client) -> None:
        """Close a connection and save what it has received, for its successor."""
        holding = self._holdings[client]
        self._give_up(client)
        await self.saver.save([holding])

    def _give_up(self, client: Client) -> None:
        """Close a connection that has lost its client to another one."""
        holding = self._holdings.pop(client)
        del self._held[holding.client_id]
        self.saver.forget(holding)
        self._send_away(client)

    def _send_away(self, client: Client) -> None:
        self._instruments.taken_over()
        client.socket.close(TAKEN_OVER.number, TAKEN_OVER.reason)


def _client_id(sub: str, name: str) -> str:
    """What a client is stored as: a name is apart for each subject."""
    return f"@{quote(sub, safe='')}@{name}" if sub else name


def _name(client: Client, message: Subscribe) -> str | None:
    """The name that a client gives itself, None without one."""
    given = client.name if message.client_id is UNSET else message.client_id
    if given is None and (message.from_ == RESUME or message.ack is not UNSET):
        text = 'Invalid message: from "resume" and ack need a clientId'
        raise InvalidMessage(INVALID_MESSAGE, text, message.id)
    if client.name not in (None, given):
        text = "Invalid message: this connection has another clientId"
        raise InvalidMessage(INVALID_MESSAGE, text, message.id)
    return given


def _known(places: dict[str, Cursor | None], *, limit: int) -> dict[str, Cursor]:
    """The places that are known, up to a limit."""
    known = ((name, place) for name, place in places.items() if place is not None)
    return dict(itertools.islice(known, limit))
