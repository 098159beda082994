"""A whole gateway over a real broker, and what is on its two sides.

A writer that appends as the tailer does, and a client that remembers its cursors.
"""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
)
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import msgpack
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tailcast_gateway.app import DrainingServer
from tailcast_gateway.commands import commands, queries, subscribing
from tailcast_gateway.connections.server import make_server_config
from tailcast_gateway.http import api, many_series, session_list, status
from tailcast_gateway.http.api import make_api
from tailcast_gateway.http.authentication import Authentication
from tailcast_gateway.http.entrance import make_entrance
from tailcast_gateway.http.late_api import LateApi
from tailcast_gateway.replica import Replica
from tailcast_gateway.sessions import stored
from tailcast_streams.entries import Kind, NewEntry
from tailcast_streams.keys import Keys
from tailcast_streams.position import EntryID, digest
from tailcast_streams.redis.broker import RedisBroker
from tailcast_streams.session_state import NOTHING_STORED, Appended, Batch
from tests.contract import checked
from tests.patience import PATIENCE_SECONDS as PATIENCE_SECONDS


def be_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that takes its time is not away: a test tells clients otherwise."""
    for module in (commands, many_series, queries, stored, subscribing):
        monkeypatch.setattr(module, "BROKER_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(api, "ANSWER_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(session_list, "SCAN_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(status, "READ_SECONDS", PATIENCE_SECONDS)


@dataclass
class Gateway:
    """A replica that serves on a port of its own."""

    replica: Replica
    port: int
    server: DrainingServer
    # Over when the server has ended.
    serving: asyncio.Task[None]
    # What serves HTTP.
    app: api.Api

    @property
    def url(self) -> str:
        """Where it serves HTTP."""
        return f"http://127.0.0.1:{self.port}"

    async def until_ready(self) -> None:
        """Until it is fit for traffic."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not self.replica.is_ready:
                await asyncio.sleep(0.01)

    @property
    def ws_url(self) -> str:
        """Where it serves the protocol."""
        return f"ws://127.0.0.1:{self.port}/ws/telemetry"


@asynccontextmanager
async def serving(
    broker: Any,
    *,
    allowed_hosts: tuple[str, ...] = (),
    allowed_origins: tuple[str, ...] = (),
    deflate: bool = False,
    drain_seconds: float = 0.5,
    dashboard: Path | None = None,
    authenticating: Callable[[Replica], Authentication] | None = None,
    tls: tuple[str, str] | tuple[None, None] = (None, None),
    making: Callable[[], object] = lambda: None,
    **options: Any,
) -> AsyncGenerator[Gateway]:
    """A gateway over a broker, as uvicorn serves it; with the plain page by default.

    `making` is called in the thread in which the API is made.
    """
    replica = Replica(broker, **options)
    entrance = make_entrance(
        replica,
        allowed_hosts=allowed_hosts,
        allowed_origins=allowed_origins,
        dashboard=dashboard,
        authentication=None if authenticating is None else authenticating(replica),
    )
    app = make_api(entrance)

    def make() -> api.Api:
        making()
        return app

    late = LateApi(make, lambda _app: replica.running())
    config = make_server_config(
        late,
        edge=replica.edge,
        judge=entrance.handshakes.judge,
        on_failed=entrance.note_failure,
        max_message_bytes=256 * 1024,
        deflate=deflate,
        port=0,
        tls_cert=tls[0],
        tls_key=tls[1],
    )
    server = DrainingServer(
        config, replica, drain_seconds=drain_seconds, load=late.load
    )
    # Signals are the test runner's.
    serving_task = asyncio.create_task(server._serve())
    while not server.started:
        assert not serving_task.done(), serving_task.result()
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Gateway(replica, port, server, serving_task, app)
    finally:
        server.end()
        await serving_task


class Writer:
    """Appends records of one session by compare and append."""

    def __init__(self, broker: RedisBroker, session: str) -> None:
        self.broker = broker
        self.session = session
        self.incarnation = uuid.uuid4().hex

    async def append(self, *records: dict[str, Any], **fields: Any) -> None:
        """Append these, after the marker if they are the first."""
        state = await self.broker.load(self.session)
        expected = NOTHING_STORED if state is None else state.position
        begins = state is None
        entries = [NewEntry(0, Kind.MARKER, b"")] if begins else []
        await self._append(
            expected, max(1, expected.generation), entries, records, fields
        )

    async def rewrite(self, *records: dict[str, Any], keep: int = 0) -> None:
        """A new generation with these, behind so many bytes that the file keeps."""
        state = await self.broker.load(self.session)
        assert state is not None
        details = {"reason": "truncated", "complete": "1", "step": "0"}
        marker = NewEntry(keep, Kind.MARKER, b"", details)
        expected = state.position
        await self._append(
            expected, expected.generation + 1, [marker], records, {}, offset=keep
        )

    async def _append(
        self,
        expected: Any,
        generation: int,
        entries: list[NewEntry],
        records: tuple[dict[str, Any], ...],
        fields: dict[str, Any],
        offset: int | None = None,
    ) -> None:
        end = expected.offset if offset is None else offset
        for record in records:
            line = json.dumps(record, separators=(",", ":")).encode()
            end += len(line) + 1
            is_emergency = isinstance(record.get("emergency"), dict)
            kind = Kind.EMERGENCY if is_emergency else Kind.RECORD
            entries.append(NewEntry(end, kind, line))
        now_ms = time.time_ns() // 1_000_000
        written_ms = fields.pop("written_ms", fields.get("updated_ms", now_ms))
        activity_ms = fields.get("updated_ms", min(written_ms, now_ms))
        if not expected.incarnation:
            birth = await self.broker.bear(self.session, activity_ms=activity_ms)
            fields = {"birth": str(birth), **fields}
        batch = Batch(
            session=self.session,
            expected=expected,
            incarnation=expected.incarnation or self.incarnation,
            generation=generation,
            offset=end,
            entries=entries,
            fields={
                "size": end,
                "last_digest": digest(entries[-1].record),
                "updated_ms": now_ms,
                "written_ms": written_ms,
                **fields,
            },
            written_ms=written_ms,
        )
        assert await self.broker.append(batch) is Appended.DONE
        await self.broker.touch({self.session: activity_ms})


@dataclass
class Watcher:
    """A client as the protocol asks for one: it keeps cursors and checks `prev`."""

    connection: ClientConnection
    cursors: dict[str, str | None] = field(default_factory=dict[str, str | None])
    is_msgpack: bool = False
    # The longest message that it has asked for.
    max_message: int | None = None
    records: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    async def send(self, **message: Any) -> None:
        """Send a message."""
        text = msgpack.packb(message) if self.is_msgpack else json.dumps(message)
        await self.connection.send(text)

    async def next(self) -> dict[str, Any]:
        """The next message, whatever it is."""
        message = await self.read()
        self._note(message)
        return message

    async def read(self) -> dict[str, Any]:
        """As `next`, of what is not part of the flow: it is not noted."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            data = await self.connection.recv()
        # Each wire has frames of its own kind alone.
        assert isinstance(data, bytes) is self.is_msgpack
        read = cast(
            Callable[[Any], Any], msgpack.unpackb if self.is_msgpack else json.loads
        )
        message: dict[str, Any] = read(data)
        size = len(data if isinstance(data, bytes) else data.encode())
        return checked(message, size, max_message=self.max_message)

    async def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The next message of a type, and with these fields; others are noted."""
        while True:
            message = await self.next()
            if message["type"] == kind and fields.items() <= message.items():
                return message

    async def subscribe(self, **fields: Any) -> dict[str, Any]:
        """Subscribe, and what is answered."""
        await self.send(type="subscribe", **fields)
        while (message := await self.next())["type"] != "subscribed":
            # There will be no other answer to wait for.
            assert message.get("code") != "unavailable", message
        return message

    async def until_records(self, count: int) -> list[dict[str, Any]]:
        """Read until it has had so many records."""
        while len(self.records) < count:
            await self.next()
        return self.records

    def _note(self, message: dict[str, Any]) -> None:
        session = str(message.get("sessionId"))
        kind = message["type"]
        if kind in {"telemetry", "emergency"} and "cursor" in message:
            mine = self.cursors.get(session)
            # Filtered and conflated flows do not say what they follow on from.
            if "prev" in message:
                assert mine is None or message["prev"] == mine, (mine, message)
            data = message["data"]
            self.records += data if kind == "telemetry" else [data]
        if kind == "gap":
            self.cursors[session] = message["to"]
        elif "sessionId" in message and "cursor" in message:
            self.cursors[session] = message["cursor"]
        for name, cursor in message.get("cursors", {}).items():
            self.cursors[name] = cursor


@asynccontextmanager
async def watching(gateway: Gateway, **options: Any) -> AsyncGenerator[Watcher]:
    """A connected client."""
    # Its own pings would end it where their answers wait behind what it has not read.
    options.setdefault("ping_interval", None)
    async with connect(gateway.ws_url, **options) as connection:
        is_msgpack = connection.subprotocol == "tailcast.v1.msgpack"
        yield Watcher(connection, is_msgpack=is_msgpack)


class Rig:
    """One broker's prefix of a test's own, and what is over it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.prefix = f"t{uuid.uuid4().hex[:8]}"
        self.stack = AsyncExitStack()
        self.broker = self.connect()

    def connect(self) -> RedisBroker:
        """Another connection to the same keys."""
        broker = RedisBroker(self.url, key_prefix=self.prefix)
        self.stack.push_async_callback(broker.aclose)
        return broker

    def writer(self, session: str) -> Writer:
        """A tailer of one session."""
        return Writer(self.broker, session)

    def serving(self, **options: Any) -> AbstractAsyncContextManager[Gateway]:
        """A gateway over these keys."""
        return serving(self.connect(), **options)

    async def trim(self, session: str, before: EntryID) -> None:
        """Trim exactly; the services do it by the hundred."""
        await self.broker._redis.xtrim(
            Keys(self.prefix).stream(session), minid=str(before), approximate=False
        )


def numbered(start: int, stop: int) -> list[dict[str, Any]]:
    """Records that are told apart by their step."""
    return [{"step": step, "telemetry": {"phi": 0.5}} for step in range(start, stop)]


async def until_read(gateway: Gateway, writer: Writer) -> None:
    """Until a gateway has read, and given out, all that is stored of a session.

    Whoever has not got it by then is behind, and what is announced at once has been.
    """
    state = await writer.broker.load(writer.session)
    assert state is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        # Nobody watches it once all have left.
        while channel := gateway.replica.hub.channels.get(writer.session):
            if channel.window.end.id >= state.position.last_id:
                return
            await asyncio.sleep(0.01)


async def fill_sockets(gateway: Gateway, writer: Writer) -> int:
    """Append until nobody's socket takes more; how many records that took.

    For clients of one session that do not read; others are left alone. The last of
    these records has been written to none of them.
    """
    step, before, buffered = 0, -1, 0
    async with asyncio.timeout(PATIENCE_SECONDS):
        # The kernel takes some of what is written a little later: look twice.
        while buffered != before or _has_anybody_all(gateway, writer.session):
            await writer.append({"step": step, "filler": "x" * 900_000})
            step += 1
            await until_read(gateway, writer)
            await asyncio.sleep(0.05)
            before, buffered = buffered, _unsent_bytes(gateway)
    return step


def _has_anybody_all(gateway: Gateway, session: str) -> bool:
    hub = gateway.replica.hub
    channel = hub.channels.get(session)
    return channel is not None and any(
        channel.place_of(client) == channel.window.end
        for client in hub.clients_of(session)
    )


async def until_full(gateway: Gateway) -> None:
    """Until nobody's socket takes more of what is there to be replayed."""
    before, buffered = -1, 0
    async with asyncio.timeout(PATIENCE_SECONDS):
        while buffered != before or not _are_all_paused(gateway):
            await asyncio.sleep(0.05)
            before, buffered = buffered, _unsent_bytes(gateway)


def _are_all_paused(gateway: Gateway) -> bool:
    return all(one.client.socket.paused for one in gateway.replica.connections)


def _unsent_bytes(gateway: Gateway) -> int:
    return sum(one.buffered_bytes for one in gateway.replica.connections)
