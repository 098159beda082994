"""What is kept of clients that name themselves: all adapters answer alike."""

import asyncio
import time
import uuid
from collections.abc import Callable
from contextlib import aclosing

import pytest

from tailcast_streams.births import Birth
from tailcast_streams.client_cursors import (
    ClientBounds,
    MadeRoom,
    Save,
    Saved,
    takeover_of,
)
from tailcast_streams.exceptions import TooManyClients
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.memory import client_cursors as client_cursors_memory
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import Cursor, EntryID
from tailcast_streams.redis import client_cursors as client_cursors_redis
from tailcast_streams.redis.broker import RedisBroker
from tests.brokers import BrokerServer
from tests.conformance.conftest import Adapter
from tests.hints import heard_of
from tests.patience import PATIENCE_SECONDS


Servers = Callable[[str], BrokerServer]


def _at(offset: int, generation: int = 1) -> Cursor:
    return Cursor(EntryID(generation, offset), 0xABC)


def _moment(number: int) -> Birth:
    return Birth("0a1b2c3d", number)


async def _kept(adapter: Adapter, save: Save) -> Saved:
    (saved,) = await adapter.clients.save([save])
    return saved


async def test_a_client_that_nobody_knows(adapter: Adapter) -> None:
    """It is held from now on, and nothing is kept of it."""
    kept = await adapter.clients.take("c", "r1")

    assert not kept.is_known
    assert kept.hold > 0


async def test_what_is_saved_is_found(adapter: Adapter) -> None:
    """Cursors, the documents' too, are added to what is there."""
    hold = (await adapter.clients.take("c", "r1")).hold
    first = Save("c", hold, 1, {"a": _at(30), EMERGENCIES: _at(1)}, at=_moment(1))
    second = Save("c", hold, 2, {"a": _at(60), "b/%{x}\n": _at(9, 2)})
    assert await adapter.clients.save([first, second]) == [Saved.KEPT, Saved.KEPT]

    kept = await adapter.clients.take("c", "r1")

    assert kept.is_known
    assert kept.at == _moment(1)
    assert kept.cursors == {"a": _at(60), EMERGENCIES: _at(1), "b/%{x}\n": _at(9, 2)}
    assert not (await adapter.clients.take("d", "r1")).is_known


async def test_an_earlier_hold_is_refused(adapter: Adapter) -> None:
    """Whoever took the client last writes; the other learns it by its next save."""
    earlier = (await adapter.clients.take("c", "r1")).hold
    later = (await adapter.clients.take("c", "r2")).hold
    assert later > earlier

    assert await _kept(adapter, Save("c", earlier, 1, {"a": _at(30)})) is (
        Saved.REFUSED
    )
    assert await _kept(adapter, Save("c", later, 1, {"a": _at(9)})) is Saved.KEPT
    assert (await adapter.clients.take("c", "r1")).cursors == {"a": _at(9)}


async def test_a_save_that_comes_late_undoes_nothing(adapter: Adapter) -> None:
    """Of one hold the latest save counts; it may go back, as after a rebuild."""
    hold = (await adapter.clients.take("c", "r1")).hold
    await _kept(adapter, Save("c", hold, 2, {"a": _at(60)}, at=_moment(2)))

    assert await _kept(adapter, Save("c", hold, 1, {"a": _at(30)})) is Saved.KEPT
    assert await _kept(adapter, Save("c", hold, 3, {"b": _at(7)})) is Saved.KEPT
    kept = await adapter.clients.take("c", "r1")
    assert kept.cursors == {"a": _at(60), "b": _at(7)}
    assert await _kept(adapter, Save("c", kept.hold, 1, {"a": _at(5)})) is (Saved.KEPT)
    assert (await adapter.clients.take("c", "r1")).cursors["a"] == _at(5)


async def test_a_forgotten_hold_is_written_again(adapter: Adapter) -> None:
    """A broker that lost a hold takes its next save, and says that it knew nothing."""
    hold = (await adapter.clients.take("c", "r1")).hold

    lost = Save("other", hold, 4, {"a": _at(30)}, at=_moment(5))

    assert await _kept(adapter, lost) is Saved.ANEW
    assert await _kept(adapter, lost._replace(number=5)) is Saved.KEPT
    kept = await adapter.clients.take("other", "r1")
    assert (kept.cursors, kept.at) == ({"a": _at(30)}, _moment(5))
    assert kept.hold > hold


async def test_forgetting_what_was_before(adapter: Adapter) -> None:
    """A save may begin the client anew; the hold goes on."""
    hold = (await adapter.clients.take("c", "r1")).hold
    await _kept(adapter, Save("c", hold, 1, {"a": _at(30)}, at=_moment(1)))

    anew = Save("c", hold, 2, {"b": _at(7)}, forgets=True)

    assert await _kept(adapter, anew) is Saved.KEPT
    kept = await adapter.clients.take("c", "r1")
    assert (kept.cursors, kept.at) == ({"b": _at(7)}, None)


async def test_a_client_keeps_so_many_sessions(
    adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With more, some make room; the documents never do."""
    for module in (client_cursors_memory, client_cursors_redis):
        monkeypatch.setattr(module, "MAX_SESSIONS", 20)
    hold = (await adapter.clients.take("c", "r1")).hold
    first = {f"s{number}": _at(number) for number in range(15)}
    more = {f"t{number}": _at(number) for number in range(15)}

    await _kept(adapter, Save("c", hold, 1, {EMERGENCIES: _at(1)}, at=_moment(7)))
    await _kept(adapter, Save("c", hold, 2, first))
    await _kept(adapter, Save("c", hold, 3, more))

    kept = await adapter.clients.take("c", "r1")
    assert len(kept.cursors) == 20 + 1
    assert kept.cursors[EMERGENCIES] == _at(1)
    assert kept.at == _moment(7)
    assert kept.is_partial

    anew = Save("c", kept.hold, 1, first, forgets=True)
    await _kept(adapter, anew)
    assert not (await adapter.clients.take("c", "r1")).is_partial


async def test_a_save_of_all_sessions(adapter: Adapter) -> None:
    """As many sessions as are kept go in one save."""
    adapter.clients.bounds = ClientBounds(bytes_of_one=2**20)
    hold = (await adapter.clients.take("c", "r1")).hold
    cursors = {f"session {number}": _at(number + 1) for number in range(10_000)}

    assert await _kept(adapter, Save("c", hold, 1, cursors)) is Saved.KEPT

    assert (await adapter.clients.take("c", "r1")).cursors == cursors


async def test_a_takeover_is_heard(adapter: Adapter) -> None:
    """The channel tells who was taken, by which hold, in whose hands it is."""
    async with heard_of(adapter) as payloads, asyncio.timeout(PATIENCE_SECONDS):
        hold = (await adapter.clients.take("a:b c", "r1")).hold
        heard = takeover_of(await anext(payloads))

    assert heard is not None
    assert (heard.client, heard.hold, heard.taker) == ("a:b c", hold, "r1")


async def test_a_broker_that_forgot_its_scripts(adapter: Adapter) -> None:
    """They are sent again, and every save is kept."""
    hold = (await adapter.clients.take("c", "r1")).hold
    if isinstance(adapter, RedisBroker):
        await adapter._redis.script_flush()

    saves = [Save("c", hold, n, {f"s{n}": _at(n)}) for n in range(1, 4)]

    assert await adapter.clients.save(saves) == [Saved.KEPT] * 3
    assert len((await adapter.clients.take("c", "r1")).cursors) == 3


async def test_clients_that_expire() -> None:
    """A client that was not there for 30 days is forgotten (memory: by its clock)."""
    broker = MemoryBroker()
    hold = (await broker.clients.take("c", "r1")).hold
    await broker.clients.save([Save("c", hold, 1, {"a": _at(30)})])
    broker._stored.clients["c"].expires_at = 0.0

    assert not (await broker.clients.take("c", "r1")).is_known


async def test_how_often_it_began_at_the_same_place(adapter: Adapter) -> None:
    """Kept with the rest, and not counted among the sessions; forgotten with it."""
    kept = await adapter.clients.take("me", "x")
    assert kept.starts == 0
    await _kept(adapter, Save("me", kept.hold, 1, {"a": _at(10)}, starts=3))
    kept = await adapter.clients.take("me", "x")
    assert (kept.starts, kept.cursors, kept.is_partial) == (3, {"a": _at(10)}, False)
    await _kept(adapter, Save("me", kept.hold, 1, {"a": _at(20)}))
    kept = await adapter.clients.take("me", "x")
    assert kept.starts == 3
    await _kept(adapter, Save("me", kept.hold, 1, {}, forgets=True))
    assert (await adapter.clients.take("me", "x")).starts == 0


async def _made(adapter: Adapter, *names: str, proves: bool = False) -> None:
    """Clients with a position each, and whether they have proved themselves."""
    for name in names:
        hold = (await adapter.clients.take(name, "r1")).hold
        await _kept(adapter, Save(name, hold, 1, {"a": _at(30)}, proves=proves))


async def _known(adapter: Adapter, *names: str) -> list[str]:
    """Those of which something is stored; this asks in the place of each."""
    return [name for name in names if (await adapter.clients.take(name, "r2")).is_known]


async def test_one_client_is_stored_in_so_many_bytes(adapter: Adapter) -> None:
    """Sessions go, and that is told and noted; a session counts once, as it is now."""
    told: list[MadeRoom] = []
    adapter.clients.on_made_room = told.append
    adapter.clients.bounds = ClientBounds(bytes_of_one=10 * 114)
    hold = (await adapter.clients.take("c", "r1")).hold
    names = [f"{number:0100}" for number in range(20)]
    for number in range(1, 30):
        same = {name: _at(30) for name in names[:10]}
        assert len(str(_at(30))) == 13
        await _kept(adapter, Save("c", hold, number, same))
    assert not told

    await _kept(adapter, Save("c", hold, 30, {name: _at(30) for name in names}))

    assert told == [MadeRoom(0, 10)]
    kept = await adapter.clients.take("c", "r1")
    assert len(kept.cursors) == 10
    assert kept.is_partial


async def test_so_many_clients_are_stored(adapter: Adapter) -> None:
    """The one unused for longest goes, those that proved nothing before others."""
    told: list[MadeRoom] = []
    adapter.clients.on_made_room = told.append
    adapter.clients.bounds = ClientBounds(clients=3)
    await _made(adapter, "honest", proves=True)
    await _made(adapter, "x1", "x2")
    assert not told

    await _made(adapter, "x3", "x4", "x5")

    assert told == [MadeRoom(1, 0)] * 3
    assert await _known(adapter, "honest", "x4", "x5") == ["honest", "x4", "x5"]
    assert await _known(adapter, "x1") == []


async def test_a_stranger_is_refused_where_nobody_may_go(adapter: Adapter) -> None:
    """Clients that were here lately, and have proved themselves, stay; it says so."""
    adapter.clients.bounds = ClientBounds(clients=2)
    await _made(adapter, "a", "b", proves=True)

    with pytest.raises(TooManyClients):
        await adapter.clients.take("stranger", "r1")

    assert await _known(adapter, "a", "b") == ["a", "b"]


async def test_all_clients_are_stored_in_so_many_bytes(adapter: Adapter) -> None:
    """Whatever a client saves, others make room for it, and only as many as need to.

    One that is held and made room is saved anew: it is told that nothing is known.
    """
    adapter.clients.bounds = ClientBounds(bytes_of_all=4_000)
    positions = {f"{number:0100}": _at(30) for number in range(10)}
    holds: dict[str, int] = {}
    for name in ("a", "b", "c", "d"):
        holds[name] = (await adapter.clients.take(name, "r1")).hold
        await _kept(adapter, Save(name, holds[name], 1, positions, proves=True))

    again = Save("b", holds["b"], 2, {"a": _at(1)}, proves=True)
    assert await _kept(adapter, again) is Saved.KEPT
    again = Save("a", holds["a"], 2, positions, proves=True)
    assert await _kept(adapter, again) is Saved.ANEW
    assert await _known(adapter, "a", "b", "c", "d") == ["a", "b", "d"]


async def test_forgetting_gives_room_back(adapter: Adapter) -> None:
    """What a client does not store any more does not count."""
    told: list[MadeRoom] = []
    adapter.clients.on_made_room = told.append
    adapter.clients.bounds = ClientBounds(bytes_of_all=3_000)
    many = {f"{number:0100}": _at(30) for number in range(20)}
    hold = (await adapter.clients.take("a", "r1")).hold
    for number in range(1, 10):
        save = Save("a", hold, number, many if number % 2 else {}, forgets=True)
        await _kept(adapter, save)
    await _kept(adapter, Save("a", hold, 10, {}, forgets=True))

    hold = (await adapter.clients.take("b", "r1")).hold
    await _kept(adapter, Save("b", hold, 1, many))

    assert not told


@pytest.mark.parametrize("kind", ["memory", "valkey"])
async def test_how_long_a_client_is_stored(servers: Servers, kind: str) -> None:
    """An hour if it has proved nothing, 30 days if it ever has."""
    url = "" if kind == "memory" else servers(kind).url
    broker = RedisBroker(url, key_prefix=uuid.uuid4().hex) if url else MemoryBroker()
    await _made(broker, "stranger")
    await _made(broker, "honest", proves=True)
    hold = (await broker.clients.take("honest", "r1")).hold
    await _kept(broker, Save("honest", hold, 1, {}, forgets=True))

    assert 3_000 < await _seconds_left(broker, "stranger") <= 3_600
    assert 30 * 86_400 - 600 < await _seconds_left(broker, "honest") <= 30 * 86_400
    if isinstance(broker, RedisBroker):
        await broker.aclose()


async def _seconds_left(broker: Adapter, client: str) -> float:
    if isinstance(broker, MemoryBroker):
        return broker._stored.clients[client].expires_at - time.monotonic()
    return float(await broker._redis.ttl(broker._keys.client(client)))


async def _total(broker: RedisBroker) -> int:
    """Bytes of all clients, as they are counted."""
    *_, sizes = broker._keys.of_clients()
    return int(await broker._redis.hget(sizes, "") or 0)


async def test_clients_of_an_earlier_version(servers: Servers) -> None:
    """What it stored goes on, counts once it is used, and has proved itself."""
    broker = RedisBroker(servers("valkey").url, key_prefix=uuid.uuid4().hex)
    async with aclosing(broker):
        keys = broker._keys
        fields = {"!hold": "7", "!save": "3", "!at": str(_moment(1)), "a": str(_at(30))}
        for field, value in fields.items():
            await broker._redis.hset(keys.client("c"), field, value)
        kept = await broker.clients.take("c", "r1")
        assert kept.cursors == {"a": _at(30)}
        proven, *_ = keys.of_clients()
        assert await broker._redis.zrange(proven, 0, -1) == [keys.client("c").encode()]
        before = await _total(broker)

        await _kept(broker, Save("c", kept.hold, 1, {"b": _at(30)}))

        assert await _total(broker) == before + len("b1-30-00000abc")


async def test_what_is_stored_of_all_clients_is_spoiled(servers: Servers) -> None:
    """It is made anew, and clients are stored as before; those expired go from it."""
    broker = RedisBroker(servers("valkey").url, key_prefix=uuid.uuid4().hex)
    async with aclosing(broker):
        await _made(broker, "c", proves=True)
        for key in broker._keys.of_clients():
            await broker._redis.set(key, "rubbish")

        await _made(broker, "d")
        assert await _known(broker, "c", "d") == ["c", "d"]

        _, unproven, sizes = broker._keys.of_clients()
        key = broker._keys.client("d")
        await broker._redis.zadd(unproven, {key: 1})
        await broker._redis.delete(key)
        await _made(broker, "e")
        assert not await broker._redis.hexists(sizes, key)
        total = sum(len(broker._keys.client(name)) + 14 for name in ("c", "e"))
        assert await _total(broker) == total
