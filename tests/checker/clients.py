"""Clients that keep their cursors, lose their connection, and resume by them."""

import asyncio
import json
import random
import time
from collections import defaultdict
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException


Position = tuple[int, int]


class ResumingClient:
    """Follows one session, or all, over any gateway, from the start on."""

    def __init__(
        self, urls: list[str], chance: random.Random, *, session: str | None = None
    ) -> None:
        self.session = session
        self._urls = urls
        self._chance = chance
        # What came, in order, by session.
        self.records: dict[str, list[dict[str, object]]] = defaultdict(list)
        # Where it is, by session, as a later subscribe names it.
        self.cursors: dict[str, str] = {}
        # What should not have come: repetitions, gaps, rewinds, broken chains.
        self.complaints: list[str] = []
        self.connections = 0
        # The longest time without any message, seconds.
        self.longest_silence = 0.0
        self._heard = time.monotonic()

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                await self._follow(self._chance.choice(self._urls))
            except (OSError, TimeoutError, WebSocketException):
                await asyncio.sleep(self._chance.uniform(0.02, 0.3))

    async def _follow(self, url: str) -> None:
        # The library stops reading while many messages wait, and a goodbye that comes
        # behind them would be waited for in vain.
        async with connect(
            url, open_timeout=3, close_timeout=0.2, compression=None
        ) as socket:
            self.connections += 1
            await socket.send(self._subscribe())
            # Now and then it leaves by itself, without a word or with one.
            async with asyncio.timeout(self._chance.uniform(1, 20)):
                async for text in socket:
                    self._note_silence()
                    message = json.loads(text)
                    if message["type"] == "error":
                        if message.get("code") != "unavailable":
                            self.complaints.append(f"error: {message}")
                        await asyncio.sleep(message.get("retryAfterMs", 100) / 1_000)
                        await socket.send(self._subscribe())
                    else:
                        self._take(message)
                        if self._chance.random() < 0.001:
                            await asyncio.sleep(0.5)

    def _subscribe(self) -> str:
        message: dict[str, object] = {"type": "subscribe", "from": "start"}
        if self.session is None:
            message["cursors"] = self.cursors
        else:
            message["sessionId"] = self.session
            if cursor := self.cursors.get(self.session):
                message["from"] = {"cursor": cursor}
        return json.dumps(message)

    def _take(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "telemetry":
            self._deliver(message, message["data"])
        elif kind == "emergency" and not message.get("early"):
            self._deliver(message, [message["data"]])
        elif kind == "caught_up":
            self.cursors[message["sessionId"]] = message["cursor"]
        elif kind in {"gap", "rewind"}:
            self.complaints.append(f"told: {message}")
            self.cursors[message["sessionId"]] = str(
                message.get("cursor") or message["to"]
            )

    def _deliver(
        self, message: dict[str, Any], records: list[dict[str, object]]
    ) -> None:
        session = message["sessionId"]
        known = self.cursors.get(session)
        if known is not None and position(message["cursor"]) <= position(known):
            self.complaints.append(f"repeated: at {known} came {message['cursor']}")
        if position(message["prev"]) > position(known or "1-0-00000000"):
            self.complaints.append(f"missed: at {known} came prev {message['prev']}")
        self.records[session] += records
        self.cursors[session] = message["cursor"]

    def _note_silence(self) -> None:
        now = time.monotonic()
        self.longest_silence = max(self.longest_silence, now - self._heard)
        self._heard = now


def position(cursor: str) -> Position:
    """What orders cursors."""
    generation, offset, _ = cursor.split("-")
    return int(generation), int(offset)
