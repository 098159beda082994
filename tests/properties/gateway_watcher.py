"""A client that checks what it is given by the protocol's own rules."""

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import msgpack

from tailcast_gateway.delivery.core.channel import Client
from tailcast_gateway.protocol.wires import JSON, MSGPACK
from tailcast_streams.position import Cursor
from tests.contract import checked
from tests.properties.gateway_frames import BINARY, TEXT, frames_of
from tests.properties.gateway_shapes import Counted, ParsedQuery, Shape, lines_before
from tests.properties.gateway_sources import BEGINNING


if TYPE_CHECKING:
    from tests.properties.gateway_model import World


_unpack = cast("Callable[[bytes], Any]", msgpack.unpackb)


class Watcher:
    """A client with its own memory of what it was given, checked as it comes."""

    def __init__(self, world: "World", *, is_msgpack: bool = False) -> None:
        self.world = world
        self.is_msgpack = is_msgpack
        self.paused = False
        # Pings that it has not answered.
        self.pings: list[bytes] = []
        self.client = Client(self, MSGPACK if is_msgpack else JSON)
        # Session by its cursor, as the protocol has clients keep it; "?" while its
        # place is being looked up.
        self.cursors: dict[str, str | None] = {}
        # Session by the last record had, None where the next may be any.
        self.last: dict[str, tuple[int, int] | None] = {}
        # Sessions whose file was told to be another one, or to have a gap.
        self.told: dict[str, str] = {}
        self.wanted: set[str] = set()
        # Session by the form that it is had in.
        self.shapes: dict[str, Shape] = {}
        # Sessions that have not caught up since they were asked for from some place.
        self.replays: set[str] = set()
        self.counted: dict[str, Counted] = {}
        # The last `subscribe`: until its answer, and from there on.
        self.asked: ParsedQuery | None = None
        self.answered: ParsedQuery | None = None
        # The sessions that it leaves where they are, and whether more positions follow.
        self.staying: set[str] = set()
        self.is_positioned = False
        # Where it was, and in which form, before it resumed by its name.
        self.held: dict[str, tuple[str | None, Shape]] = {}
        # A page that was asked for.
        self.page: dict[str, Any] | None = None
        self.log: list[dict[str, Any]] = []
        self.busy: asyncio.Task[None] | None = None
        self.asking: asyncio.Task[None] | None = None

    def ping(self, payload: bytes = b"") -> None:
        """Answer as browsers do: once it has read so far."""
        self.pings.append(payload)
        if not self.paused:
            asyncio.get_running_loop().call_soon(self.answer)

    def answer(self) -> None:
        """Answer the pings that came."""
        replica = self.world.replica
        pings, self.pings = self.pings, []
        for payload in pings:
            if replica.holders.pong(self.client, payload):
                replica.catch_up.wake(self.client)

    def write(self, frames: bytes) -> None:
        """Take frames as a browser would."""
        kind, read = (BINARY, _unpack) if self.is_msgpack else (TEXT, json.loads)
        for opcode, payload in frames_of(frames):
            assert opcode == kind
            message = checked(read(payload), len(payload))
            self.log.append(message)
            try:
                getattr(self, f"on_{message['type']}")(message)
            except AssertionError as error:
                self.world.wrong.append(error)

    def close(self, code: int, reason: str = "") -> None:
        """Nobody takes over a client that has no name."""
        raise AssertionError((code, reason))

    def known_cursors(self, session: str, of: tuple[str, ...] = ()) -> list[str]:
        """Those that it was told for a session, by messages of these types or any."""
        return [
            one["cursor"]
            for one in self.log
            if one.get("sessionId") == session
            and one.get("cursor")
            and (not of or one["type"] in of)
        ]

    # Answers.

    def on_subscribed(self, message: dict[str, Any]) -> None:
        """From here on only what was asked for comes; where one session begins."""
        asked = self.answered = self.asked
        assert asked is not None
        self.asked = None
        self.is_positioned = False
        self.staying = {one for one in asked.about if self._stays(one, asked)}
        for session in asked.about:
            self._begin(session, asked)
        self.wanted = asked.wanted
        if "sessionId" in message:
            self._begin_one(message["sessionId"], asked, message)

    def _begin_one(
        self, session: str, asked: ParsedQuery, message: dict[str, Any]
    ) -> None:
        start: dict[str, Any] = {}
        if isinstance(asked.start, dict):
            start = cast("dict[str, Any]", asked.start)
        if "cursor" in start:
            self._placed(session, start["cursor"])
        # A gap or rewind follows, which moves the cursor by itself.
        if message.get("recovered") is not False:
            self._placed(session, message["cursor"])
        if "step" in start:
            self._check_step(session, asked, message)
        self._count_from(session)

    def _begin(self, session: str, asked: ParsedQuery) -> None:
        self.shapes[session] = asked.shape
        self.counted.pop(session, None)
        if self._stays(session, asked):
            return
        is_new = session not in self.wanted
        # Whoever resumes where nothing is kept begins now.
        begins_now = asked.start in ("now", "resume")
        if asked.start is not None and not begins_now:
            self.replays.add(session)
        elif is_new or begins_now:
            self.replays.discard(session)

    def _stays(self, session: str, asked: ParsedQuery) -> bool:
        """Whether it goes on where it is: it was wanted, and what is added is another.

        (Asked before the answer is noted.)
        """
        message = asked.message
        names = (message.get("sessionId"), *message.get("sessionIds", ()))
        is_added = message.get("add") and session not in names
        return bool(is_added) and session in self.wanted

    def _placed(self, session: str, cursor: str | None) -> None:
        if cursor != self.cursors.get(session):
            self.last[session] = None
            self.told[session] = ""
            self.cursors[session] = cursor

    def _check_step(
        self, session: str, asked: ParsedQuery, message: dict[str, Any]
    ) -> None:
        """It begins at the step, or at the head that there was, if that is below."""
        cursor, step = message["cursor"], asked.start["step"]
        if self.world.trimmed.get(session) or cursor is None:
            return
        begins = lines_before(cursor)
        generation, stored = asked.stored.get(session, (0, 0))
        assert begins <= step, self.log
        if generation == Cursor.parse(cursor).id.generation and not self.world.upsets:
            assert begins == step or begins >= stored, (asked, self.log)

    def _count_from(self, session: str) -> None:
        """What a reduced replay stands for is counted from its beginning."""
        asked = self.answered
        cursor = self.cursors.get(session)
        if asked is not None and asked.start not in (None, "now") and cursor != "?":
            start = lines_before(cursor)
            self.counted[session] = Counted(start, self.world.upsets)

    def on_positions(self, message: dict[str, Any]) -> None:
        """Where several begin."""
        asked = self.answered
        assert asked is not None
        if not self.is_positioned:
            for session in asked.about - self.staying:
                # Where it is looked up, the first frame may tell it before.
                self.cursors[session] = "?"
                self.last[session] = None
        self.is_positioned = message["more"]
        for session, cursor in message["cursors"].items():
            if session in self.world.files:
                if asked.start == "resume":
                    self._check_resumed(session, cursor)
                if session in self.staying:
                    self._placed(session, cursor)
                elif self.cursors.get(session) == "?":
                    self._placed(session, cursor)
                    self._count_from(session)
                else:
                    self._reached(session, cursor)

    def _reached(self, session: str, cursor: str | None) -> None:
        """It is where the client is, or what lies between is held back."""
        mine = self.cursors.get(session)
        if cursor not in (None, mine):
            self._passed(session, mine or BEGINNING, str(cursor))
            self._placed(session, cursor)

    def _check_resumed(self, session: str, cursor: str | None) -> None:
        """What the server kept never lies beyond what this client has had."""
        if session in self.held and not self.world.upsets:
            mine, shape = self.held[session]
            start, stop = lines_before(mine), lines_before(cursor)
            is_sampled = bool(shape.points)
            assert shape.may_skip(start, stop, is_sampled=is_sampled), (mine, self.log)

    def on_snapshot(self, message: dict[str, Any]) -> None:
        """The latest record at a place; where news is asked for, it begins there."""
        for one in message.get("snapshots", [message]):
            if lines_before(one["cursor"]):
                latest = int(one["data"]["n"])
                assert latest == lines_before(one["cursor"]) - 1, one
        asked = self.answered
        assert asked is not None
        if "snapshots" not in message and asked.start == "now":
            mine = self.cursors.get(message["sessionId"])
            assert message["cursor"] in (None, mine), (message, self.log)

    def on_unsubscribed(self, message: dict[str, Any]) -> None:
        """Nothing of it comes any more; what comes later is another beginning."""
        gone = {message["sessionId"]} if "sessionId" in message else set(self.wanted)
        for session in gone:
            self.last.pop(session, None)
        self.wanted = self.wanted - gone

    def on_history(self, message: dict[str, Any]) -> None:
        """A page is every line between its places; it moves no cursor."""
        assert self.page is not None
        self.page = None
        numbers = [int(record["n"]) for record in message["data"]]
        assert len({record["life"] for record in message["data"]}) <= 1, message
        start: str = message["prev"]
        if "gap" in message:
            start = message["gap"]["to"]
            assert self.world.trimmed.get(message["sessionId"]), message
        if "rewind" in message:
            start = message["rewind"]["cursor"]
        if numbers:
            begins, ends = lines_before(start), lines_before(message["cursor"])
            assert numbers == list(range(begins, ends)), message

    def on_error(self, message: dict[str, Any]) -> None:
        """No script asks for what cannot be, but for steps where there are none."""
        if message["code"] == "invalid_cursor":
            # What it acknowledges was of a stream that is no more.
            assert self.world.upsets, message
            return
        asked = self.asked
        is_step = asked is not None and isinstance(asked.start, dict)
        assert is_step, message
        assert "has no steps" in message["message"], message
        self.asked = None

    # What is delivered.

    def on_caught_up(self, message: dict[str, Any]) -> None:
        """Replay, or history, is over."""
        session, cursor = message["sessionId"], message["cursor"]
        if session not in self.world.files:
            return
        assert session in self.wanted, (session, self.wanted, self.log)
        mine = self.cursors.get(session)
        if cursor is not None and cursor != mine:
            if session in self.replays and mine not in (None, "?"):
                self._passed(session, str(mine), cursor)
            # History has passed by, or begins anew, or the end was held back.
            self.last[session] = None
            self.told[session] = ""
        if session in self.replays and cursor is not None:
            self._check_count(session, cursor)
        self.replays.discard(session)
        self.cursors[session] = cursor

    def _passed(self, session: str, mine: str, cursor: str) -> None:
        """Only what the form holds back lies between two places."""
        if Cursor.parse(mine).id.generation == Cursor.parse(cursor).id.generation:
            start, stop = lines_before(mine), lines_before(cursor)
            shape = self.shapes[session]
            assert start <= stop, (mine, cursor, self.log)
            assert shape.may_skip(start, stop, is_sampled=False), (mine, self.log)

    def _check_count(self, session: str, cursor: str) -> None:
        """A reduced replay has said of how many records it was."""
        counted, shape = self.counted.get(session), self.shapes[session]
        if counted is not None and counted.upsets == self.world.upsets:
            whole = shape.count_records(counted.start, lines_before(cursor))
            assert counted.records == whole, (counted, whole, shape, self.log)

    def on_gap(self, message: dict[str, Any]) -> None:
        """Only what was trimmed may be missing."""
        session = message["sessionId"]
        place = Cursor.parse(message["from"]).id
        is_known = message["reason"] == "trimmed"
        to = Cursor.parse(message["to"]).id
        assert to > place if is_known else to == place, self.log
        assert self.world.trimmed.get(session), self.log
        if not (self._searched(session) and place.offset == 0):
            self._follows(session, message["from"])
        self.counted.pop(session, None)
        self.cursors[session] = message["to"]
        self.told[session] = "gap"

    def _searched(self, session: str) -> bool:
        """Whether a step was asked for: a gap may then begin where the file does."""
        asked = self.answered
        return (
            asked is not None
            and session in asked.about
            and isinstance(asked.start, dict)
            and "step" in asked.start
        )

    def on_heartbeat(self, message: dict[str, Any]) -> None:
        """The same place has another cursor."""
        for session, cursor in message["cursors"].items():
            mine = self.cursors.get(session)
            if mine not in (None, "?"):
                start, stop = lines_before(mine), lines_before(cursor)
                shape = self.shapes[session]
                assert start <= stop, (mine, message, self.log)
                assert shape.may_skip(start, stop, is_sampled=bool(shape.points))
        self.cursors.update(message["cursors"])

    def on_rewind(self, message: dict[str, Any]) -> None:
        """The file is another one."""
        session = message["sessionId"]
        assert session in self.wanted, (session, self.wanted, self.log)
        self.counted.pop(session, None)
        self.cursors[session] = message["cursor"]
        before = self.told.get(session)
        self.told[session] = "gap, rewind" if before == "gap" else "rewind"

    def on_emergency(self, message: dict[str, Any]) -> None:
        """In its place, or early and moving nothing."""
        assert message["data"].keys() == {"n", "life", "even", "emergency"}
        if message.get("early"):
            assert not {"cursor", "prev"} & message.keys()
            return
        self._had(message, [message["data"]])

    def on_telemetry(self, message: dict[str, Any]) -> None:
        """Records in their place."""
        session, data = message["sessionId"], message["data"]
        assert session in self.wanted, (session, self.wanted, self.log)
        self.shapes[session].check(message)
        self._had(message, data)
        if (counted := self.counted.get(session)) is not None:
            counted.records += message.get("sampled", {"of": len(data)})["of"]

    def _had(self, message: dict[str, Any], data: list[dict[str, Any]]) -> None:
        session = message["sessionId"]
        assert session in self.wanted, (session, self.wanted, self.log)
        shape = self.shapes[session]
        is_sampled = bool(shape.points) and message.get("replayed", False)
        if "prev" in message:
            assert shape.even is None
            self._follows(session, message["prev"])
        else:
            assert shape.even is not None or is_sampled, (message, self.log)
        mine = self.cursors.get(session)
        after = int(data[0]["n"]) if mine == "?" else lines_before(mine)
        for record in data:
            now = (int(record["life"]), int(record["n"]))
            assert after <= now[1], (mine, now, self.log)
            skipped = (after, now[1])
            assert shape.may_skip(*skipped, is_sampled=is_sampled), (
                mine, now, shape, self.log,
            )  # fmt: skip  # one glance
            self._check(session, self.last.get(session), now, is_sampled=is_sampled)
            self.last[session] = now
            self.told[session] = ""
            after = now[1] + 1
        assert lines_before(message["cursor"]) == after, (message, self.log)
        self.cursors[session] = message["cursor"]

    def _follows(self, session: str, prev: str) -> None:
        mine = self.cursors.get(session)
        if mine == "?":
            return
        mine = "1-0-00000000" if mine is None else mine
        here, there = Cursor.parse(mine).id, Cursor.parse(prev).id
        if here == there:
            return
        # Held back records have moved the place, and nothing has told the client.
        shape = self.shapes[session]
        assert shape.even is not None or shape.points, (prev, mine, self.log)
        self._passed(session, mine, prev)

    def _check(
        self,
        session: str,
        last: tuple[int, int] | None,
        now: tuple[int, int],
        *,
        is_sampled: bool,
    ) -> None:
        told, shape = self.told.get(session, ""), self.shapes[session]
        if last is None:
            return
        if not told:
            assert now[0] == last[0], (last, now, self.log)
            assert now[1] > last[1], (last, now, self.log)
            skipped = (last[1] + 1, now[1])
            assert shape.may_skip(*skipped, is_sampled=is_sampled), (
                last, now, shape, self.log,
            )  # fmt: skip  # one glance
        elif told == "gap":
            # What was trimmed cannot prove that it was of the same file.
            assert now[0] > last[0] or now[1] > last[1], (last, now, self.log)
        elif told == "rewind":
            # Backwards too: where the broker came back with what it had on disk.
            assert now[0] != last[0], (last, now, self.log)
            assert shape.may_skip(0, now[1], is_sampled=is_sampled), (now, self.log)
        else:
            assert now[0] != last[0], (last, now, self.log)
