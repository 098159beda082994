from tailcast_gateway.connections.core.liveness import Action, Liveness
from tailcast_gateway.delivery.core.pings import Pings


def check(peer: Liveness, now: float, buffered: int = 0) -> Action:
    """Look at a peer, with the default settings."""
    return peer.check(
        now, buffered=buffered, ping_interval=20, pong_timeout=20, slow_timeout=300
    )


def test_a_peer_that_answers() -> None:
    """It is pinged every interval and lives."""
    peer = Liveness(0)
    assert check(peer, 10) is Action.NOTHING
    assert check(peer, 20) is Action.PING
    peer.heard()
    assert check(peer, 30) is Action.NOTHING
    assert check(peer, 40) is Action.PING


def test_a_peer_that_is_silent() -> None:
    """The clock starts when the ping has left the buffer."""
    peer = Liveness(0)
    assert check(peer, 20) is Action.PING
    assert check(peer, 30) is Action.NOTHING
    assert check(peer, 45) is Action.NOTHING
    assert check(peer, 50) is Action.GIVE_UP_SILENT


def test_a_slow_peer_lives_while_its_socket_drains() -> None:
    """The ping waits behind data: only from the empty buffer on it is late."""
    peer = Liveness(0)
    assert check(peer, 20, 900) is Action.PING
    for now in range(30, 300, 10):
        assert check(peer, now, 900 - now) is Action.NOTHING
    assert check(peer, 300) is Action.NOTHING
    assert check(peer, 319) is Action.NOTHING
    assert check(peer, 320) is Action.GIVE_UP_SILENT


def test_a_peer_that_takes_nothing() -> None:
    """Only the slow time-out counts, and anew once it has taken bytes."""
    peer = Liveness(0)
    assert check(peer, 10, 500) is Action.NOTHING
    for now in range(20, 300, 10):
        assert check(peer, now, 500) is Action.NOTHING
    assert check(peer, 310, 400) is Action.PING
    assert check(peer, 320, 400) is Action.NOTHING
    assert check(peer, 619, 400) is Action.NOTHING
    assert check(peer, 620, 400) is Action.GIVE_UP_SLOW


def test_taking_bytes_restarts_the_clock() -> None:
    """An answer is late only if nothing moved in the meantime."""
    peer = Liveness(0)
    assert check(peer, 20) is Action.PING
    assert check(peer, 30) is Action.NOTHING
    assert check(peer, 45, 100) is Action.NOTHING
    assert check(peer, 60) is Action.NOTHING
    assert check(peer, 79) is Action.NOTHING
    assert check(peer, 80) is Action.GIVE_UP_SILENT


def test_pongs_with_our_numbers() -> None:
    """The latest counts, whatever comes out of order; others are of its own accord."""
    pings = Pings()
    assert [pings.next() for _ in range(3)] == [b"1", b"2", b"3"]
    assert pings.pong(b"2") == 2
    assert pings.pong(b"1") == 2
    for unasked in (b"", b"hello", b"0", b"4", b"-1", b"9" * 40):
        assert pings.pong(unasked) == 2
    assert pings.pong(b"3") == 3


def test_pongs_without_our_numbers() -> None:
    """Each answers one ping, the oldest first: never one that is still on its way."""
    pings = Pings()
    assert pings.pong(b"") == 0
    pings.next()
    pings.next()
    assert [pings.pong(b""), pings.pong(b"x"), pings.pong(b"")] == [1, 2, 2]
    pings.next()
    assert pings.pong(b"") == 3
