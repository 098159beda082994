"""A client that checks what it is given by the protocol's own rules."""

import asyncio
import json
from typing import TYPE_CHECKING, Any

from gateway.channel import Client
from telemetry_stream.position import Cursor
from tests.contract import checked


if TYPE_CHECKING:
    from tests.properties.gateway_model import World


class Watcher:
    """A client with its own memory of what it was given, checked as it comes."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.paused = False
        self.client = Client(self)
        # Session by its cursor, as the protocol has clients keep it.
        self.cursors: dict[str, str | None] = {}
        # Session by the last record had, None where the next may be any.
        self.last: dict[str, tuple[int, int] | None] = {}
        # Sessions whose file was told to be another one, or to have a gap.
        self.told: dict[str, str] = {}
        self.wanted: set[str] = set()
        # What the last `subscribe` was about.
        self.asked: set[str] = set()
        self.log: list[dict[str, Any]] = []
        self.busy: asyncio.Task[None] | None = None

    def write(self, frames: bytes) -> None:
        """Take frames as a browser would."""
        for payload in payloads(frames):
            message = checked(json.loads(payload))
            self.log.append(message)
            try:
                getattr(self, f"on_{message['type']}")(message)
            except AssertionError as error:
                self.world.wrong.append(error)

    def close(self, code: int, reason: str = "") -> None:
        """Nobody takes over a client that has no name."""
        raise AssertionError((code, reason))

    def on_subscribed(self, message: dict[str, Any]) -> None:
        """Where one session begins."""
        session = message.get("sessionId")
        # A gap or rewind follows, which moves the cursor by itself.
        is_told = message.get("recovered") is False
        if session is not None and not is_told:
            self._placed(session, message["cursor"])

    def _placed(self, session: str, cursor: str | None) -> None:
        if cursor != self.cursors.get(session):
            self.last[session] = None
            self.told[session] = ""
            self.cursors[session] = cursor

    def on_positions(self, message: dict[str, Any]) -> None:
        """Where several begin."""
        for session in self.asked:
            if session not in message["cursors"]:
                # Its place is being looked up: the first frame tells it.
                self.cursors[session] = "?"
                self.last[session] = None
        for session, cursor in message["cursors"].items():
            if session in self.world.files:
                self._placed(session, cursor)

    def on_unsubscribed(self, message: dict[str, Any]) -> None:
        """Nothing comes any more; what comes after it is another beginning."""
        del message
        self.last.clear()

    def on_error(self, message: dict[str, Any]) -> None:
        """No script asks for what cannot be."""
        raise AssertionError(message)

    def on_caught_up(self, message: dict[str, Any]) -> None:
        """Replay, or history, is over."""
        session = message["sessionId"]
        if session not in self.world.files:
            return
        if message["cursor"] is not None and message["cursor"] != self.cursors.get(
            session
        ):
            # History has passed by, or begins anew; only for one that had nothing
            # since it subscribed.
            self.last[session] = None
            self.told[session] = ""
        self.cursors[session] = message["cursor"]

    def on_gap(self, message: dict[str, Any]) -> None:
        """Only what was trimmed may be missing."""
        session = message["sessionId"]
        place = Cursor.parse(message["from"]).id
        is_known = message["reason"] == "trimmed"
        to = Cursor.parse(message["to"]).id
        assert to > place if is_known else to == place, self.log
        assert self.world.trimmed.get(session), self.log
        self._follows(session, message["from"])
        self.cursors[session] = message["to"]
        self.told[session] = "gap"

    def on_heartbeat(self, message: dict[str, Any]) -> None:
        """The same place has another cursor."""
        self.cursors.update(message["cursors"])

    def on_rewind(self, message: dict[str, Any]) -> None:
        """The file is another one."""
        session = message["sessionId"]
        self.cursors[session] = message["cursor"]
        before = self.told.get(session)
        self.told[session] = "gap, rewind" if before == "gap" else "rewind"

    def on_emergency(self, message: dict[str, Any]) -> None:
        """In its place, or early and moving nothing."""
        if message.get("early"):
            assert "cursor" not in message
            return
        self._had(message, [message["data"]])

    def on_telemetry(self, message: dict[str, Any]) -> None:
        """Records in their place."""
        self._had(message, message["data"])

    def _had(self, message: dict[str, Any], data: list[dict[str, Any]]) -> None:
        session = message["sessionId"]
        assert session in self.wanted, (session, self.wanted, self.log)
        self._follows(session, message["prev"])
        for record in data:
            now = (int(record["life"]), int(record["n"]))
            self._check(session, self.last.get(session), now)
            self.last[session] = now
            self.told[session] = ""
        self.cursors[session] = message["cursor"]

    def _follows(self, session: str, prev: str) -> None:
        mine = self.cursors.get(session)
        if mine == "?":
            return
        mine = "1-0-00000000" if mine is None else mine
        assert prev == mine or (Cursor.parse(prev).id == Cursor.parse(mine).id), (
            prev,
            mine,
            self.log,
        )

    def _check(
        self, session: str, last: tuple[int, int] | None, now: tuple[int, int]
    ) -> None:
        told = self.told.get(session, "")
        if last is None:
            return
        if not told:
            assert now == (last[0], last[1] + 1), (last, now, self.log)
        elif told == "gap":
            # What was trimmed cannot prove that it was of the same file.
            assert now[0] > last[0] or now[1] > last[1], (last, now, self.log)
        elif told == "rewind":
            # Backwards too: where the broker came back with what it had on disk.
            assert now[0] != last[0], (last, now, self.log)
            assert now[1] == 0, (last, now, self.log)
        else:
            assert now[0] != last[0], (last, now, self.log)


def payloads(frames: bytes) -> list[bytes]:
    """The payloads of whole, unmasked text frames."""
    found: list[bytes] = []
    at = 0
    while at < len(frames):
        assert frames[at] == 0x81
        length = frames[at + 1]
        at += 2
        if length == 126:
            length = int.from_bytes(frames[at : at + 2], "big")
            at += 2
        elif length == 127:
            length = int.from_bytes(frames[at : at + 8], "big")
            at += 8
        found.append(frames[at : at + length])
        at += length
    return found
