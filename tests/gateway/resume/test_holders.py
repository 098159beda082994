"""Who holds a client that several want at once, and saves that do not work."""

import asyncio
from typing import Any

import pytest
from msgspec import UNSET

from tailcast_gateway.delivery.core.channel import Client
from tailcast_gateway.delivery.core.hub import Hub
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.protocol.client_messages import RESUME, Subscribe
from tailcast_gateway.resume import saver as keeper_module
from tailcast_gateway.resume.core.holding import Holding
from tailcast_gateway.resume.core.places import Places
from tailcast_gateway.resume.holders import Holders
from tailcast_gateway.views.globs import EVERYTHING
from tailcast_gateway.views.subscription import Begin, Rule, Subscription
from tailcast_streams.births import Birth
from tailcast_streams.client_cursors import Takeover, takeover_note
from tailcast_streams.exceptions import BrokerUnavailable
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import BEGINNING_CURSOR
from tailcast_streams.session_state import Head
from tests.gateway.stage import idle_followers
from tests.patience import PATIENCE_SECONDS


ALL = Subscription([Rule(EVERYTHING, True, True, Begin.NOW)])
NOBODY = Head(None, None, None)
BORN = Birth("0a1b2c3d", 5)


class Socket:
    """What is written to a client, and how it is closed."""

    def __init__(self) -> None:
        self.paused = False
        self.pings: list[bytes] = []
        self.code: int | None = None

    def write(self, frames: bytes) -> None:
        """Nobody reads it."""

    def ping(self, payload: bytes = b"") -> None:
        """Remember it."""
        self.pings.append(payload)

    def close(self, code: int, reason: str = "") -> None:
        """Remember why."""
        self.code = self.code or code


class Rig:
    """A replica's identities over a broker in memory."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.broker = MemoryBroker()
        self.instruments = Instruments()
        self.hub = Hub(
            idle_followers(self.instruments),
            window_bytes=1_000,
            total_window_bytes=1_000,
            instruments=self.instruments,
        )
        self.hub.open(EMERGENCIES, NOBODY)
        self.holders = Holders(
            self.broker.clients,
            Places(self.hub),
            replica="r",
            clock=lambda: self.now,
            instruments=self.instruments,
        )
        self.saver = self.holders.saver

    def client(self) -> tuple[Client, Socket]:
        """A connection."""
        socket = Socket()
        return Client(socket), socket

    async def subscribe(self, client: Client, **fields: Any) -> None:
        """Subscribe to everything by a name."""
        fields = {"client_id": "me", **fields}
        message = Subscribe(**fields)
        await self.holders.identify(client, message)
        self.hub.subscribe(client, ALL, {}, births=BORN)
        resumes = message.from_ == RESUME
        self.holders.begin(client, ALL, births=BORN, adds=message.add, resumes=resumes)

    def metric(self, text: str) -> bool:
        """Whether the metrics have a line."""
        return text in self.instruments.exposition().decode()


async def test_two_that_take_a_client_at_once() -> None:
    """The later hold has it, in whatever order the answers come."""
    rig = Rig()
    (one, first), (other, second) = rig.client(), rig.client()
    await asyncio.gather(rig.subscribe(one), rig.subscribe(other))
    await rig.saver.save_waiting()

    assert (first.code, second.code) == (4409, None)


async def test_an_answer_that_another_hold_has_overtaken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who hears of a later hold before its own is answered does not get the client."""
    rig = Rig()
    client, socket = rig.client()
    take = rig.broker.clients.take

    async def slow(client_id: str, taker: str) -> Any:
        kept = await take(client_id, taker)
        own = Takeover(client_id, kept.hold, taker)
        rig.holders.heard(takeover_note(own))
        assert socket.code is None
        later = await take(client_id, "elsewhere")
        rig.holders.heard(takeover_note(Takeover(client_id, later.hold, "elsewhere")))
        return kept

    monkeypatch.setattr(rig.broker.clients, "take", slow)
    await rig.subscribe(client)
    await rig.saver.save_waiting()
    assert socket.code == 4409


async def test_taking_it_again_does_not_send_oneself_away() -> None:
    """Nor does what is heard late of a hold that is over, or of another client."""
    rig = Rig()
    client, socket = rig.client()
    await rig.subscribe(client)
    await rig.subscribe(client, from_=RESUME, client_id=UNSET)
    rig.holders.heard(takeover_note(Takeover("me", 1, "elsewhere")))
    rig.holders.heard(takeover_note(Takeover("you", 2**52, "elsewhere")))
    rig.holders.heard("!canary:1")
    await rig.saver.save_waiting()
    assert socket.code is None

    later = await rig.broker.clients.take("me", "elsewhere")
    rig.holders.heard(takeover_note(Takeover("me", later.hold, "elsewhere")))
    await rig.saver.save_waiting()
    assert socket.code == 4409
    assert rig.metric("tailcast_gateway_taken_over_total 1.0")


async def test_a_takeover_that_the_broker_does_not_know() -> None:
    """The channel is the whole server's: what is said there of another's client."""
    rig = Rig()
    client, socket = rig.client()
    await rig.subscribe(client)
    await rig.saver.save_waiting()
    foreign = takeover_note(Takeover("me", 2**52, "elsewhere"))

    rig.holders.heard(foreign)
    rig.broker.failure = BrokerUnavailable("away")
    with pytest.raises(BrokerUnavailable):
        await rig.saver.save_waiting()
    assert socket.code is None
    rig.broker.failure = None
    await rig.saver.save_waiting()
    assert socket.code is None

    later = await rig.broker.clients.take("me", "elsewhere")
    rig.holders.heard(takeover_note(Takeover("me", later.hold, "elsewhere")))
    rig.broker.failure = BrokerUnavailable("away")
    with pytest.raises(BrokerUnavailable):
        await rig.saver.save_waiting()
    rig.broker.failure = None
    await rig.saver.save_waiting()
    assert socket.code == 4409


async def test_taking_it_again_while_another_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A connection that held it and is overtaken while it asks again is sent away."""
    rig = Rig()
    client, socket = rig.client()
    await rig.subscribe(client)
    take = rig.broker.clients.take

    async def slow(client_id: str, taker: str) -> Any:
        kept = await take(client_id, taker)
        later = await take(client_id, "elsewhere")
        rig.holders.heard(takeover_note(Takeover(client_id, later.hold, "elsewhere")))
        return kept

    monkeypatch.setattr(rig.broker.clients, "take", slow)
    await rig.subscribe(client, from_=RESUME)
    await rig.saver.save_waiting()
    assert socket.code == 4409


async def test_a_connection_that_is_gone_takes_nothing() -> None:
    """Else it might take it from one that has come since."""
    rig = Rig()
    client, _ = rig.client()
    client.is_closed = True
    await rig.holders.identify(client, Subscribe(client_id="me"))

    assert not rig.broker._stored.clients


async def test_a_connection_that_is_gone_before_it_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It holds nothing."""
    rig = Rig()
    client, socket = rig.client()
    take = rig.broker.clients.take

    async def slow(client_id: str, taker: str) -> Any:
        kept = await take(client_id, taker)
        client.is_closed = True
        return kept

    monkeypatch.setattr(rig.broker.clients, "take", slow)
    await rig.holders.identify(client, Subscribe(client_id="me"))

    rig.holders.ping(client, 1.0, is_due=False)
    assert not socket.pings
    assert not rig.holders.pong(client, b"1")
    assert rig.holders.judge_ack(client, "a", BEGINNING_CURSOR) is None
    rig.holders.acknowledge(client, "a", BEGINNING_CURSOR)
    rig.holders.begin(client, ALL, births=BORN, adds=False, resumes=False)
    rig.holders.leave(client)


async def test_what_a_connection_left_is_saved() -> None:
    """Also when the broker was away, and by a replica that ends."""
    rig = Rig()
    client, _ = rig.client()
    await rig.subscribe(client)
    rig.broker.failure = BrokerUnavailable("away")
    with pytest.raises(BrokerUnavailable):
        await rig.saver.save_waiting()
    rig.holders.leave(client)
    rig.broker.failure = None
    await rig.saver.finish()

    kept = await rig.broker.clients.take("me", "r2")
    assert kept.cursors == {EMERGENCIES: BEGINNING_CURSOR}
    assert kept.at == BORN


async def test_a_replica_that_ends_without_its_broker() -> None:
    """It does not wait for ever, and says how much was lost."""
    rig = Rig()
    client, _ = rig.client()
    await rig.subscribe(client)
    rig.broker.failure = BrokerUnavailable("away")
    await rig.saver.finish()

    assert rig.metric('progress_saves_total{outcome="lost"} 1.0')


async def test_a_save_that_is_cancelled() -> None:
    """It is made again."""
    rig = Rig()
    client, _ = rig.client()
    await rig.subscribe(client)
    save = asyncio.create_task(rig.saver.save_waiting())
    await asyncio.sleep(0)
    save.cancel()
    with pytest.raises(asyncio.CancelledError):
        await save
    await rig.saver.save_waiting()

    assert (await rig.broker.clients.take("me", "r2")).is_known


@pytest.mark.parametrize("step", ["next_save", "save", "saved"])
async def test_a_client_over_which_saving_fails(
    monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The others are saved; its own comes again, and nothing is tried without end."""
    rig = Rig()
    for name in ("a", "bad", "b"):
        holding = Holding(name, "t")
        holding.acknowledge("s", BEGINNING_CURSOR)
        rig.saver.wait(holding)
    work = getattr(rig.broker.clients if step == "save" else Holding, step)

    def fail(self: Holding, *args: Any) -> Any:
        if self.client_id == "bad":
            raise LookupError("a bad client")
        return work(self, *args)

    async def fail_to_save(saves: Any) -> Any:
        if "bad" in {save.client for save in saves}:
            raise LookupError("a bad save")
        return await work(saves)

    if step == "save":
        monkeypatch.setattr(rig.broker.clients, step, fail_to_save)
    else:
        monkeypatch.setattr(Holding, step, fail)
    await rig.saver.save_waiting()

    assert rig.metric('defects_total{over="client"} 1.0')
    assert not rig.saver._waiting
    known = [(await rig.broker.clients.take(name, "t")).is_known for name in "ab"]
    assert known == [True, True]


async def test_batches_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many cursors in one, so many clients that wait; the longest first."""
    monkeypatch.setattr(keeper_module, "MAX_SAVED_CURSORS", 1)
    monkeypatch.setattr(keeper_module, "MAX_WAITING", 2)
    rig = Rig()
    for name in ("a", "b", "c"):
        holding = Holding(name, "t")
        holding.acknowledge("s", BEGINNING_CURSOR)
        rig.saver.wait(holding)
    assert rig.metric('progress_saves_total{outcome="lost"} 1.0')

    await rig.saver.save_waiting()
    assert rig.metric('progress_saves_total{outcome="done"} 1.0')
    await rig.saver.finish()

    known = [(await rig.broker.clients.take(name, "t")).is_known for name in "abc"]
    assert known == [False, True, True]


async def test_the_keeper_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is urgent does not wait; a broker that was away gets it when it is back."""
    monkeypatch.setattr(keeper_module, "SAVE_SECONDS", 0.01)
    rig = Rig()
    running = asyncio.create_task(rig.saver.run())
    client, _ = rig.client()
    await rig.subscribe(client)
    rig.broker.failure = BrokerUnavailable("away")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not rig.metric('outcome="failed"'):
            await asyncio.sleep(0.001)
        rig.broker.failure = None
        while not rig.metric('outcome="done"'):
            await asyncio.sleep(0.001)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert (await rig.broker.clients.take("me", "r2")).is_known
