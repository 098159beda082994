"""What tests of who is live look at: who that is, and where the others are."""

from collections.abc import Iterable
from typing import Any

from tailcast_gateway.delivery.core.channel import (
    Client,
    FollowerState,
    Wanted,
)
from tailcast_gateway.views.view import View
from tests.gateway.entries import chain, head
from tests.gateway.stage import (
    Stage,
)


SLOW = View(max_rate=1.0)
# A session whose file had 100 bytes before any tailer saw it; 50 of them are read.
IN_HISTORY = head(chain(50), backlog_end=100)
# One of whose file all is read that was there before.
AFTER_HISTORY = head(chain(100), backlog_end=100)


def live(stage: Stage, session: str = "a") -> set[Client]:
    """The clients that are live in a session."""
    audience = stage.hub.audience(stage.hub.channels[session])
    return {
        one for wires in audience.values() for some in wires.values() for one in some
    }


def at(client: Client, session: str = "a") -> tuple[FollowerState, Wanted | None]:
    """What a follower waits for, or is served."""
    follower = client.followers[session]
    return follower.state, follower.wanted


def names(channels: Iterable[Any]) -> list[str]:
    """Which sessions these are."""
    return [channel.session for channel in channels]


def fallen(client: Client, session: str = "a") -> tuple[FollowerState, str]:
    """Where a client is that is not live."""
    follower = client.followers[session]
    assert follower in client.behind
    assert not follower.is_replay
    return follower.state, str(follower.cursor.id)


def broken(*_: object) -> Any:
    """Fails, as nothing here should."""
    raise LookupError("x")
