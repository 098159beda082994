"""What is kept of clients that name themselves: all adapters answer alike."""

import asyncio

import pytest

from tailcast_streams.births import Birth
from tailcast_streams.client_cursors import Save, Saved, takeover_of
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.memory import client_cursors as client_cursors_memory
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import Cursor, EntryID
from tailcast_streams.redis import client_cursors as client_cursors_redis
from tailcast_streams.redis.broker import RedisBroker
from tests.conformance.conftest import Adapter


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
    hold = (await adapter.clients.take("c", "r1")).hold
    cursors = {f"session {number}": _at(number + 1) for number in range(10_000)}

    assert await _kept(adapter, Save("c", hold, 1, cursors)) is Saved.KEPT

    assert (await adapter.clients.take("c", "r1")).cursors == cursors


async def test_a_takeover_is_heard(adapter: Adapter) -> None:
    """The channel tells who was taken, by which hold, in whose hands it is."""
    async with adapter.notifications() as payloads, asyncio.timeout(5):
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
