"""Where a client is in a session, and what is kept of it."""

import pytest

from tailcast_gateway.delivery.core.channel import (
    MAX_ANNOUNCEMENTS,
    MAX_ENCODERS,
    Channel,
    Client,
    Follower,
    FollowerState,
)
from tailcast_gateway.protocol.limits import limits_of
from tailcast_gateway.protocol.wires import JSON, MSGPACK, Wire
from tailcast_gateway.sessions.core.samples import Sample
from tailcast_gateway.views.view import PLAIN, View
from tailcast_streams.entries import Kind
from tests.gateway.entries import cursor, entry
from tests.gateway.stage import Socket, Stage, rule, told, written


def following(stage: Stage, view: View = PLAIN) -> Follower:
    """One that is behind in a session."""
    channel = stage.watch()
    client = stage.client(rule("a", view=view))
    return stage.followers.follow(
        client, channel, FollowerState.BEHIND, cursor=cursor("1-10")
    )


def test_frames_of_one_wire_are_made_by_one_encoder() -> None:
    """Of another wire by another one."""
    channel = Stage().watch()
    assert channel.encoder(JSON) is channel.encoder(JSON)
    assert channel.encoder(MSGPACK) is not channel.encoder(JSON)
    assert channel.encoder(MSGPACK).wire is MSGPACK


def test_encoders_are_bounded() -> None:
    """However many wires come and go; up to the bound each is kept."""
    channel = Stage().watch()
    wires = [JSON.bounded(limits_of(4_096 + at)) for at in range(MAX_ENCODERS)]
    encoders = [channel.encoder(wire) for wire in wires]
    assert [channel.encoder(wire) for wire in wires] == encoders
    channel.encoder(MSGPACK)
    assert channel.encoder(wires[0]) is not encoders[0]


def test_what_cannot_be_told_is_counted() -> None:
    """As a failure over the session."""
    stage = Stage()
    deep = b'{"x":' + b"[" * 5_000 + b"]" * 5_000 + b"}"
    emergency = entry("1-10", "1-0", deep, Kind.EMERGENCY)
    assert stage.watch().encoder(MSGPACK).announcement(emergency) == b""
    assert stage.counted("defects", '{over="session"}') == 1


def held_back(stage: Stage, view: View, *offsets: int) -> Channel:
    """A session whose records come at once where one a second goes."""
    channel = stage.watch()
    stage.client(rule("a", view=view))
    for offset in offsets:
        stage.follow_on(channel, offset)
    return channel


def test_live_clients_were_given_all_up_to_the_end() -> None:
    """Where nothing is held back, in whatever form."""
    stage, view = Stage(), View(max_rate=1.0)
    channel = held_back(stage, view, 10)
    assert (
        channel.delivered_up_to(view)
        == channel.delivered_up_to(PLAIN)
        == cursor("1-10")
    )


def test_a_record_that_waits_was_not_given() -> None:
    """In the view that holds it back; who goes on there must get it."""
    stage, view = Stage(), View(max_rate=1.0)
    channel = held_back(stage, view, 10, 11, 12)
    assert channel.delivered_up_to(view) == cursor("1-11")
    assert channel.delivered_up_to(PLAIN) == cursor("1-12")


def test_what_was_before_a_record_that_waits_may_be_forgotten() -> None:
    """Then nobody knows up to where all was given."""
    stage, view = Stage(), View(max_rate=1.0)
    channel = held_back(stage, view, 10, 20)
    channel.window.shrink(0)
    assert channel.delivered_up_to(view) is None


def is_reduced(follower: Follower) -> bool:
    """Whether its replay is being reduced."""
    return follower.is_reduced


def test_a_replay_is_reduced_until_all_was_sent() -> None:
    """What is sent is chosen anew if the client asks for another form."""
    follower = following(Stage(), View(max_points=2))
    assert not is_reduced(follower)
    follower.is_replay = True
    assert is_reduced(follower)
    follower.sample = Sample((), cursor("1-90"))
    follower.read_again()
    assert follower.sample is None
    follower.is_sampled = True
    assert not is_reduced(follower)


def test_a_follower_that_was_replaced_or_dropped_is_not_current() -> None:
    """Whatever was asked for it is void."""
    stage = Stage()
    first = following(stage)
    assert first.is_current
    second = stage.followers.follow(first.client, first.channel, FollowerState.BEHIND)
    assert (first.is_current, second.is_current) == (False, True)
    stage.followers.remove(second)
    assert not second.is_current


def test_a_follower_has_the_form_and_the_wire_that_its_client_has_now() -> None:
    """Both may change while it catches up."""
    stage, view = Stage(), View(max_rate=1.0)
    follower = following(stage, view)
    assert (follower.view, follower.encoder.wire) == (view, JSON)
    stage.subscribe(follower.client, "a")
    follower.client.write_by(MSGPACK)
    assert (follower.view, follower.encoder.wire) == (PLAIN, MSGPACK)


def test_announcements_are_by_the_wire_they_were_made_for() -> None:
    """Of another wire they are dropped: each comes again in its place."""
    client = Client(Socket())
    client.announcements.append(b"json")
    client.write_by(MSGPACK)
    assert not client.announcements


def test_the_newest_announcements_are_kept() -> None:
    """So many of them."""
    client = Client(Socket())
    client.announcements.extend(b"%d" % at for at in range(MAX_ANNOUNCEMENTS + 1))
    assert len(client.announcements) == MAX_ANNOUNCEMENTS
    assert client.announcements[-1] == b"%d" % MAX_ANNOUNCEMENTS


@pytest.mark.parametrize("wire", [JSON, MSGPACK])
def test_a_message_goes_by_the_clients_wire(wire: Wire) -> None:
    """At once."""
    client = Client(Socket(), wire)
    client.send({"type": "x"})
    assert written(client) == wire.message({"type": "x"})
    assert told(client) == []
