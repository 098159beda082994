"""A session that the broker ceases to keep: all adapters, as one step."""

import asyncio
from collections.abc import Mapping

from tailcast_streams.descriptions import Description
from tailcast_streams.position import BEFORE_ALL
from tailcast_streams.session_state import NOTHING_STORED, Appended
from tests.conformance.batches import (
    append,
    first_batch,
    follow_on,
    position,
    record,
    rejection,
)
from tests.conformance.conftest import Adapter


AT_MS = 1_800_000_000_000
KEPT: Mapping[str, int] = {
    "at_ms": AT_MS,
    "told_seconds": 60,
    "edits_seconds": 60,
}
EDITS = {"notes": b'"mine"'}


async def begin(adapter: Adapter, *names: str) -> None:
    """Sessions, each a second later than the one before it."""
    for number, name in enumerate(names):
        await adapter.bear(name, activity_ms=1_000 * (number + 1))
        await adapter.append(first_batch(record(30), session=name))


async def test_the_coldest_are_listed_first(adapter: Adapter) -> None:
    """In pages, and up to a time."""
    assert await adapter.count_sessions() == 0
    await begin(adapter, "c", "a", "b")

    assert await adapter.count_sessions() == 3
    coldest = await adapter.coldest_sessions(2, active_until_ms=9_000)
    assert list(coldest.items()) == [("c", 1_000), ("a", 2_000)]
    later = await adapter.coldest_sessions(2, start=2, active_until_ms=9_000)
    assert later == {"b": 3_000}
    assert await adapter.coldest_sessions(9, active_until_ms=1_999) == {"c": 1_000}


async def test_what_is_taken_out_tells_where_it_ended(adapter: Adapter) -> None:
    """Nothing else of it is left, and no other session is changed."""
    await begin(adapter, "s", "other")
    await append(adapter, record(60), offset=60, rejections=(rejection(55),))
    await adapter.descriptions.tell("s", "i1", {"header": b"{}"})
    await adapter.descriptions.edit("s", EDITS)
    seen = await position(adapter)

    assert await adapter.take_out("s", seen, **KEPT)

    assert list(await adapter.sessions()) == ["other"]
    state = await adapter.load("s")
    assert state is not None
    assert (state.taken_out_ms, state.position) == (AT_MS, seen)
    assert await adapter.read_after("s", BEFORE_ALL, limit=9) == []
    assert await adapter.read_rejected("s", BEFORE_ALL, limit=9) == []
    (described,) = await adapter.descriptions.load(["s"])
    assert described == Description(edits=EDITS)
    assert len(await adapter.read_after("other", BEFORE_ALL, limit=9)) == 2


async def test_nothing_is_appended_to_what_was_taken_out(adapter: Adapter) -> None:
    """By whoever did not hear of it; it begins anew once the rest is gone."""
    await begin(adapter, "s")
    late = await follow_on(adapter, record(60), offset=60)
    seen = await position(adapter)
    assert await adapter.take_out("s", seen, **KEPT)

    assert await adapter.append(late) is Appended.CONFLICT

    assert await adapter.discard("s", seen, keeps_edits=True)
    assert await adapter.append(first_batch(record(30))) is Appended.DONE
    state = await adapter.load("s")
    assert state is not None
    assert state.taken_out_ms == 0
    await append(adapter, record(60), offset=60)


async def test_what_moved_meanwhile_is_not_taken_out(adapter: Adapter) -> None:
    """Whoever takes it out has to have seen it as it is."""
    await begin(adapter, "s")
    seen = await position(adapter)
    await append(adapter, record(60), offset=60)

    assert not await adapter.take_out("s", seen, **KEPT)
    strange = (await position(adapter))._replace(stream_last_id=BEFORE_ALL)
    assert not await adapter.take_out("s", strange, **KEPT)

    assert list(await adapter.sessions()) == ["s"]
    assert len(await adapter.read_after("s", BEFORE_ALL, limit=9)) == 3


async def test_what_is_left_goes_by_itself(adapter: Adapter) -> None:
    """Then it is as if the session had never been."""
    await begin(adapter, "s")
    seen = await position(adapter)
    assert await adapter.take_out("s", seen, **{**KEPT, "told_seconds": 1})

    await pass_a_second(adapter)

    assert await position(adapter) == NOTHING_STORED
    assert await adapter.load("s") is None
    assert await adapter.append(first_batch(record(30))) is Appended.DONE


async def test_what_people_said_goes_later_unless_the_session_is_back(
    adapter: Adapter,
) -> None:
    """And meanwhile nothing is said of a session that is not kept."""
    for name in ("back", "gone"):
        await begin(adapter, name)
        await adapter.descriptions.edit(name, EDITS)
        seen = await position(adapter, name)
        kept = {**KEPT, "edits_seconds": 1}
        assert await adapter.take_out(name, seen, **kept)
        assert not await adapter.descriptions.edit(name, {"tags": b"[]"})
        if name == "back":
            assert await adapter.discard(name, seen, keeps_edits=True)
            again = first_batch(record(30), session=name)
            assert await adapter.append(again) is Appended.DONE

    await pass_a_second(adapter)

    assert not await said(adapter, "gone")
    assert await said(adapter, "back") == EDITS


async def said(adapter: Adapter, session: str) -> Mapping[str, bytes]:
    """What people said of a session."""
    (described,) = await adapter.descriptions.load([session])
    return described.edits


async def pass_a_second(adapter: Adapter) -> None:
    """Return when what was to stay for a second is over, by the broker's clock."""
    end_ms = await adapter.now_ms() + 1_000
    async with asyncio.timeout(30):
        while await adapter.now_ms() <= end_ms:
            await asyncio.sleep(0.02)
