"""Clients that keep their cursors, lose their connection, and resume by them.

They take back what is cut off a file, as a `rewind` says it.
"""

import asyncio
import json
import random
import time
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException


Position = tuple[int, int]
Record = dict[str, object]

RESTARTING = 1012
# A peer that says nothing for so long, not even to a ping, is gone; seconds.
SILENT_SECONDS = 5.0


class ResumingClient:
    """Follows one session, or all, over any gateway, from the start on."""

    def __init__(
        self,
        urls: list[str],
        chance: random.Random,
        *,
        written: Mapping[str, Sequence[Record]],
        are_cut: bool = False,
        session: str | None = None,
        stay_seconds: tuple[float, float] = (1.0, 20.0),
    ) -> None:
        """Prepare; `written` is what writers have in their files, by session.

        It leaves and comes back each time it has stayed for a time within
        `stay_seconds`. If files `are_cut` it expects to be told of that.
        """
        self.session = session
        self._urls = urls
        self._chance = chance
        self._written = written
        self._stay_seconds = stay_seconds
        self._are_cut = are_cut
        # Where the line of each of its records ends, by session.
        self._ends: dict[str, list[int]] = defaultdict(list)
        # What came, in order, by session. A record as it was written is the writer's
        # own object, so that many clients cost little.
        self.records: dict[str, list[Record]] = defaultdict(list)
        # Where it is, by session, as a later subscribe names it.
        self.cursors: dict[str, str] = {}
        # What should not have come: repetitions, gaps, rewinds, broken chains.
        self.complaints: list[str] = []
        self.connections = 0
        # How connections ended that it did not end itself, by close code.
        self.closes: Counter[int] = Counter()
        # Handshakes that were answered otherwise, by HTTP status.
        self.refusals: Counter[int] = Counter()
        # When it was closed while the gateway drained; times of the monotonic clock.
        self.drained_at: list[float] = []
        # The longest time without any message, seconds.
        self.longest_silence = 0.0
        self._heard = time.monotonic()
        # How long it was asked to wait before it comes back, seconds.
        self._told_delay = 0.0

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                await self._follow(self._chance.choice(self._urls))
            except ConnectionClosed as closed:
                self._note_close(closed)
            except InvalidStatus as refused:
                self.refusals[refused.response.status_code] += 1
            except (OSError, TimeoutError, WebSocketException):
                pass
            await asyncio.sleep(self._told_delay or self._chance.uniform(0.02, 0.3))
            self._told_delay = 0.0

    async def _follow(self, url: str) -> None:
        # The library stops reading while many messages wait, and a goodbye that comes
        # behind them would be waited for in vain.
        async with connect(
            url,
            open_timeout=SILENT_SECONDS,
            close_timeout=0.2,
            ping_interval=SILENT_SECONDS,
            ping_timeout=SILENT_SECONDS,
            compression=None,
        ) as socket:
            self.connections += 1
            await socket.send(self._subscribe())
            # Now and then it leaves by itself, without a word or with one.
            async with asyncio.timeout(self._chance.uniform(*self._stay_seconds)):
                while True:
                    message = msgspec.json.decode(await socket.recv())
                    self._note_silence()
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
        elif kind == "rewind" and self._are_cut and message["reason"] != "resumed":
            self._rewind(message)
        elif kind == "subscribed" and message.get("recovered"):
            # Generations may have been renumbered; so they may have been below.
            self.cursors[message["sessionId"]] = message["cursor"]
        elif kind == "heartbeat":
            self.cursors |= message.get("cursors", {})
        elif kind == "draining":
            self._told_delay = message["reconnectAfterMs"] / 1_000
        elif kind in {"gap", "rewind"}:
            self.complaints.append(f"told: {message}")
            self.cursors[message["sessionId"]] = str(
                message.get("cursor") or message["to"]
            )

    def _deliver(self, message: dict[str, Any], records: list[Record]) -> None:
        session = message["sessionId"]
        known = self.cursors.get(session)
        if known is not None and position(message["cursor"]) <= position(known):
            self.complaints.append(f"repeated: at {known} came {message['cursor']}")
        if position(message["prev"]) > position(known or "1-0-00000000"):
            self.complaints.append(f"missed: at {known} came prev {message['prev']}")
        self._keep(session, records)
        self.cursors[session] = message["cursor"]

    def _rewind(self, message: dict[str, Any]) -> None:
        """Take back what the file does not have any more."""
        session, cursor = message["sessionId"], message["cursor"]
        ends = self._ends[session]
        kept = bisect_right(ends, position(cursor)[1])
        del self.records[session][kept:], ends[kept:]
        self.cursors[session] = cursor

    def _keep(self, session: str, records: list[Record]) -> None:
        kept = self.records[session]
        written = self._written.get(session, ())
        for record in records:
            at = len(kept)
            expected = written[at] if at < len(written) else record
            kept.append(record if expected != record else expected)
            if self._are_cut:
                ends = self._ends[session]
                line = json.dumps(record).encode() + b"\n"
                ends.append((ends or [0])[-1] + len(line))

    def _note_close(self, closed: ConnectionClosed) -> None:
        code = closed.rcvd.code if closed.rcvd else 1006
        self.closes[code] += 1
        if code == RESTARTING:
            self.drained_at.append(time.monotonic())

    def _note_silence(self) -> None:
        now = time.monotonic()
        self.longest_silence = max(self.longest_silence, now - self._heard)
        self._heard = now


def position(cursor: str) -> Position:
    """What orders cursors."""
    generation, offset, _ = cursor.split("-")
    return int(generation), int(offset)
