"""The recipes of docs/streams.md, run with a real `redis-cli` on a real stream."""

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from tailcast_streams.redis.broker import RedisBroker
from tailcast_streams.sources import SourceState
from tailcast_tailer.app import Tailer
from tailcast_tailer.options import Options
from tests.brokers import BrokerServer
from tests.conftest import BrokerFactory
from tests.docs.pages import code_blocks, read_page, section
from tests.docs.terminal import examples, is_as_shown, run
from tests.indexer.rig import running, until_indexed
from tests.tailer.harness import append, eventually


RECIPES = section(read_page("docs/streams.md"), "Recipes")
LINES = code_blocks(RECIPES, "json")[0].text.encode()
DOCUMENT = b'{"session_id":"session_001","emergency":{"reason":"collapse"}}'
SESSION = "session_001"
FILES = 2


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the page's commands are run: `logs` is below it."""
    append(tmp_path / "logs" / "telemetry" / f"{SESSION}.jsonl", LINES)
    append(tmp_path / "logs" / "emergency" / "collapse.json", DOCUMENT)
    about = tmp_path / "logs" / "telemetry" / f"{SESSION}.meta.json"
    append(about, b'{"name": "warm-up", "config": {"lr": 0.001}}\n')
    return tmp_path


@pytest.mark.parametrize("kind", ["valkey", "redis"])
async def test_every_recipe_shows_what_the_page_shows(
    kind: str, own_brokers: BrokerFactory, directory: Path
) -> None:
    """Each command, in the order of the page."""
    program = find_client()
    server = own_brokers(kind)
    environment = make_environment(directory, program, server)
    file = directory / "logs" / "telemetry" / f"{SESSION}.jsonl"
    recipes = [
        example
        for block in code_blocks(RECIPES, "console")
        for example in examples(block.text)
    ]
    assert len(recipes) > 10

    async with tailing(server, directory / "logs"), indexing(server):
        for command, shown in recipes:
            output = await asyncio.to_thread(
                run,
                command,
                directory=directory,
                environment=environment,
                is_enough=partial(_has_news, command, shown, file),
            )
            assert is_as_shown(shown, output), f"$ {command}\n{output}\nbut:\n{shown}"


def _has_news(command: str, shown: str, file: Path, output: str) -> bool:
    """Whether a command that never ends has shown what it should: news are made."""
    if "SUBSCRIBE" not in command or "subscribe" not in output:
        return False
    append(file, b'{"step":6}\n')
    return is_as_shown(shown, output)


def find_client() -> str:
    """The command-line client of Redis, or Valkey's, which is the same."""
    program = shutil.which("redis-cli") or shutil.which("valkey-cli")
    if program is None:
        pytest.skip("no redis-cli on PATH (Debian: redis-tools)")
    return program


def make_environment(
    directory: Path, program: str, server: BrokerServer
) -> dict[str, str]:
    """One in which `redis-cli` means this server, as an alias would."""
    script = directory / "bin" / "redis-cli"
    script.parent.mkdir()
    socket = server.url.removeprefix("unix://")
    where = f"-u {server.url}" if socket == server.url else f"-s {socket}"
    script.write_text(f'#!/bin/sh\nexec {program} {where} "$@"\n')
    script.chmod(0o755)
    return {**os.environ, "PATH": f"{script.parent}:{os.environ['PATH']}"}


@asynccontextmanager
async def indexing(server: BrokerServer) -> AsyncGenerator[None]:
    """An indexer that has read everything, and goes on."""
    async with aclosing(RedisBroker(server.url)) as broker, running(broker):
        await until_indexed(broker, SESSION)
        yield


@asynccontextmanager
async def tailing(server: BrokerServer, log_dir: Path) -> AsyncGenerator[None]:
    """A tailer that has read everything, and goes on."""
    broker = RedisBroker(server.url, key_prefix="telemetry")
    tailer = Tailer(
        broker,
        Options(log_dir=str(log_dir), poll_interval=0.01, name="tailer:/logs"),
    )
    task = asyncio.create_task(tailer.run())

    async def has_all() -> bool:
        heads = await broker.heads([SESSION, "!emergencies"])
        state = heads[0].state
        is_listed = SESSION in await broker.sessions()
        has_lines = state is not None and state.position.offset == len(LINES)
        told = await broker.sources.overviews()
        knows = [one.counts[SourceState.FOLLOWED] for one in told] == [FILES]
        (described,) = await broker.descriptions.load([SESSION])
        is_told = bool(described.told) and heads[1].cursor is not None
        return has_lines and is_listed and knows and is_told

    try:
        await eventually(has_all)
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await broker.aclose()
