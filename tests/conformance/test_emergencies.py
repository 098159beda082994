"""Emergencies that are kept: once each, within bounds, whatever is repeated."""

import pytest

from tailcast_streams import emergencies as rules
from tailcast_streams.cuts import Cut
from tailcast_streams.emergencies import (
    EmergencyWrite,
    FoundEmergency,
    KeptEmergency,
    Life,
)
from tailcast_streams.position import Cursor, EntryID, digest
from tests.conformance.conftest import Adapter


SESSION = "a {b}\té"


def found(
    offset: int, *, generation: int = 1, time_ms: int | None = None, found_ms: int = 7
) -> FoundEmergency:
    """An emergency at a place."""
    record = b'{"step":%d,"emergency":{"severity":"high"}}' % offset
    cursor = Cursor(EntryID(generation, offset), digest(record))
    return FoundEmergency(cursor, offset / 2, time_ms, found_ms, record)


def write(
    *some: FoundEmergency,
    session: str = SESSION,
    incarnation: str = "i1",
    begins: bool = False,
    cuts: rules.Cuts = (),
) -> EmergencyWrite:
    """What an indexer found."""
    return EmergencyWrite(
        session=session,
        incarnation=incarnation,
        begins=begins,
        cuts=cuts,
        found=some,
    )


async def kept(adapter: Adapter) -> list[tuple[str, int, int]]:
    """The sessions, offsets and times of all that are kept, in this order."""
    history = await adapter.emergencies.load()
    return sorted(
        (one.session, one.cursor.id.offset, one.time_ms) for one in history.kept
    )


async def test_what_was_found_is_kept(adapter: Adapter) -> None:
    """With its step, its time and how severe it is; its record is read apart."""
    one = found(10, time_ms=1_000)

    await adapter.emergencies.keep([write(one, cuts=[Cut(2, 500)])])

    history = await adapter.emergencies.load()
    expected = KeptEmergency(SESSION, one.cursor, "i1", 5.0, 1_000, "high")
    assert history.kept == [expected]
    assert history.lives == {SESSION: Life("i1", (Cut(2, 500),))}
    other = expected._replace(session="other")
    assert await adapter.emergencies.records([expected, other]) == [one.record, None]
    assert await adapter.emergencies.records([]) == []


async def test_what_is_repeated_is_kept_once(adapter: Adapter) -> None:
    """And nobody reads it again for that."""
    await adapter.emergencies.keep([write(found(10), found(20, time_ms=5))])
    before = await adapter.emergencies.versions()

    await adapter.emergencies.keep([write(found(10), found(20, time_ms=5))])

    assert await adapter.emergencies.versions() == before
    assert await kept(adapter) == [(SESSION, 10, 7), (SESSION, 20, 5)]


async def test_a_time_that_no_record_has_stays(adapter: Adapter) -> None:
    """Though the session is read again later."""
    await adapter.emergencies.keep([write(found(10, found_ms=7))])

    await adapter.emergencies.keep([write(found(10, found_ms=9_000), begins=True)])

    assert await kept(adapter) == [(SESSION, 10, 7)]


async def test_another_incarnation_takes_the_place_of_one(adapter: Adapter) -> None:
    """If it is read from its beginning; who is behind keeps nothing."""
    await adapter.emergencies.keep(
        [write(found(10), found(20)), write(found(30), session="b")]
    )

    await adapter.emergencies.keep(
        [write(found(20), incarnation="i2", begins=True, cuts=[Cut(3, 9)])]
    )
    assert await adapter.emergencies.keep([write(found(40), incarnation="i1")]) == 0

    assert await kept(adapter) == [(SESSION, 20, 7), ("b", 30, 7)]
    (one,) = [
        one for one in (await adapter.emergencies.load()).kept if one.session == SESSION
    ]
    life = (await adapter.emergencies.load()).lives[SESSION]
    assert life.incarnation == one.incarnation == "i2"


async def test_who_is_behind_takes_no_cut_back(adapter: Adapter) -> None:
    """What another one has read of the stream still holds."""
    await adapter.emergencies.keep([write(cuts=[Cut(2, 5), Cut(3, 20, 2)])])

    await adapter.emergencies.keep([write(found(10), cuts=[Cut(2, 5)])])
    await adapter.emergencies.keep([write(begins=True)])

    life = (await adapter.emergencies.load()).lives[SESSION]
    assert life.cuts == (Cut(2, 5), Cut(3, 20, 2))


async def test_what_is_beyond_the_bounds_goes(
    adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first ones of a session, whatever their times, and the oldest of all."""
    modules = [
        f"tailcast_streams.{kind}.emergencies.{name}"
        for kind in ("memory", "redis")
        for name in ("MAX_KEPT_OF_SESSION", "MAX_KEPT")
    ]
    for module in modules:
        monkeypatch.setattr(module, 3 if module.endswith("SESSION") else 4)

    gone = [
        await adapter.emergencies.keep([write(found(offset, time_ms=5_000 - offset))])
        for offset in (9, 10, 100, 1_000)
    ]
    assert gone == [0, 0, 0, 1]
    assert [offset for _, offset, _ in await kept(adapter)] == [10, 100, 1_000]

    await adapter.emergencies.keep([write(found(1, time_ms=4_500), session="b")])
    await adapter.emergencies.keep([write(found(2, time_ms=4_600), session="c")])
    assert [one[:2] for one in await kept(adapter)] == [
        (SESSION, 10),
        (SESSION, 100),
        ("b", 1),
        ("c", 2),
    ]


async def test_a_long_record_is_not_kept(adapter: Adapter) -> None:
    """But that there was one."""
    record = b'{"emergency":{},"text":"%s"}' % (b"x" * rules.MAX_RECORD_BYTES)
    one = found(10)._replace(record=record)

    await adapter.emergencies.keep([write(one)])

    history = await adapter.emergencies.load()
    assert len(history.kept) == 1
    assert await adapter.emergencies.records(history.kept) == [None]


async def test_a_session_is_forgotten(adapter: Adapter) -> None:
    """It alone; and once it is there again it is kept again."""
    await adapter.emergencies.keep(
        [write(found(10)), write(found(30), session=f"{SESSION} more")]
    )

    await adapter.emergencies.forget(SESSION)
    await adapter.emergencies.forget("never there")

    assert await kept(adapter) == [(f"{SESSION} more", 30, 7)]
    assert SESSION not in (await adapter.emergencies.load()).lives
    await adapter.emergencies.keep([write(found(10), incarnation="i3")])
    assert len(await kept(adapter)) == 2


async def test_the_first_who_acknowledges_is_kept(adapter: Adapter) -> None:
    """Until it is taken back; a repeated one changes nothing."""
    emergencies = adapter.emergencies
    first = await emergencies.acknowledge("s/1-2-0", "ada", "é")
    changed = await emergencies.versions()

    assert (first.who, first.note) == ("ada", "é")
    assert first.at_ms > 0
    assert await emergencies.acknowledge("s/1-2-0", "bob", "") == first
    assert await emergencies.versions() == changed
    assert (await emergencies.load()).acknowledged == {"s/1-2-0": first}

    await emergencies.take_back(["s/1-2-0"])

    assert (await emergencies.load()).acknowledged == {}
    assert await emergencies.versions() != changed
    again = await emergencies.acknowledge("s/1-2-0", "bob", "")
    assert again.who == "bob"


async def test_each_change_is_another_version(adapter: Adapter) -> None:
    """Nobody who compares reads what is not there any more."""
    emergencies = adapter.emergencies
    seen = [await emergencies.versions()]
    for step in (
        emergencies.keep([write(found(10))]),
        emergencies.keep([write(found(10), cuts=[Cut(2, 5)])]),
        emergencies.acknowledge("x", "ada", ""),
        emergencies.take_back(["x"]),
        emergencies.forget(SESSION),
    ):
        await step
        seen.append(await emergencies.versions())
        assert (await emergencies.load()).versions == seen[-1]

    assert len(set(seen)) == len(seen)
    await emergencies.keep([])
    await emergencies.take_back([])
    assert (await emergencies.load()).kept == []
