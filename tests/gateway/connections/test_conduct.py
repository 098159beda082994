"""How many commands a client may send, and what it is told if it sends more."""

import pytest

from tailcast_gateway.connections.core.conduct import (
    MAX_WAIT_SECONDS,
    Conduct,
    cost_of,
)
from tailcast_gateway.limits import Quotas
from tailcast_gateway.protocol.client_messages import (
    Ack,
    Auth,
    Heartbeat,
    History,
    Sessions,
    Snapshot,
    Subscribe,
    Supported,
    Unsubscribe,
)


@pytest.mark.parametrize(
    ("message", "cost"),
    [
        (Heartbeat(), 1),
        (Unsubscribe(), 1),
        (Ack(cursor="1-1"), 0.1),
        (Subscribe(), 5),
        (Subscribe(session_ids=["a"] * 99), 5),
        (Subscribe(session_ids=["a"] * 1_000), 15),
        (Subscribe(session_ids=["a"] * 1_000, more=True), 1),
        (History(session_id="a"), 10),
        (Sessions(), 10),
        (Snapshot(), 10),
        (Auth(token="t"), 10),
    ],
)
def test_what_each_costs(message: Supported, cost: float) -> None:
    """A query costs as much as ten heartbeats."""
    assert cost_of(message) == cost


def test_who_comes_when_it_is_told_is_served() -> None:
    """However many came together: each is told its own time."""
    conduct = Conduct(Quotas(command_rate=10, command_burst=20), 0.0)
    assert [conduct.refuse(Subscribe(), 0.0) for _ in range(4)] == [0.0] * 4
    told = [conduct.refuse(Subscribe(), 0.0) for _ in range(3)]
    assert told == [0.5, 1.0, 1.5]
    assert [conduct.refuse(Subscribe(), wait) for wait in told] == [0.0] * 3


def test_nobody_waits_for_long() -> None:
    """Whoever has sent thousands is told the longest time."""
    conduct = Conduct(Quotas(command_rate=1, command_burst=10), 0.0)
    waits = [conduct.refuse(Heartbeat(), 0.0) for _ in range(1_000)]
    assert waits[9:12] == [0.0, 1.0, 2.0]
    assert waits[-1] == MAX_WAIT_SECONDS


def test_the_third_warning_is_the_last() -> None:
    """Those of one second count once, and each is forgotten after ten."""
    conduct = Conduct(Quotas(), 0.0)
    assert not any(conduct.warn(0.1 * number) for number in range(10))
    assert not conduct.warn(5.0)
    assert not conduct.warn(11.0)
    assert conduct.warn(14.0)


def test_messages_that_are_none() -> None:
    """So many in ten seconds; whoever stops has a new start."""
    conduct = Conduct(Quotas(invalid_messages=3), 0.0)
    assert [conduct.note_invalid(0.0) for _ in range(5)] == [2, 1, 0, -1, -1]
    assert conduct.note_invalid(10.0) == 2
