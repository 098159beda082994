"""A client without a network, which keeps its places as the protocol says."""

import asyncio
import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from tailcast_gateway.http.core.address import read_address
from tailcast_gateway.protocol.close_codes import ClosedBy
from tailcast_gateway.replica import Replica
from tailcast_gateway.scheduling.core.fair_queue import Account
from tailcast_streams.keys import EMERGENCIES
from tests.contract import checked
from tests.patience import PATIENCE_SECONDS
from tests.properties.gateway_frames import payloads


class Reader:
    """It reads at once, and answers pings as browsers do."""

    def __init__(self, replica: Replica, address: dict[str, str]) -> None:
        self.paused = False
        self.remote_address: tuple[str, int] | None = None
        self.buffered_bytes = 0
        # Where it is in each session, as it was told; and what `positions` said beside.
        self.cursors: dict[str, str | None] = {}
        self.at: str | None = None
        # What it was told of each session.
        self.items: dict[str, list[str]] = {}
        # What pays for what is done for it.
        self.account = Account()
        # What `subscribed` said.
        self.answer: dict[str, Any] = {}
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        # All that came, for whoever reads why a test failed.
        self.log: list[dict[str, Any]] = []
        read = read_address(address.items())
        assert not read.wrong
        self.connection = replica.take(self, name=read.name, defaults=read.defaults)

    # What a socket is to its owner.

    def write(self, frames: bytes) -> None:
        """Take what was sent."""
        for payload in payloads(frames):
            self.messages.put_nowait(checked(json.loads(payload), len(payload)))

    def ping(self, payload: bytes = b"") -> None:
        """Answer soon."""
        asyncio.get_running_loop().call_soon(self.connection.pong_received, payload)

    def close(self, code: int, reason: str = "") -> None:
        """No reason is given to send it away."""
        raise AssertionError((code, reason))

    def pause_reading(self) -> None:
        """It does not send so much."""

    def resume_reading(self) -> None:
        """It does not send so much."""

    # What it does.

    def send(self, **message: Any) -> None:
        """Send a message."""
        self.connection.message_received(json.dumps(message).encode(), binary=False)

    async def subscribe(self, **fields: Any) -> None:
        """Subscribe, until it is known where everything begins."""
        self.send(type="subscribe", **fields)
        answer = await self._until("subscribed")
        self.answer = answer
        if "sessionId" not in answer:
            while (await self._until("positions"))["more"]:
                pass

    async def acknowledge(self, session: str) -> None:
        """Acknowledge all that it was told of a session, until that is heard."""
        cursor = self.cursors[session]
        self.send(type="ack", sessionId=session, cursor=cursor)
        # Messages are carried out in order, and this one is answered.
        self.send(type="heartbeat")
        await self._until("heartbeat")

    async def until(self, session: str, item: str) -> None:
        """Until it has been told this of a session."""
        while item not in self.items.get(session, ()):
            await self._next()

    def told(self) -> dict[str, list[str]]:
        """What it was told of each session of which it was told anything."""
        return {session: items for session, items in self.items.items() if items}

    async def _until(self, kind: str) -> dict[str, Any]:
        while (message := await self._next())["type"] != kind:
            pass
        return message

    async def _next(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            message = await self.messages.get()
        self.log.append(message)
        assert message["type"] != "error", self.log
        self._take(message)
        return message

    # How it keeps its places.

    def _take(self, message: dict[str, Any]) -> None:
        session: str = message.get("sessionId", "")
        told = self.items.setdefault(session, [])
        match message:
            case {"type": "positions", "cursors": cursors}:
                self.cursors |= cursors
                self.at = message.get("at", self.at)
            case {"type": "emergency", "early": True}:
                pass
            case {"type": "emergency", "data": data, "cursors": cursors}:
                self.items.setdefault(EMERGENCIES, []).append(data["n"])
                self.cursors |= cursors
            case {"type": "telemetry" | "emergency", "data": data, "cursor": cursor}:
                # Nothing that follows on from elsewhere is passed over in silence.
                mine = self.cursors.get(session) or "1-0-00000000"
                assert _place(message.get("prev", mine)) <= _place(mine), self.log
                records: list[dict[str, Any]] = data
                if message["type"] == "emergency":
                    records = [data]
                told += [f"{int(one['life'])}/{int(one['n'])}" for one in records]
                self.cursors[session] = cursor
            case {"type": "gap", "to": cursor, "reason": reason}:
                told.append(f"gap: {reason}")
                self.cursors[session] = cursor
            case {"type": "rewind", "cursor": cursor}:
                told.append("rewind")
                self.cursors[session] = cursor
            case {"type": "subscribed" | "caught_up", "cursor": cursor}:
                if message.get("recovered") is not False:
                    self.cursors[session] = cursor
            case _:
                pass


@contextmanager
def reading(replica: Replica, **address: str) -> Generator[Reader]:
    """A client that is connected, with this address, until the block ends."""
    reader = Reader(replica, address)
    try:
        yield reader
    finally:
        reader.connection.socket_closed(1000, "", ClosedBy.CLIENT)


def _place(cursor: str) -> tuple[int, int]:
    generation, offset, _ = cursor.split("-")
    return int(generation), int(offset)
