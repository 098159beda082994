"""What clients ask that changes nothing."""

from typing import Any

import pytest

from tailcast_gateway.protocol.limits import limits_of
from tailcast_gateway.protocol.wires import JSON
from tests.gateway.commands.rig import commanding
from tests.gateway.entries import cursor
from tests.gateway.stored import store


async def test_sessions_the_latest_first() -> None:
    """All that there are, whoever watches them."""
    async with commanding() as rig:
        for time_ms, name in ((30, "a"), (10, "b"), (20, "c")):
            await store(rig.broker, name, 10)
            await rig.broker.touch({name: time_ms})
        (answer,) = await rig.ask(rig.client(), "sessions", id=1)
        assert (answer["type"], answer["id"], answer["more"]) == ("sessions", 1, False)
        assert [one["sessionId"] for one in answer["sessions"]] == ["a", "c", "b"]


async def test_no_sessions() -> None:
    """It is said that there are none."""
    async with commanding() as rig:
        (answer,) = await rig.ask(rig.client(), "sessions")
        assert (answer["sessions"], answer["more"]) == ([], False)


async def test_more_sessions_than_one_message_has() -> None:
    """Each message is bounded; all but the last say that more come."""
    async with commanding() as rig:
        names = {f"s{n:03}" for n in range(150)}
        for name in names:
            await store(rig.broker, name, 10)
        client = rig.client()
        client.write_by(JSON.bounded(limits_of(5_000)))
        answers = await rig.ask(client, "sessions")
        assert len(answers) > 3
        assert [one["more"] for one in answers] == [True] * (len(answers) - 1) + [False]
        found = [one["sessionId"] for part in answers for one in part["sessions"]]
        assert sorted(found) == sorted(names)


async def test_a_client_that_goes_while_it_is_answered() -> None:
    """Nothing more is read for it, and nothing sent."""
    async with commanding() as rig:
        for n in range(200):
            await store(rig.broker, f"s{n}", 10)
        answers = await rig.ask(rig.client(), "sessions", taken=1)
        assert len(answers) == 1
        # Of four parts. Whether one fits in a message depends on how old they are.
        assert len(rig.broker.heads_of) <= 2
        for kind, fields in (
            ("snapshot", {"sessionId": "s1"}),
            ("snapshot", {}),
            ("history", {"sessionId": "s1"}),
        ):
            assert await rig.ask(rig.client(), kind, taken=0, **fields) == []


async def test_a_session_that_cannot_be_read() -> None:
    """It is listed as one of which nothing is known; the others are as they are."""
    async with commanding() as rig:
        for name in ("a", "b"):
            await store(rig.broker, name, 10)
        rig.broker.refused.add("a")
        (answer,) = await rig.ask(rig.client(), "sessions")
        found = {one["sessionId"]: one["head"] for one in answer["sessions"]}
        assert found == {"a": None, "b": str(cursor("1-10"))}


async def test_the_snapshot_of_one_session() -> None:
    """A message of its own, also of a session that is not there."""
    async with commanding() as rig:
        await store(rig.broker, "a", 10, 20)
        (answer,) = await rig.ask(rig.client(), "snapshot", id="x", sessionId="a")
        assert (answer["type"], answer["id"], answer["data"]) == (
            "snapshot", "x", {"o": 20},
        )  # fmt: skip  # one glance
        (answer,) = await rig.ask(rig.client(), "snapshot", sessionId="none")
        assert (answer["sessionId"], answer["cursor"]) == ("none", None)


async def test_snapshots_of_several() -> None:
    """Those that are named come first, whether they are there or not."""
    async with commanding() as rig:
        for name in ("ab", "ac", "b", "z"):
            await store(rig.broker, name, 10)
        (answer,) = await rig.ask(
            rig.client(), "snapshot", sessionIds=["a*", "none", "z"]
        )
        names = [one["sessionId"] for one in answer["snapshots"]]
        assert names[:2] == ["none", "z"]
        assert sorted(names[2:]) == ["ab", "ac"]
        (answer,) = await rig.ask(rig.client(), "snapshot")
        assert {one["sessionId"] for one in answer["snapshots"]} == {
            "ab", "ac", "b", "z",
        }  # fmt: skip  # one glance


async def test_a_page_of_history() -> None:
    """Forward from a cursor, backward from one or from the end."""
    async with commanding() as rig:
        await store(rig.broker, "a", 10, 20, 30, 40)
        client, here = rig.client(), str(cursor("1-20"))
        cases: list[tuple[dict[str, Any], list[int], bool]] = [
            ({"after": here}, [30, 40], False),
            ({"after": here, "limit": 1}, [30], True),
            ({"before": here}, [10, 20], False),
            ({"before": here, "limit": 1}, [20], True),
            ({"limit": 2}, [30, 40], True),
        ]
        for asked, has, more in cases:
            (page,) = await rig.ask(client, "history", sessionId="a", id=7, **asked)
            assert (page["type"], page["id"]) == ("history", 7)
            assert [record["o"] for record in page["data"]] == has
            assert page["more"] is more


async def test_a_page_is_as_long_as_the_client_takes() -> None:
    """It is read as far as one message goes, not further."""
    async with commanding() as rig:
        await store(
            rig.broker, "a", *range(10, 5_010, 10), record=b'{"x":"%b"}' % (b"x" * 91)
        )
        client = rig.client()
        client.write_by(JSON.bounded(limits_of(5_000)))
        (page,) = await rig.ask(
            client, "history", sessionId="a", after="0-0-00000000", limit=500
        )
        assert 20 < len(page["data"]) < 60
        assert sum(limit for _, limit in rig.broker.pages) < 100


@pytest.mark.parametrize("side", ["before", "after"])
async def test_a_cursor_that_is_none(side: str) -> None:
    """It is refused by its own code, and that is counted."""
    async with commanding() as rig:
        asked: dict[str, Any] = {side: "x", "sessionId": "a", "id": 3}
        (error,) = await rig.ask(rig.client(), "history", **asked)
        assert (error["type"], error["code"], error["id"]) == (
            "error", "invalid_cursor", 3,
        )  # fmt: skip  # one glance
        assert rig.counted('tailcast_gateway_errors_total{code="invalid_cursor"} 1.0')


@pytest.mark.parametrize("kind", ["history", "sessions", "snapshot"])
async def test_a_broker_that_is_away(kind: str) -> None:
    """The client is told to ask again, and the answer is counted by what was asked."""
    async with commanding() as rig:
        with rig.broker.away():
            fields: dict[str, Any] = {"sessionId": "a"} if kind == "history" else {}
            (error,) = await rig.ask(rig.client(), kind, id=5, **fields)
        assert (error["code"], error["id"]) == ("unavailable", 5)
        assert 1_000 <= error["retryAfterMs"] <= 2_000
        assert rig.counted(f'tailcast_gateway_unavailable_total{{to="{kind}"}} 1.0')
        assert await rig.ask(rig.client(), "sessions") != []
