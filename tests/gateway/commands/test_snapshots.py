"""Snapshots that come with a subscription."""

import pytest

from tailcast_gateway.commands import snapshots as snapshots_module
from tailcast_gateway.commands.snapshots import news_after
from tailcast_gateway.sessions.core.runs import SeenRun
from tailcast_gateway.sessions.core.told import SeenSession, end_of
from tailcast_streams.position import EntryID
from tailcast_streams.session_state import Head
from tests.gateway.commands.rig import commanding, kinds
from tests.gateway.entries import chain, cursor, head, marker
from tests.gateway.stage import records, told
from tests.gateway.stored import store


async def test_the_snapshot_of_one_session() -> None:
    """It comes behind the answer; without being asked for, it does not."""
    async with commanding() as rig:
        await store(rig.broker, "a", 10, 20)
        answers = await rig.subscribe(rig.client(), sessionId="a", snapshot=True, id=1)
        assert kinds(answers) == ["subscribed", "snapshot"]
        assert (answers[1]["id"], answers[1]["data"]) == (1, {"o": 20})
        assert kinds(await rig.subscribe(rig.client(), sessionId="a")) == ["subscribed"]


async def test_snapshots_of_several() -> None:
    """One list, of sessions alone: the documents have none."""
    async with commanding() as rig:
        for name in ("a", "b"):
            await store(rig.broker, name, 10)
        answers = await rig.subscribe(rig.client(), snapshot=True)
        assert kinds(answers) == ["subscribed", "snapshot", "positions"]
        shown = [one["sessionId"] for one in answers[1]["snapshots"]]
        assert sorted(shown) == ["a", "b"]


async def test_what_comes_after_a_snapshot_follows_it() -> None:
    """A record that the window does not have yet is in the snapshot and comes once."""
    async with commanding() as rig:
        await store(rig.broker, "a", 10)
        await rig.subscribe(rig.client(), sessionIds=["a", "b"])
        await store(rig.broker, "a", 20)
        for fields in ({"sessionId": "a"}, {"sessionIds": ["a", "b"]}):
            client = rig.client()
            answers = await rig.subscribe(client, snapshot=True, **fields)
            (snapshot,) = (one for one in answers if one["type"] == "snapshot")
            shown = snapshot.get("snapshots", [snapshot])[0]
            assert shown["data"] == {"o": 20}
            assert client.followers["a"].wanted == cursor("1-20")
        rig.replica.feed.mark("a")
        await rig.replica.feed.read_dirty()
        await store(rig.broker, "a", 30)
        rig.replica.feed.mark("a")
        await rig.replica.feed.read_dirty()
        assert records(told(client)) in ([], [30])


async def test_a_subscription_from_elsewhere_is_not_moved_by_a_snapshot() -> None:
    """Who asks for the beginning gets it, and who had the session goes on in it."""
    async with commanding() as rig:
        await store(rig.broker, "a", 10)
        client = rig.client()
        await rig.subscribe(client, sessionIds=["a", "b"])
        await store(rig.broker, "a", 20)
        await rig.subscribe(client, sessionIds=["a", "b"], snapshot=True)
        assert "a" not in client.followers
        other = rig.client()
        await rig.subscribe(
            other, sessionIds=["a", "b"], snapshot=True, **{"from": "start"}
        )
        assert other.followers["a"].wanted != cursor("1-20")


async def test_snapshots_that_are_too_large_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All of them would be held at once: they are refused, by a code of its own."""
    monkeypatch.setattr(snapshots_module, "MAX_SNAPSHOTS_BYTES", 10_000)
    async with commanding() as rig:
        for name in ("a", "b"):
            await store(rig.broker, name, 10, record=b'{"x":"%b"}' % (b"x" * 6_000))
        client = rig.client()
        (error,) = await rig.subscribe(client, snapshot=True, id=8)
        assert (error["code"], error["id"]) == ("too_large", 8)
        assert not client.subscription
        answers = await rig.subscribe(client, sessionId="a", snapshot=True)
        assert kinds(answers) == ["subscribed", "snapshot"]


def shot(of: Head) -> SeenSession:
    """A snapshot of a session."""
    assert of.state is not None
    return SeenSession(
        state=of.state,
        cursor=end_of(of.state),
        metrics=b"{}",
        metrics_left_out=0,
        latest=b"",
        latest_emergency=b"",
    )


def test_where_the_news_of_a_session_begin() -> None:
    """After what is shown; else after what is stored and not in the window yet."""
    entries = [marker(), *chain(10, 20)]
    ahead = head(entries)
    end = cursor("1-10")
    shown = shot(ahead)
    assert news_after(ahead, SeenRun(shown), end) == shown.cursor
    assert news_after(ahead, None, end) == cursor("1-20")
    assert news_after(ahead, None, cursor("1-20")) is None
    assert news_after(head(), None, end) is None
    assert news_after(head(), SeenRun(shot(head())), end) is None
    assert shown.cursor is not None
    assert shown.cursor.id == EntryID(1, 20)
