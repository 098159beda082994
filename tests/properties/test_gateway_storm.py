"""Everybody comes back at once: each client gets what follows its own cursor, once.

Handshakes, subscribes, entries and ends arrive in any order within the same turns of
the loop, for sessions whose windows have the places of clients and for others.
"""

import asyncio
import json
import os
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from tailcast_gateway.connections.connection import Connection
from tailcast_gateway.protocol.close_codes import ClosedBy
from tailcast_streams.notification import format_moved
from tailcast_streams.pushes import Push
from tests.gateway.commands.rig import Commanding, Wire, commanding
from tests.gateway.entries import chain, cursor
from tests.gateway.sessions.rig import turns
from tests.gateway.stored import store
from tests.properties.gateway_frames import payloads
from tests.properties.gateway_model import without_pauses


# Somebody has watched `a` since its first record. Nobody watches `b` yet.
SESSIONS = ("a", "b")
# The records that there are before anybody comes back; clients had one of them last.
STORED = (10, 20, 30, 40, 50, 60)
CLIENTS = 4
# Turns in which all that waits for no time comes to rest.
LONG = 300

EXAMPLES = int(os.environ.get("EXAMPLES", "300"))
pytestmark = pytest.mark.timeout(600 + EXAMPLES)


class Peer:
    """One connection: what it asked for, and what it got."""

    def __init__(self, rig: Commanding) -> None:
        self.wire = Wire()
        self.connection: Connection = rig.replica.take(self.wire)
        self.is_open = True
        # The record that it had last, by session; None for those that are new to it.
        self.had: dict[str, int | None] = {}

    def subscribe(self, message: dict[str, Any], had: dict[str, int | None]) -> None:
        """Ask once for what follows these records."""
        if self.is_open and not self.had:
            self.had = had
            data = json.dumps({"type": "subscribe", **message}).encode()
            self.connection.message_received(data, binary=False)

    def end(self) -> None:
        """Be gone, without a goodbye."""
        if self.is_open:
            self.is_open = False
            self.connection.socket_closed(1006, "", ClosedBy.NOBODY)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """All that it was told."""
        return [json.loads(one) for one in payloads(b"".join(self.wire.written))]

    def got(self, session: str) -> list[int]:
        """The records of a session, in their order."""
        return [
            record["o"]
            for one in self.messages
            if one["type"] == "telemetry" and one["sessionId"] == session
            for record in one["data"]
        ]


class Storm:
    """A replica, its clients, and what happens to them without a pause."""

    def __init__(self, rig: Commanding) -> None:
        self.rig = rig
        self.peers: list[Peer | None] = [None] * CLIENTS
        self.all: list[Peer] = []
        self.stored: dict[str, list[int]] = {one: [*STORED] for one in SESSIONS}

    def shake_hands(self, at: int, _: int) -> Peer:
        """A client connects, unless it is connected."""
        peer = self.peers[at % CLIENTS]
        if peer is None or not peer.is_open:
            peer = self.peers[at % CLIENTS] = Peer(self.rig)
            self.all.append(peer)
        return peer

    def come_back(self, at: int, how: int) -> None:
        """It asks for one session, from the record that it had last."""
        session, last = SESSIONS[how % 2], STORED[how // 2 % len(STORED)]
        start = {"cursor": str(cursor(f"1-{last}"))}
        message = {"sessionId": session, "from": start}
        self.shake_hands(at, 0).subscribe(message, {session: last})

    def come_back_to_all(self, at: int, how: int) -> None:
        """It asks for all of them, each from a record of its own."""
        places = [STORED[(how + 2 * n) % len(STORED)] for n in range(len(SESSIONS))]
        had = dict[str, int | None](zip(SESSIONS, places, strict=True))
        cursors = {one: str(cursor(f"1-{last}")) for one, last in had.items()}
        message = {"sessionIds": list(SESSIONS), "cursors": cursors}
        self.shake_hands(at, 0).subscribe(message, had)

    def come_from_elsewhere(self, at: int, how: int) -> None:
        """Its cursor is that of another file: it is told so, and gets all records."""
        session = SESSIONS[how % 2]
        start = {"cursor": str(cursor("1-30", b"another"))}
        message = {"sessionId": session, "from": start}
        self.shake_hands(at, 0).subscribe(message, {session: 0})

    def come_anew(self, at: int, how: int) -> None:
        """It asks for what comes from now on."""
        session = SESSIONS[how % 2]
        self.shake_hands(at, 0).subscribe({"sessionId": session}, {session: None})

    def leave(self, at: int, _: int) -> None:
        """Its connection is lost."""
        if (peer := self.peers[at % CLIENTS]) is not None:
            peer.end()

    def push(self, at: int, how: int) -> None:
        """Records are appended and pushed: the window has them at once."""
        session, last, new = self._append(at, how)
        entries = tuple(chain(*new, previous=f"1-{last}"))
        push = Push(session, "i", cursor(f"1-{last}"), 0, entries)
        self.rig.replica.feed._heard([push])

    def hint(self, at: int, how: int) -> None:
        """Records are appended, and have to be read."""
        session, _, _ = self._append(at, how)
        self.rig.replica.feed._heard([format_moved(session, 0)])

    def _append(self, at: int, how: int) -> tuple[str, int, list[int]]:
        session = SESSIONS[at % 2]
        last = self.stored[session][-1]
        new = [last + 10 * (n + 1) for n in range(how % 3 + 1)]
        self.stored[session] += new
        at_once(store(self.rig.broker, session, *new))
        return session, last, new

    def shrink(self, at: int, how: int) -> None:
        """Memory is scarce: a window keeps less."""
        channel = self.rig.replica.hub.channels.get(SESSIONS[at % 2])
        if channel is not None:
            channel.window.shrink(channel.window.size_bytes * (how % 4) // 4)

    def check(self) -> None:
        """Each has what follows its own cursor; one that is gone the first of it."""
        for peer in self.all:
            for session, last in peer.had.items():
                got, stored = peer.got(session), self.stored[session]
                since = stored.index(got[0]) if last is None and got else 0
                if last is None:
                    wanted = stored[since:] if got else []
                else:
                    wanted = [offset for offset in stored if offset > last]
                if not peer.is_open:
                    wanted = wanted[: len(got)]
                assert got == wanted, (session, last)
            for answer in peer.messages:
                if answer["type"] == "subscribed" and "recovered" in answer:
                    assert answer["recovered"] is (0 not in peer.had.values())
            others = [one for one in SESSIONS if one not in peer.had]
            assert not any(peer.got(session) for session in others)
            assert peer.wire.closed == []


def at_once(coroutine: Coroutine[Any, Any, None]) -> None:
    """Carry out something within this turn of the loop, which only lets others go."""
    while True:
        try:
            coroutine.send(None)
        except StopIteration:
            return


Actions = Sequence[tuple[str, int, int]]


async def play(script: Sequence[Actions]) -> None:
    """Let it all happen, turn by turn."""
    async with commanding() as rig:
        feed = rig.replica.feed
        rig.listen()
        reading = asyncio.create_task(feed.keep_reading())
        for session in SESSIONS:
            await store(rig.broker, session, *STORED[:2])
        await rig.subscribe(rig.client(), sessionId="a")
        for session in SESSIONS:
            await store(rig.broker, session, *STORED[2:])
        feed.mark("a")
        await turns(LONG)
        storm = Storm(rig)
        for actions in script:
            for name, at, how in actions:
                getattr(storm, name)(at, how)
            await asyncio.sleep(0)
        await turns(LONG)
        storm.check()
        assert rig.counted('tailcast_gateway_defects_total{over="client"} 0.0')
        reading.cancel()
        await asyncio.wait([reading])


ACTIONS = (
    "shake_hands", "come_back", "come_back", "come_back", "come_back_to_all",
    "come_from_elsewhere", "come_anew", "leave", "push", "push", "hint", "shrink",
)  # fmt: skip  # one glance

actions = st.tuples(
    st.sampled_from(ACTIONS), st.integers(0, CLIENTS - 1), st.integers(0, 11)
)


@given(script=st.lists(st.lists(actions, max_size=12), min_size=1, max_size=4))
@settings(max_examples=EXAMPLES)
def test_whatever_order_it_comes_in(script: Sequence[Actions]) -> None:
    """Nothing is lost, nothing comes twice, nobody has what another one asked for."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        without_pauses(monkeypatch)
        asyncio.run(play(script))
