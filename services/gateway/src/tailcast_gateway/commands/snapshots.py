"""Snapshots that a `subscribe` asks for: read before its answer, and sent with it.

For a client that wants only new records, delivery begins exactly after the record that
the snapshot shows. For that, all snapshots of one `subscribe` are in memory at once, so
their size together is bounded.
"""

from collections.abc import Iterable, Mapping, Sequence

from tailcast_gateway.commands.core.parts import lists, snapshot_within
from tailcast_gateway.delivery.core.channel import Client, Wanted
from tailcast_gateway.delivery.core.hub import Hub
from tailcast_gateway.protocol.answers import with_id
from tailcast_gateway.protocol.client_messages import (
    TOO_LARGE,
    InvalidMessage,
    Subscribe,
)
from tailcast_gateway.sessions.core.catalogue import size_bytes
from tailcast_gateway.sessions.core.runs import SeenRun
from tailcast_gateway.sessions.stored import Stored
from tailcast_gateway.views.subscription import Begin, Subscription
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import Cursor
from tailcast_streams.session_state import Head


# The largest size of all snapshots of one `subscribe` together.
MAX_SNAPSHOTS_BYTES = 4 * 1024 * 1024

States = Mapping[str, SeenRun]


class Snapshots:
    """Reads and sends snapshots; all connections share one."""

    def __init__(self, stored: Stored, hub: Hub) -> None:
        self._stored = stored
        self._hub = hub

    async def read(self, sessions: Sequence[str], message: Subscribe) -> States:
        """Read the snapshots of sessions, if the message asks for them.

        Raises:
            InvalidMessage: the snapshots are too large together.
            BrokerError: the broker is away, or refuses.
        """
        found: dict[str, SeenRun] = {}
        if not message.snapshot:
            return found
        size = 0
        async for states, _ in self._stored.snapshots(sessions):
            known = {name: state for name, state in states.items() if state is not None}
            found |= known
            size += sum(map(size_bytes, known.values()))
            if size > MAX_SNAPSHOTS_BYTES:
                text = "The snapshots are too large together; ask for `snapshot` apart"
                raise InvalidMessage(TOO_LARGE, text, message.id)
        return found

    def begin(
        self,
        client: Client,
        before: Subscription,
        starts: Mapping[str, Wanted],
        states: States,
    ) -> None:
        """Let delivery of several sessions begin after what their snapshots show.

        Args:
            client: the client that has just subscribed.
            before: its subscription until then.
            starts: where it asked sessions to begin, by their names.
            states: the snapshots that were read.
        """
        for session, state in states.items():
            channel = self._hub.channels[session]
            rule = client.subscription.rule_for(session)
            if rule is None or channel.is_awaited or state.snapshot.cursor is None:
                continue
            default = None if before.matches(session) else rule.start
            if starts.get(session, default) is Begin.NOW:
                head = Head(None, None, None)
                self._hub.begin_at(client, channel, head, state.snapshot.cursor)

    def send(
        self,
        client: Client,
        sessions: Iterable[str],
        states: States,
        message: Subscribe,
    ) -> None:
        """Send the snapshots that the message asks for: one, or bounded lists."""
        if not message.snapshot:
            return
        found = (
            self._stored.shown(session, states.get(session))
            for session in sessions
            if session != EMERGENCIES
        )
        wire, fields = client.wire, {"type": "snapshot", **with_id(message.id)}
        shown = (snapshot_within(wire, fields, one) for one in found)
        if message.session_id is not None and message.session_ids is None:
            client.send({**fields, **next(shown)})
            return
        for part in lists(wire, fields, "snapshots", shown):
            client.send(part)


def news_after(head: Head, state: SeenRun | None, end: Cursor) -> Cursor | None:
    """The cursor after which a session's new records begin, None for the window's end.

    Args:
        head: the head of the stream, as the broker had it.
        state: the snapshot that the client gets, None if it asked for none.
        end: the window's end.
    """
    if state is not None and state.snapshot.cursor is not None:
        return state.snapshot.cursor
    # Entries that are stored but not yet in the window are older than the `subscribe`.
    is_ahead = head.cursor is not None and head.cursor.id > end.id
    return head.cursor if is_ahead else None
