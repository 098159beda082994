"""Each example client, as its own toolchain builds it, against a real gateway.

All of them run at once through one story, which happens once; each has a test that says
how it fared. Whose toolchain is not there is skipped, with what is missing.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tailcast_gateway.protocol.limits import MAX_MESSAGE_BYTES
from tests.brokers import BrokerServer
from tests.checker.stack import ProcessStack, wait_until_ready
from tests.languages.building import need
from tests.languages.programs import PROGRAMS, Program
from tests.languages.running import SESSION, Running, running, until
from tests.languages.strict_server import FIRST, SECOND, TEMPORARY, strict_server


pytestmark = pytest.mark.timeout(1500)

RECORDS = 2000
LAST = RECORDS - 1
# What is stored before anybody comes.
STORED = 1000
RESTART_AT = 1300
# Two of them one after the other, one of them as the last.
LARGE = {300, 301, 900, 1250, 1305, LAST}
LARGE_BYTES = 900_000
# As long as a message may be, with room for what stands around the record.
LARGEST, LARGEST_BYTES = 901, MAX_MESSAGE_BYTES - 1_000
# When the tailer and the broker are started anew.
TAILER_AT, BROKER_AT = 1_500, 1_700
# The last record comes when nobody has heard anything for longer than a silent client
# is borne with, twenty-five seconds here.
PING_INTERVAL, PONG_TIMEOUT, QUIET_SECONDS = "5s", "20s", 30.0
# Each program is told by a message never to come back; by a code, where there are some.
LAST_WORDS: list[tuple[Program, int | None]] = [
    *((one, None) for one in PROGRAMS),
    *((one, 4409) for one in PROGRAMS if one.door == "websocket"),
]


def _case(value: Program | int | None) -> str:
    if isinstance(value, Program):
        return value.name
    return "by a message" if value is None else "by a code"


@dataclass(frozen=True)
class Fare:
    """How a program fared."""

    # In the order in which they were printed.
    steps: list[int]
    complaints: str
    exit_code: int | None
    # Whether it came to a full gateway first.
    was_refused: bool = True
    # Whether its connection outlived a time in which nothing was written.
    outlived_quiet: bool = True


Fares = dict[str, Fare]


@pytest.fixture(scope="module")
def fares(
    able: list[Program],
    brokers: Callable[[str], BrokerServer],
    tmp_path_factory: pytest.TempPathFactory,
) -> Fares:
    """How each fared through a full gateway, large records and restarts."""
    directory = tmp_path_factory.mktemp("languages")
    return asyncio.run(_story(able, brokers("valkey"), directory))


@pytest.mark.parametrize("program", PROGRAMS, ids=_case)
def test_each_record_comes_once_and_in_order(
    program: Program, broken: dict[str, str], fares: Fares
) -> None:
    """Through a full gateway, records of 60 B to the largest, restarts, and quiet."""
    need(program, broken)
    fare = fares[program.name]
    complaints = fare.complaints[-2000:]
    assert fare.was_refused
    assert fare.steps == list(range(RECORDS)), complaints
    assert fare.exit_code is None, complaints
    assert fare.outlived_quiet, complaints


@pytest.mark.parametrize(("program", "last_word"), LAST_WORDS, ids=_case)
async def test_it_comes_back_until_it_is_told_to_stay_away(
    program: Program, last_word: int | None, broken: dict[str, str], tmp_path: Path
) -> None:
    """Whatever ends the connection; by a code, or by a message where codes get lost."""
    need(program, broken)
    async with strict_server(last_word) as server:
        with running([(program, server.address)], tmp_path) as (client,):
            await until(lambda: client.exit_code() is not None)
            fare = _fare(client)
    assert fare.exit_code is not None, fare.complaints
    assert fare.steps == [0, 1], fare.complaints
    starts = [None, None, None, FIRST, SECOND]
    if program.door == "websocket":
        starts += [SECOND] * len(TEMPORARY)
    assert server.starts == starts, fare.complaints


def _line(step: int) -> str:
    """A record of some 60 bytes, of 900 kB, or the largest there may be."""
    record: dict[str, object] = {"step": step, "telemetry": {"phi": 0.72, "loss": 1.5}}
    if step in LARGE:
        record["tokens"] = "x" * LARGE_BYTES
    if step == LARGEST:
        record["tokens"] = "x" * LARGEST_BYTES
    return json.dumps(record) + "\n"


async def _story(able: list[Program], broker: BrokerServer, directory: Path) -> Fares:
    settings = {
        "TAILCAST_MAX_CONNECTIONS": str(len(able)),
        "TAILCAST_DRAIN_SECONDS": "2s",
        "TAILCAST_PING_INTERVAL": PING_INTERVAL,
        "TAILCAST_PONG_TIMEOUT": PONG_TIMEOUT,
    }
    stack = ProcessStack(broker, directory, gateways=1, settings=settings)
    file = stack.telemetry / f"{SESSION}.jsonl"
    file.write_text("".join(map(_line, range(STORED))))
    address = f"127.0.0.1:{stack.ports[0]}"
    try:
        await stack.start()
        async with AsyncExitStack() as full:
            for _ in able:
                await full.enter_async_context(connect(stack.urls[0], proxy=None))
            with running([(one, address) for one in able], directory) as clients:
                await until(lambda: all(map(_was_refused, clients)))
                refused = set(filter(_was_refused, clients))
                await full.aclose()
                await until(lambda: all(_has(one, STORED) for one in clients))
                await _write_through_restarts(stack, file)
                await until(lambda: all(_has(one, LAST) for one in clients))
                before = {one: one.complaints() for one in clients}
                await asyncio.sleep(QUIET_SECONDS)
                with file.open("a") as lines:
                    lines.write(_line(LAST))
                await until(lambda: all(_has(one, RECORDS) for one in clients))
                return {
                    one.program.name: replace(
                        _fare(one),
                        was_refused=one in refused,
                        outlived_quiet=one.complaints() == before[one],
                    )
                    for one in clients
                }
    finally:
        stack.stop()


def _was_refused(client: Running) -> bool:
    """Pages are served by a full gateway too."""
    return client.program.door == "pages" or client.complaints() != ""


def _has(client: Running, count: int) -> bool:
    return client.exit_code() is not None or client.count() >= count


async def _write_through_restarts(stack: ProcessStack, file: Path) -> None:
    """Lines keep coming while each service ends, is away, and is there again."""
    (gateway,), tailer, broker = stack.gateways, stack.tailer, stack.broker
    is_due = {at: asyncio.Event() for at in (RESTART_AT, TAILER_AT, BROKER_AT)}

    async def write() -> None:
        for step in range(STORED, LAST):
            with file.open("a") as lines:
                lines.write(_line(step))
            if step in is_due:
                is_due[step].set()
            await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        await is_due[RESTART_AT].wait()
        assert await asyncio.to_thread(gateway.stop) == 0, gateway.log()
        gateway.start()
        await wait_until_ready(stack.ports[0])
        await is_due[TAILER_AT].wait()
        assert await asyncio.to_thread(tailer.stop) == 0, tailer.log()
        tailer.start()
        await is_due[BROKER_AT].wait()
        await asyncio.to_thread(broker.restart)


def _fare(client: Running) -> Fare:
    return Fare(client.steps(), client.complaints(), client.exit_code())
