"""The faults of the table in docs/operations.md, done to a whole stack."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.compose.alert_watch import PATIENCE_SECONDS, Watch


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


async def indexer_killed(watch: Watch, expected: set[str]) -> None:
    """Clients get every record, and what runs mean gets late."""
    await watch.end("indexer")
    watch.write("run.jsonl", '{"step":1}\n')
    async with connect(watch.stack.urls[0]) as client:
        await hear(client, {"type": "subscribe", "sessionId": "run", "from": "start"})
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
    """One that is no record."""
    watch.write("wrong.jsonl", "no record\n")
    await watch.until(expected)


async def emergency_is_unreadable(watch: Watch, expected: set[str]) -> None:
    """A file of an emergency that is no JSON, and stays so."""
    directory = watch.stack.log_dir / "emergency"
    directory.mkdir(exist_ok=True)
    (directory / "gpu.json").write_text("GPU 3 fell off the bus\n")
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
    """Some of them, again and again, as with two writers: each waits ten seconds."""

    async def rewrite() -> None:
        for step in range(200):
            for name in ("anew-1.jsonl", "anew-2.jsonl", "anew-3.jsonl"):
                watch.write(name, f'{{"step":{step}}}\n', mode="w")
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
    "the indexer is killed, and stays away": indexer_killed,
    "the broker is stopped": broker_stopped,
    "the broker refuses to write": broker_refuses,
    "the broker is full, while much is written": broker_full,
    "the balancer is killed, and stays away": balancer_killed,
    "clients close with 1011": clients_give_up,
    "many clients do not answer, and one too many comes": clients_do_not_answer,
    "a line is no record": lines_are_wrong,
    "an emergency file is no JSON": emergency_is_unreadable,
    "a stream is deleted": stream_deleted,
    "a file begins anew again and again": file_begins_anew,
    "two machines see different files": machines_disagree,
    "serving one client fails by a defect": client_meets_a_defect,
}
