"""Each fault of the table in docs/operations.md raises its alerts, and no others.

On the real stack, with the real rules: only their times are shorter, so that nobody
waits a minute for what has lasted seconds.
"""

import asyncio
import json
import os
import re
import urllib.request
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.checker.compose_stack import ROOT, ComposeStack
from tests.docs.pages import read_page, rows, section


PATIENCE_SECONDS = 60.0
# How often Prometheus looks here, how long a fault has to last, and what counts as
# lately; in alerts.yml that is half a minute and more, and minutes to an hour.
LOOK_SECONDS = 1
LASTS_SECONDS = 5
LATELY_SECONDS = 15
# How long nothing may come where nothing should: the longest that anything takes, and
# some more.
QUIET_SECONDS = 10.0
OVERRIDE = """
services:
  prometheus:
    volumes:
      - {folder}/prometheus.yml:/etc/prometheus/prometheus.yml:ro
      - {folder}/alerts.yml:/etc/prometheus/alerts.yml:ro
"""
# A gateway one of whose tasks fails when it is told to.
SABOTAGED = """
import asyncio, signal
from tailcast_service.tasks import LongLived
start = LongLived.start
def trapped(self, loops):
    trap = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, trap.set)
    async def fail():
        await trap.wait()
        raise ValueError("sabotaged")
    start(self, {**loops, "sabotaged": fail})
LongLived.start = trapped
from tailcast_gateway.main import main
main()
"""
# A gateway that fails over whatever a client subscribes to.
DEFECTIVE = """
from tailcast_gateway.commands.commands import Commands
async def fail(*_):
    raise ValueError("sabotaged")
Commands.subscribe = fail
from tailcast_gateway.main import main
main()
"""


@dataclass
class Watch:
    """A stack whose alerts are looked at."""

    stack: ComposeStack

    def _ask(self, path: str) -> Any:
        url = f"http://127.0.0.1:{self.stack.prometheus_port}/api/v1/{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    async def alerts(self, state: str = "firing") -> set[str]:
        """Those that are in this state."""
        found = (await asyncio.to_thread(self._ask, "alerts"))["alerts"]
        return {one["labels"]["alertname"] for one in found if one["state"] == state}

    async def value(self, query: str) -> float:
        """The only value of a query; 0 if it has none."""
        data = await asyncio.to_thread(self._ask, f"query?query={query}")
        return float(data["result"][0]["value"][1]) if data["result"] else 0.0

    async def until(self, expected: set[str]) -> None:
        """Wait until these fire, and no other one."""
        found: set[str] = set()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (found := await self.alerts()) != expected:
                    await asyncio.sleep(0.5)
        except TimeoutError:
            raise AssertionError(f"expected {expected}, found {found}") from None

    async def until_begun(self, name: str) -> None:
        """Wait until an alert has begun, though it may not have lasted yet."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while name not in await self.alerts() | await self.alerts("pending"):
                await asyncio.sleep(0.5)

    async def until_there(self, gateways: int) -> None:
        """Wait until so many gateways are known, each by more than one look."""
        several = "tailcast_gateway_told_to_end[3s]"
        known = f"count(count_over_time({several})>1)"
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.value(known) != gateways:
                await asyncio.sleep(0.5)

    async def keep(self, expected: set[str]) -> None:
        """See that it stays so."""
        async with asyncio.timeout(QUIET_SECONDS + PATIENCE_SECONDS):
            for _ in range(int(QUIET_SECONDS)):
                assert await self.alerts() == expected
                await asyncio.sleep(1)

    def write(self, name: str, text: str, *, mode: str = "a") -> None:
        """Append to a file that the tailer may read, or begin it anew (`w`)."""
        file = self.stack.telemetry / name
        with file.open(mode) as lines:
            lines.write(text)
        if os.getuid() == 0:
            os.chown(file, self.stack.uid, self.stack.uid)

    def redis(self, *words: str) -> None:
        """Tell the broker something."""
        (redis,) = self.stack.containers("redis")
        told = redis.exec_run(["redis-cli", *words])
        assert told.exit_code == 0, told.output

    async def end(self, service: str, number: int = 0, how: str = "SIGKILL") -> None:
        """Have a container gone, in whatever way."""
        container = self.stack.containers(service)[number]
        if how == "stop":
            await asyncio.to_thread(container.stop)
        else:
            await asyncio.to_thread(container.kill, how)

    async def back(self) -> None:
        """All that was there runs again, and is served."""
        containers = [
            container
            for service in ("redis", "tailer", "gateway", "lb")
            for container in self.stack.containers(service)
        ]
        for container in containers:
            if container.status != "running":
                await asyncio.to_thread(container.start)
        for container in containers:
            await asyncio.to_thread(self.stack.wait_for, container)
        await asyncio.to_thread(self.stack.up)

    @asynccontextmanager
    async def another(self, *words: str) -> AsyncGenerator[Any]:
        """One more gateway, which the others know nothing of."""
        name = await asyncio.to_thread(
            self.stack.compose,
            *("run", "--detach", "--no-deps", "--use-aliases", *words),
        )
        container = self.stack.container(name.strip())
        try:
            await self.until_there(3)
            yield container
        finally:
            await asyncio.to_thread(container.remove, force=True)


@pytest.fixture(scope="module")
def watch(
    make_stack: Callable[[], ComposeStack], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watch]:
    """Prometheus with shorter times, beside a stack of these tests' own.

    What faults leave behind, such as what a full broker owes, is nobody else's.
    """
    folder = tmp_path_factory.mktemp("rules")
    folder.chmod(0o755)
    rules = (ROOT / "deploy/alerts.yml").read_text()
    rules = re.sub(r"\bfor: \w+", f"for: {LASTS_SECONDS}s", rules)
    rules = re.sub(r"\[(5m|10m|1h)\]", f"[{LATELY_SECONDS}s]", rules)
    rules = re.sub(r"\boffset \w+", f"offset {LATELY_SECONDS}s", rules)
    (folder / "alerts.yml").write_text(rules)
    config = (ROOT / "deploy/prometheus.yml").read_text()
    (folder / "prometheus.yml").write_text(
        re.sub(r": [45]s\b", f": {LOOK_SECONDS}s", config)
    )
    (folder / "override.yml").write_text(OVERRIDE.format(folder=folder))
    for file in folder.iterdir():
        file.chmod(0o644)
    files = ("-f", "docker-compose.yml", "-f", str(folder / "override.yml"))
    monitoring = (*files, "--profile", "monitoring")
    stack = make_stack()
    stack.compose(
        *monitoring, "up", "--detach", "--no-recreate", "--wait", "prometheus"
    )
    try:
        yield Watch(stack)
    finally:
        stack.stop()


Fault = Callable[[Watch, set[str]], Awaitable[None]]


async def gateway_killed(watch: Watch, expected: set[str]) -> None:
    """Docker starts nothing anew that was killed by hand."""
    await watch.end("gateway")
    await watch.until(expected)


async def gateway_hangs(watch: Watch, expected: set[str]) -> None:
    """It is there, and answers nobody."""
    container = watch.stack.containers("gateway")[0]
    await asyncio.to_thread(container.pause)
    try:
        await watch.until(expected)
    finally:
        await asyncio.to_thread(container.unpause)


async def gateway_loses_the_broker(watch: Watch, expected: set[str]) -> None:
    """It alone: the others have it."""
    container = watch.stack.containers("gateway")[0]
    rejoin = await asyncio.to_thread(watch.stack.cut, container, "broker")
    try:
        await watch.until(expected)
    finally:
        await asyncio.to_thread(rejoin)


async def fewer_gateways(watch: Watch, expected: set[str]) -> None:
    """More, and then as many as before."""
    await asyncio.to_thread(watch.stack.scale, 3)
    await watch.until_there(3)
    await asyncio.to_thread(watch.stack.scale, 2)
    await watch.keep(expected)


async def gateway_restarted(watch: Watch, expected: set[str]) -> None:
    """As for an upgrade."""
    container = watch.stack.containers("gateway")[0]
    await asyncio.to_thread(container.restart)
    await watch.keep(expected)


async def gateway_fails(watch: Watch, expected: set[str]) -> None:
    """One of its tasks does, so that it ends; nothing starts it anew here."""
    entry = ("--entrypoint", "python", "gateway", "-c", SABOTAGED)
    async with watch.another(*entry) as container:
        await asyncio.to_thread(container.kill, "SIGUSR1")
        await watch.until(expected)


async def all_gateways_stopped(watch: Watch, expected: set[str]) -> None:
    """On purpose, and yet nobody is served."""
    for number in (0, 1):
        await watch.end("gateway", number, "stop")
    await watch.until(expected)


async def tailer_killed(watch: Watch, expected: set[str]) -> None:
    """While a session runs."""
    watch.write("run.jsonl", '{"step":1}\n')
    async with connect(watch.stack.urls[0]) as client:
        await hear(client, {"type": "subscribe", "sessionId": "run", "from": "start"})
        await watch.end("tailer")
        await watch.until(expected)


async def broker_stopped(watch: Watch, expected: set[str]) -> None:
    """Nobody reaches it; the balancer's clients stay connected."""
    async with connect(watch.stack.urls[0]) as client:
        await watch.end("redis", 0, "stop")
        await watch.until(expected)
        assert client.close_code is None


async def broker_refuses(watch: Watch, expected: set[str]) -> None:
    """It writes for nobody without a replica."""
    watch.redis("CONFIG", "SET", "min-replicas-to-write", "1")
    try:
        watch.write("refused.jsonl", '{"step":1}\n')
        await watch.until(expected)
    finally:
        watch.redis("CONFIG", "SET", "min-replicas-to-write", "0")


async def broker_full(watch: Watch, expected: set[str]) -> None:
    """And more is written than it may lag behind."""
    watch.redis("CONFIG", "SET", "maxmemory", "2mb")
    try:
        lines = json.dumps({"step": 1, "text": "x" * 1_000}) + "\n"
        watch.write("big.jsonl", lines * 20_000)
        await watch.until_begun("TailcastTailerBehind")
        # Whatever is trimmed now makes no room.
        watch.redis("CONFIG", "SET", "maxmemory", "1mb")
        await watch.until(expected)
    finally:
        watch.redis("CONFIG", "SET", "maxmemory", "3gb")


async def balancer_killed(watch: Watch, expected: set[str]) -> None:
    """It stays away, as what is killed by hand does."""
    await watch.end("lb")
    await watch.until(expected)


async def clients_give_up(watch: Watch, expected: set[str]) -> None:
    """As libraries do whose pong comes late: with a number that is one of ours."""
    for _ in range(20):
        async with connect(watch.stack.urls[0]) as client:
            await client.close(1011, "keepalive ping timeout")
    await watch.keep(expected)


async def clients_do_not_answer(watch: Watch, expected: set[str]) -> None:
    """Many at once, and one more than there may be."""
    settings = {"PING_INTERVAL": "2s", "PONG_TIMEOUT": "2s", "MAX_CONNECTIONS": "12"}
    words = [
        word
        for name, value in settings.items()
        for word in ("--env", f"TAILCAST_{name}={value}")
    ]
    async with watch.another(*words, "gateway") as container:
        url = watch.stack.direct_url(container)
        async with AsyncExitStack() as clients:
            for _ in range(12):
                client = await clients.enter_async_context(connect(url))
                client.transport.pause_reading()
            with pytest.raises(Exception, match="503"):
                await connect(url)
            await watch.until(expected)
        await asyncio.to_thread(container.stop)


async def lines_are_wrong(watch: Watch, expected: set[str]) -> None:
    """One that is no record, and a file whose name cannot be a session's."""
    watch.write("wrong.jsonl", "no record\n")
    watch.write("!wrong.jsonl", '{"step":1}\n')
    await watch.until(expected)


async def stream_deleted(watch: Watch, expected: set[str]) -> None:
    """By hand, of a session that lives."""
    watch.write("deleted.jsonl", '{"step":1}\n')
    async with connect(watch.stack.urls[0]) as client:
        message = {"type": "subscribe", "sessionId": "deleted", "from": "start"}
        await hear(client, message)
    watch.redis("DEL", "telemetry:{deleted}:stream")
    watch.write("deleted.jsonl", '{"step":2}\n')
    await watch.until(expected)


async def file_begins_anew(watch: Watch, expected: set[str]) -> None:
    """Again and again, as with two writers."""

    async def rewrite() -> None:
        for step in range(100):
            watch.write("anew.jsonl", f'{{"step":{step}}}\n', mode="w")
            await asyncio.sleep(0.5)

    rewriting = asyncio.create_task(rewrite())
    try:
        await watch.until(expected)
    finally:
        rewriting.cancel()


async def machines_disagree(watch: Watch, expected: set[str]) -> None:
    """One more tailer, of another machine, has another file of the same name."""
    watch.write("mine.jsonl", '{"step":1}\n')
    elsewhere = watch.stack.log_dir.parent / "elsewhere"
    (elsewhere / "telemetry").mkdir(parents=True)
    (elsewhere / "telemetry/mine.jsonl").write_text('{"step":2}\n')
    async with watch.stack.another_tailer(elsewhere):
        await watch.until(expected)
    watch.redis("DEL", "telemetry:{claims}")


async def client_meets_a_defect(watch: Watch, expected: set[str]) -> None:
    """Serving it fails, and serving others does not."""
    entry = ("--entrypoint", "python", "gateway", "-c", DEFECTIVE)
    async with watch.another(*entry) as container:
        async with connect(watch.stack.direct_url(container)) as client:
            await client.send('{"type":"subscribe"}')
            await client.wait_closed()
        await watch.until(expected)
        await asyncio.to_thread(container.stop)


async def hear(client: ClientConnection, message: Mapping[str, str]) -> None:
    """Ask for a session, and wait for a record of it."""
    await client.send(json.dumps(message))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while json.loads(await client.recv())["type"] != "telemetry":
            pass


FAULTS: dict[str, Fault] = {
    "a gateway is killed, and stays away": gateway_killed,
    "a gateway hangs": gateway_hangs,
    "a gateway alone loses the broker": gateway_loses_the_broker,
    "there are fewer gateways, on purpose": fewer_gateways,
    "a gateway is restarted": gateway_restarted,
    "a task of a gateway ends, and nothing starts it anew": gateway_fails,
    "all gateways are stopped": all_gateways_stopped,
    "the tailer is killed, while a session runs": tailer_killed,
    "the broker is stopped": broker_stopped,
    "the broker refuses to write": broker_refuses,
    "the broker is full, while much is written": broker_full,
    "the balancer is killed, and stays away": balancer_killed,
    "clients close with 1011": clients_give_up,
    "many clients do not answer, and one too many comes": clients_do_not_answer,
    "a line is no record, and a name no session's": lines_are_wrong,
    "a stream is deleted": stream_deleted,
    "a file begins anew again and again": file_begins_anew,
    "two machines see different files": machines_disagree,
    "serving one client fails by a defect": client_meets_a_defect,
}


def table() -> dict[str, set[str]]:
    """By fault: the alerts that come, as docs/operations.md has them."""
    found = rows(section(read_page("docs/operations.md"), "Which fault raises which"))
    next(found)  # what the columns are
    return {fault: set(re.findall(r"Tailcast\w+", cells[0])) for fault, *cells in found}


def test_every_fault_of_the_table_is_tried() -> None:
    """And what is tried is in the table."""
    assert table().keys() == FAULTS.keys()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_raises_its_alerts_and_no_others(
    watch: Watch, fault: str
) -> None:
    """Seen firing, and all others seen silent; then all is well again."""
    await watch.until(set())
    await watch.until_there(2)
    try:
        await FAULTS[fault](watch, table()[fault])
    finally:
        await watch.back()
    await watch.until(set())
