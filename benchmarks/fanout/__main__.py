"""`python -m benchmarks.fanout`: frames to many connections, handshakes, memory.

Measured is the CPU time of the server process, on a core of its own, as the kernel
accounts it. All contenders run side by side with the same connections and take turns at
the same rate, so that what else the machine does hits all of them; a ratio is made
within one round. One frame is one record for one connection.
"""

import argparse
import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, cast

from benchmarks.fanout.server import loop_class
from benchmarks.processes import (
    CLIENT_CORE,
    SERVER_CORE,
    allow_many_files,
    cpu_seconds,
    pin,
    require_linux,
    rss_bytes,
    spread,
)


PAYLOAD_BYTES = 280
# Every connection gets so many frames a second in all, whatever their number.
FRAMES_PER_SECOND = 50_000
HANDSHAKES = 2000
WARM_UP_HANDSHAKES = 200
# So many handshakes are under way at once.
HANDSHAKE_WAVE = 50
REQUEST = (
    b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\nOrigin: http://127.0.0.1\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0.0.0 Safari/537.36\r\n"
    b"Accept-Language: en-GB,en;q=0.9\r\nCache-Control: no-cache\r\n\r\n"
)


@dataclass
class Server:
    """A contender's process."""

    name: str
    process: subprocess.Popen[str]
    port: int

    @classmethod
    def start(cls, name: str, command: Sequence[str]) -> "Server":
        process = subprocess.Popen(  # our own programs, named here
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        pin(process.pid, SERVER_CORE)
        port = int(_pipe(process.stdout).readline())
        return cls(name, process, port)

    def order(self, line: str) -> None:
        stdin = _pipe(self.process.stdin)
        stdin.write(line + "\n")
        stdin.flush()

    def stop(self) -> None:
        _pipe(self.process.stdin).close()
        self.process.wait(timeout=20)
        _pipe(self.process.stdout).close()

    def cpu_seconds(self) -> float:
        """CPU time of all its threads so far."""
        return cpu_seconds([self.process.pid])

    def rss_bytes(self) -> int:
        return rss_bytes([self.process.pid])


class Reader(asyncio.BufferedProtocol):
    """A client that has shaken hands and then counts bytes into a common tally."""

    # One buffer for all: nobody looks at what is in it.
    shared_buffer = memoryview(bytearray(256 * 1024))

    def __init__(self, tally: list[int], accepted: asyncio.Future[None]) -> None:
        self.tally = tally
        self.accepted = accepted
        self.head = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's, but are what they say.
        cast("asyncio.Transport", transport).write(REQUEST)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.shared_buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self.accepted.done():
            self.tally[0] += nbytes
            return
        self.head += self.shared_buffer[:nbytes]
        if self.head.endswith(b"\r\n\r\n"):
            if not self.head.startswith(b"HTTP/1.1 101"):
                raise RuntimeError(self.head.decode(errors="replace"))
            self.accepted.set_result(None)


async def connect(
    server: Server, count: int, tally: list[int]
) -> list[asyncio.BaseTransport]:
    loop = asyncio.get_running_loop()
    transports: list[asyncio.BaseTransport] = []
    while len(transports) < count:
        wave = min(HANDSHAKE_WAVE, count - len(transports))
        accepted: list[asyncio.Future[None]] = [
            loop.create_future() for _ in range(wave)
        ]
        made = await asyncio.gather(
            *(
                loop.create_connection(
                    partial(Reader, tally, done), "127.0.0.1", server.port
                )
                for done in accepted
            )
        )
        transports += [transport for transport, _ in made]
        await asyncio.gather(*accepted)
    return transports


async def fan_out(
    servers: Sequence[Server], connections: int, rounds: int, seconds: float
) -> dict[str, list[float]]:
    """CPU seconds per million frames, by contender and round."""
    frame_bytes = PAYLOAD_BYTES + 4
    tallies = {server.name: [0] for server in servers}
    held = [
        transport
        for server in servers
        for transport in await connect(server, connections, tallies[server.name])
    ]
    costs: dict[str, list[float]] = {server.name: [] for server in servers}
    # The round before the first is a warm-up, and the order turns with each round.
    for number in range(-1, rounds):
        turn = number % len(servers)
        for server in [*servers[turn:], *servers[:turn]]:
            tally = tallies[server.name]
            server.order(f"go {FRAMES_PER_SECOND / connections}")
            await asyncio.sleep(seconds / 10)
            cpu, received = server.cpu_seconds(), tally[0]
            await asyncio.sleep(seconds)
            cpu, received = server.cpu_seconds() - cpu, tally[0] - received
            server.order("stop")
            await asyncio.sleep(seconds / 10)
            if number >= 0:
                costs[server.name].append(cpu / (received / frame_bytes) * 1e6)
    for transport in held:
        transport.close()
    return costs


async def shake_hands(mode: str) -> tuple[float, float]:
    """Milliseconds of CPU and bytes of RSS per connection that stays open."""
    server = Server.start(mode, python_server(mode))
    tally = [0]
    held = await connect(server, WARM_UP_HANDSHAKES, tally)
    cpu, rss = server.cpu_seconds(), server.rss_bytes()
    held += await connect(server, HANDSHAKES, tally)
    # The last of them are done when the server has been idle for a moment.
    await asyncio.sleep(0.3)
    cpu, rss = server.cpu_seconds() - cpu, server.rss_bytes() - rss
    for transport in held:
        transport.close()
    await asyncio.get_running_loop().run_in_executor(None, server.stop)
    return cpu / HANDSHAKES * 1e3, rss / HANDSHAKES


def python_server(mode: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.fanout.server", mode, str(PAYLOAD_BYTES)]


def compile_yardstick(directory: Path) -> list[str] | None:
    """The C server's command; None, with a message, where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        print("no C compiler (cc): measured without the C server, ratios are missing")
        return None
    program = directory / "fanout"
    source = Path(__file__).with_name("fanout.c")
    subprocess.run(  # the system's compiler, our own source
        [compiler, "-O2", "-Wall", "-o", str(program), str(source)], check=True
    )
    return [str(program), str(PAYLOAD_BYTES)]


async def measure(rounds: int, seconds: float, yardstick: list[str] | None) -> None:
    print(f"fan-out, {FRAMES_PER_SECOND:,} frames/s of {PAYLOAD_BYTES} bytes, {rounds}")
    print(f"rounds of {seconds:g} s; CPU seconds of the server per million frames:\n")
    print(f"{'clients':>7}  {'server':<10} {'median (min-max)':>20}  ÷ C (min-max)")
    for connections in (100, 1000):
        servers = [Server.start("C epoll", yardstick)] if yardstick else []
        for mode in ("handover", "send_text"):
            servers.append(Server.start(mode, python_server(mode)))  # noqa: PERF401  # starts a process each
        costs = await fan_out(servers, connections, rounds, seconds)
        for server in servers:
            await asyncio.get_running_loop().run_in_executor(None, server.stop)
        for name, values in costs.items():
            line = f"{connections:>7}  {name:<10} {spread(values):>20}"
            if yardstick:
                paired = zip(values, costs["C epoll"], strict=True)
                line += f"  {spread([value / c for value, c in paired])}"
            print(line, flush=True)
    print(f"\n{HANDSHAKES} connections that stay open, per connection:\n")
    print(f"{'server':<10} {'CPU ms a handshake':>20} {'RSS kB':>20}")
    taken: dict[str, list[tuple[float, float]]] = {"handover": [], "send_text": []}
    for number in range(min(rounds, 3)):
        for mode in sorted(taken, reverse=number % 2 == 1):
            taken[mode].append(await shake_hands(mode))
    for mode, pairs in taken.items():
        cpu, rss = ([pair[i] for pair in pairs] for i in (0, 1))
        kilobytes = [value / 1000 for value in rss]
        print(f"{mode:<10} {spread(cpu):>20} {spread(kilobytes):>20}")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fanout", description=__doc__
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each turn")
    options = parser.parse_args()
    require_linux()
    allow_many_files()
    pin(0, CLIENT_CORE)
    with tempfile.TemporaryDirectory() as directory:
        yardstick = compile_yardstick(Path(directory))
        with asyncio.Runner(loop_factory=loop_class()) as runner:
            runner.run(measure(options.rounds, options.seconds, yardstick))


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


if __name__ == "__main__":
    main()
