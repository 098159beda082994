"""Records that wait for their interval to be over."""

from collections.abc import Callable
from typing import Any

import pytest

from tailcast_gateway.delivery.core.channel import Channel, Client, FollowerState
from tailcast_gateway.protocol.wires import MSGPACK
from tailcast_gateway.views.conflation import Conflation
from tailcast_gateway.views.view import PLAIN, View
from tests.gateway.delivery.looks import SLOW, broken, fallen
from tests.gateway.entries import chain, cursor, head
from tests.gateway.stage import (
    Stage,
    records,
    rule,
    socket_of,
    told,
    written,
)


def slow_stage(*clients: View) -> tuple[Stage, Channel, list[Client]]:
    """Clients, of whom those with a rate have been given a record at 0 s."""
    stage = Stage()
    channel = stage.watch()
    found = [stage.client(rule("a", view=view)) for view in clients]
    stage.follow_on(channel, 10, now=0.0)
    for client in found:
        assert records(told(client)) == [10]
    return stage, channel, found


def test_the_newest_record_waits_until_the_interval_is_over() -> None:
    """And says how many it stands for; who has no rate gets all."""
    stage, channel, (slow, quick) = slow_stage(SLOW, PLAIN)
    stage.follow_on(channel, 20, 30, now=0.25)
    assert (told(slow), records(told(quick))) == ([], [20, 30])
    assert stage.delivery.next_due() == 1.0
    stage.delivery.flush(0.75)
    assert told(slow) == []
    assert stage.delivery.next_due() == 1.0
    stage.delivery.flush(1.0)
    (message,) = told(slow)
    assert records([message]) == [30]
    assert message["sampled"] == {"of": 2}
    assert told(quick) == []
    assert stage.delivery.next_due() is None


def test_what_goes_at_once_says_how_many_it_stands_for() -> None:
    """Where several came together."""
    stage = Stage()
    channel = stage.watch()
    client = stage.client(rule("a", view=SLOW))
    stage.follow_on(channel, 10, 20)
    (message,) = told(client)
    assert (records([message]), message["sampled"]) == ([20], {"of": 2})


def test_who_flushes_hears_that_a_record_waits() -> None:
    """Not of one that goes at once."""
    heard: list[str] = []
    stage = Stage()
    stage.delivery.on_pending = lambda: heard.append("waits")
    channel = stage.watch()
    stage.client(rule("a", view=SLOW))
    stage.follow_on(channel, 10)
    assert not heard
    stage.follow_on(channel, 20)
    assert heard == ["waits"]


def test_what_is_due_first_is_due_next() -> None:
    """Of all sessions and forms."""
    stage, channel, _ = slow_stage(SLOW, View(max_rate=2.0))
    stage.follow_on(channel, 20, now=0.25)
    assert stage.delivery.next_due() == 0.5
    stage.delivery.flush(0.5)
    assert stage.delivery.next_due() == 1.0


def test_what_has_gone_with_a_later_record_is_not_due() -> None:
    """Though nobody has asked for what is due since."""
    stage, channel, _ = slow_stage(SLOW, View(max_rate=2.0))
    stage.follow_on(channel, 20, now=0.25)
    stage.follow_on(channel, 30, now=0.75)
    assert stage.delivery.next_due() == 1.0


def test_what_waits_in_a_session_that_began_anew_is_not_due() -> None:
    """It is of another life, and nobody is given it."""
    stage, channel, (client,) = slow_stage(SLOW)
    stage.follow_on(channel, 20, now=0.25)
    stage.hub.reset(channel, head(chain(30)))
    assert stage.delivery.next_due() is None
    stage.delivery.flush(1.0)
    assert not stage.delivery.pending
    assert told(client) == []
    assert stage.counted("defects", '{over="session"}') == 0


def left(stage: Stage, client: Client) -> None:
    """It has left."""
    stage.hub.leave(client)


def not_any_more(stage: Stage, client: Client) -> None:
    """It does not want the session any more."""
    stage.subscribe(client, "b")


def other_form(stage: Stage, client: Client) -> None:
    """It wants the session in another form."""
    stage.subscribe(client, rule("a", view=View(max_rate=1.0)))


def not_live(stage: Stage, client: Client) -> None:
    """It is not live any more."""
    channel = stage.hub.channels["a"]
    stage.followers.follow(client, channel, FollowerState.BEHIND, cursor=cursor("1-10"))


@pytest.mark.parametrize("change", [left, not_any_more, other_form, not_live])
def test_who_is_not_live_in_the_form_any_more_is_not_given_what_waited(
    change: Callable[[Stage, Client], None],
) -> None:
    """Though it was when the record began to wait; the others are."""
    stage, channel, (client, other) = slow_stage(SLOW, SLOW)
    stage.follow_on(channel, 20, now=0.25)
    change(stage, client)
    stage.delivery.flush(1.0)
    assert told(client) == []
    assert records(told(other)) == [20]


def test_a_form_wanted_under_the_name_of_one_that_is_left_out() -> None:
    """Is no view in which a client is live, even the plain one."""
    stage, channel, (client,) = slow_stage(SLOW)
    stage.follow_on(channel, 20, now=0.25)
    stage.subscribe(client, rule("*", view=SLOW), rule("a", is_included=False))
    stage.delivery.flush(1.0)
    assert told(client) == []


def test_who_comes_later_is_not_given_what_waited() -> None:
    """It has begun after that record."""
    stage, channel, (client,) = slow_stage(SLOW)
    stage.follow_on(channel, 20, now=0.25)
    newcomer = stage.client(rule("a", view=SLOW))
    stage.delivery.flush(1.0)
    assert (records(told(client)), told(newcomer)) == ([20], [])


def test_what_waited_goes_by_the_wire_that_a_client_has_now() -> None:
    """It may have changed meanwhile."""
    stage, channel, (client,) = slow_stage(SLOW)
    stage.follow_on(channel, 20, now=0.25)
    client.write_by(MSGPACK)
    stage.delivery.flush(1.0)
    assert written(client) == channel.encoder(MSGPACK).frames(
        chain(20, previous="1-10"), cursor("1-10"), SLOW, counts=[1]
    )


@pytest.mark.parametrize(("kept", "place"), [(100_000, "1-20"), (0, "1-21")])
def test_who_takes_nothing_when_a_record_is_due_falls_behind(
    kept: int, place: str
) -> None:
    """To before that record; to the end where that place is not known any more."""
    stage, channel, (client,) = slow_stage(SLOW)
    stage.follow_on(channel, 20, 21, now=0.25)
    channel.window.shrink(kept)
    socket_of(client).paused = True
    stage.delivery.flush(1.0)
    assert told(client) == []
    assert fallen(client) == (FollowerState.BEHIND, place)


@pytest.mark.parametrize(("kept", "place"), [(100_000, "1-20"), (0, "1-30")])
def test_a_record_that_cannot_be_given_when_it_is_due(
    monkeypatch: pytest.MonkeyPatch, kept: int, place: str
) -> None:
    """Each is served by itself from before it; what waits elsewhere is given."""
    stage, channel, (client, gone, other) = slow_stage(SLOW, SLOW, View(max_rate=1.0))
    stage.follow_on(channel, 20, 30, now=0.25)
    stage.hub.leave(gone)
    flush, bad = Conflation.flush, channel.conflations[SLOW]

    def flush_others(it: Conflation, now: float) -> Any:
        if it is bad:
            broken()
        return flush(it, now)

    monkeypatch.setattr(Conflation, "flush", flush_others)
    channel.window.shrink(kept)
    stage.delivery.flush(1.0)
    assert fallen(client) == (FollowerState.BEHIND, place)
    assert not gone.followers
    assert stage.asked.woken == [client]
    assert records(told(other)) == [30]
    assert (SLOW in channel.conflations, stage.delivery.pending) == (False, {})
