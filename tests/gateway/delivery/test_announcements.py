"""Emergencies overtake what followers have not had yet."""

import pytest

from tailcast_gateway.delivery.core.channel import Client, FollowerState
from tailcast_gateway.protocol.wires import JSON, MSGPACK
from tailcast_streams.entries import Entry, Kind
from tests.gateway.entries import chain, entry, head
from tests.gateway.stage import (
    Stage,
)


def emergency(offset: int, record: bytes = b"{}") -> Entry:
    """One among the records, after another entry."""
    return entry(f"1-{offset}", f"1-{offset - 1}", record, Kind.EMERGENCY)


def announced(client: Client) -> list[bytes]:
    """What waits to be announced to a client."""
    return list(client.announcements)


def test_emergencies_are_announced_to_who_is_behind() -> None:
    """By its wire; records and who is live are not concerned."""
    stage = Stage()
    channel = stage.watch()
    behind, packed = stage.client("a"), stage.client("a", wire=MSGPACK)
    live = stage.client("a")
    for client in (behind, packed):
        stage.followers.follow(client, channel, FollowerState.BEHIND)
    stage.delivery.announce(channel, [*chain(10), emergency(11)])
    for client, wire in ((behind, JSON), (packed, MSGPACK)):
        frame = channel.encoder(wire).announcement(emergency(11))
        assert announced(client) == [frame]
    assert announced(live) == []
    assert stage.asked.woken == [behind, packed]


def test_an_announcement_is_made_once_for_all_of_a_wire() -> None:
    """The same bytes for each."""
    stage = Stage()
    channel = stage.watch()
    clients = [stage.client("a") for _ in range(2)]
    for client in clients:
        stage.followers.follow(client, channel, FollowerState.BEHIND)
    stage.delivery.announce(channel, [emergency(11)])
    first, second = (announced(client) for client in clients)
    assert first[0] is second[0]


def test_who_waits_for_a_session_to_be_there_is_announced_nothing() -> None:
    """It gets all from the first entry on; others after it are announced to."""
    stage = Stage()
    channel = stage.watch()
    waiting, behind = stage.client("a"), stage.client("a")
    stage.followers.follow(waiting, channel, FollowerState.NOT_CREATED)
    stage.followers.follow(behind, channel, FollowerState.BEHIND)
    stage.delivery.announce(channel, [emergency(11)])
    assert (len(announced(waiting)), len(announced(behind))) == (0, 1)


@pytest.mark.parametrize(("at", "count"), [(99, 0), (100, 0), (101, 1)])
def test_history_is_not_announced(at: int, count: int) -> None:
    """What was in the file before any tailer saw it is no news."""
    stage = Stage()
    channel = stage.watch(head=head(chain(50), backlog_end=100))
    client = stage.client("a")
    assert client.followers["a"].state is FollowerState.SKIPPING
    stage.delivery.announce(channel, [emergency(at)])
    assert len(announced(client)) == count


def test_what_cannot_be_announced_is_told_in_its_place() -> None:
    """Nobody is woken for nothing."""
    stage = Stage()
    channel = stage.watch()
    client = stage.client("a", wire=MSGPACK)
    stage.followers.follow(client, channel, FollowerState.BEHIND)
    deep = b'{"x":' + b"[" * 5_000 + b"]" * 5_000 + b"}"
    stage.delivery.announce(channel, [emergency(11, deep)])
    assert announced(client) == []
    assert not stage.asked.woken
