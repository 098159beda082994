"""Who is measured: how each is started, and which of its processes do what."""

import asyncio
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gateway import installation
from benchmarks.gateway.installation import Missing
from benchmarks.gateway.load import RECORD, Clients, Writer
from benchmarks.processes import (
    CLIENT_CORE,
    ONE_ADDRESS,
    SERVER_CORE,
    cpu_seconds,
    free_port,
    pin,
    rss_bytes,
    stop,
    wait_for_port,
)
from tailcast_streams.keys import Keys
from tailcast_streams.redis.broker import RedisBroker


KEY_PREFIX = "bench"
PATH = "/ws/telemetry"


@dataclass
class Stack:
    """One contender that runs: its server, its clients, and its stream's writer."""

    kind: "Kind"
    broker_path: Path
    clients: Clients
    writer: Writer
    port: int = 0
    # What is measured, and what only feeds it.
    server: "subprocess.Popen[bytes] | None" = None
    relay: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start the server, where it was before if it was."""
        self.port = self.port or free_port()
        command, environment = self.kind.command(self)
        self.server = self._process(command, environment, SERVER_CORE)
        if self.kind.is_fed_by_hand:
            assert self.server.stdout is not None
            self.port = int(self.server.stdout.readline())
        else:
            wait_for_port(self.port, self.server)
        if self.kind.relay is not None:
            self.relay = self._process(self.kind.relay(self), {}, CLIENT_CORE)

    def _process(
        self, command: list[str], environment: Mapping[str, str], core: int
    ) -> "subprocess.Popen[bytes]":
        is_fed = self.kind.is_fed_by_hand
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if is_fed else subprocess.DEVNULL,
            stdout=subprocess.PIPE if is_fed else subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | environment,
        )
        pin(process.pid, core)
        return process

    def order(self, line: str) -> None:
        """Tell a server that is fed by hand."""
        assert self.server is not None
        assert self.server.stdin is not None
        self.server.stdin.write(line.encode() + b"\n")
        self.server.stdin.flush()

    def kill(self) -> None:
        """As the kernel does when memory is short."""
        assert self.server is not None
        self.server.kill()
        self.server.wait()

    async def open(self, count: int, *, silent: bool = False) -> float:
        """Make connections and wait until they are subscribed; how long that took."""
        first = "" if silent else self.kind.first(self.writer.session)
        seconds = await self.clients.open(self.port, PATH, count, first)
        # The answers to what clients say first are not waited for one by one.
        await asyncio.sleep(0.3)
        return seconds

    def close(self) -> None:
        """End all of it."""
        self.clients.close()
        for process in (self.relay, self.server):
            if process is not None:
                stop(process)
                for pipe in (process.stdin, process.stdout):
                    if pipe is not None:
                        pipe.close()

    @property
    def pids(self) -> list[int]:
        """What is measured."""
        return [] if self.server is None else [self.server.pid]

    def cpu_seconds(self) -> float:
        """The server's CPU time so far."""
        return cpu_seconds(self.pids)

    def relay_cpu_seconds(self) -> float:
        """That of what only feeds it."""
        return 0.0 if self.relay is None else cpu_seconds([self.relay.pid])

    def rss_bytes(self) -> int:
        """The server's memory."""
        return rss_bytes(self.pids)


Command = tuple[list[str], Mapping[str, str]]


@dataclass(frozen=True)
class Kind:
    """A sort of server."""

    name: str
    what: str
    # Makes sure that it is there and says how it is started; may raise Missing.
    command: Callable[[Stack], Command]
    relay: Callable[[Stack], list[str]] | None = None
    # What its clients have to say, by their session; "" if nothing.
    first: Callable[[str], str] = lambda _session: ""
    # With more it is busy with nothing but falling behind.
    most_clients: int = 100_000
    # Reads no stream: it is told to send.
    is_fed_by_hand: bool = False

    def start(self, broker: RedisBroker, path: Path) -> Stack:
        """Start one over a stream of its own. Raises Missing."""
        session = f"{self.name}-{uuid.uuid4().hex[:8]}"
        stack = Stack(self, path, new_clients(), Writer(broker, session))
        try:
            stack.start()
        except RuntimeError as error:
            stack.close()
            raise Missing(str(error)) from error
        except Missing:
            stack.close()
            raise
        return stack


def new_clients() -> Clients:
    """A program that is many clients, and has none yet."""
    return Clients(installation.compiled(Path(__file__).with_name("clients.c")))


def key_of(stack: Stack) -> str:
    """Its stream's key."""
    return Keys(KEY_PREFIX).stream(stack.writer.session)


def _arguments(stack: Stack) -> list[str]:
    return [str(stack.port), str(stack.broker_path), key_of(stack)]


def _ours(stack: Stack) -> Command:
    program = Path(sys.executable).with_name("tailcast-gateway")
    return [str(program)], {
        "TAILCAST_REDIS_URL": f"unix://{stack.broker_path}",
        "TAILCAST_KEY_PREFIX": KEY_PREFIX,
        "TAILCAST_HOST": "127.0.0.1",
        "TAILCAST_PORT": str(stack.port),
        **ONE_ADDRESS,
    }


def _send_text(stack: Stack) -> Command:
    module = "benchmarks.gateway.send_text"
    return [sys.executable, "-m", module, *_arguments(stack)], {}


def _node(script: str) -> Callable[[Stack], Command]:
    def command(stack: Stack) -> Command:
        path = installation.node_folder() / script
        return [installation.node(), str(path), *_arguments(stack)], {}

    return command


def _bun(stack: Stack) -> Command:
    path = installation.node_folder() / "bun.mjs"
    return [installation.bun(), str(path), *_arguments(stack)], {}


def _nchan(stack: Stack) -> Command:
    program, module = installation.nginx()
    template = (installation.PEERS / "nginx.conf").read_text()
    folder = installation.CACHE / "nginx"
    folder.mkdir(exist_ok=True)
    text = template.replace("PORT", str(stack.port)).replace("MODULE", str(module))
    (folder / "nginx.conf").write_text(text)
    return [str(program), "-p", str(folder), "-c", "nginx.conf", "-e", "stderr"], {}


def _nchan_relay(stack: Stack) -> list[str]:
    return _node("relay.mjs")(stack)[0]


def _centrifugo(stack: Stack) -> Command:
    config = installation.PEERS / "centrifugo.json"
    return [str(installation.centrifugo()), "--config", str(config)], {
        "CENTRIFUGO_HTTP_SERVER_ADDRESS": "127.0.0.1",
        "CENTRIFUGO_HTTP_SERVER_PORT": str(stack.port),
        # One core, like everybody.
        "GOMAXPROCS": "1",
    }


def _centrifugo_relay(stack: Stack) -> list[str]:
    return [*_nchan_relay(stack), "centrifugo"]


def _subscribe_to_centrifugo(_session: str) -> str:
    """Two commands in one frame, so that a client has to say no more than ours."""
    subscribe = '{"id":2,"subscribe":{"channel":"run","recoverable":true}}'
    return f'{{"id":1,"connect":{{}}}}\t{subscribe}'


def _loop_in_c(stack: Stack) -> Command:
    source = Path(__file__).parents[1] / "fanout" / "fanout.c"
    record = (RECORD % (0, 0)).replace(b'"sent_ns":0', b'"sent_ns":' + b"0" * 19)
    text = b'{"type":"telemetry","sessionId":"run","data":[%b],"cursor":"1-10000"}'
    return [str(installation.compiled(source)), "0", (text % record).decode()], {}


def subscribe(session: str, start: str = "now") -> str:
    """What a client of ours says first."""
    return f'{{"type":"subscribe","sessionId":"{session}","from":"{start}"}}'


_NODE = "Node ws: a Map of clients, JSON.stringify and send for each"

KINDS = (
    Kind("gateway", "this project's gateway", _ours, first=subscribe),
    Kind("uws", "uWebSockets.js, topic publish", _node("uws.mjs")),
    Kind("bun", "Bun, server.publish", _bun),
    Kind("nchan", "nginx + nchan, fed by HTTP POST", _nchan, relay=_nchan_relay),
    Kind(
        "centrifugo",
        "Centrifugo, with history and recovery, fed by HTTP POST",
        _centrifugo,
        relay=_centrifugo_relay,
        first=_subscribe_to_centrifugo,
    ),
    Kind("ws", _NODE, _node("ws.mjs"), most_clients=1_000),
    Kind("send_text", "FastAPI, send_text for each", _send_text, most_clients=1_000),
    Kind("C", "the C loop, which only sends", _loop_in_c, is_fed_by_hand=True),
)
