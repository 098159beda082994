"""The roll-ups of docs/streams.md, read with a real `redis-cli` and its program."""

import asyncio
import sys
from pathlib import Path

import msgspec
import pytest

from tailcast_index.meaning import Point
from tailcast_index.rollups import Rollups
from tailcast_index.rollups.layout import FAR_ROW, NEAR_ROW, REACHED_ROW
from tailcast_streams.indexes import LEVELS, IndexWrite, Written
from tailcast_streams.position import EntryID
from tailcast_streams.redis.broker import RedisBroker
from tests.brokers import BrokerServer
from tests.conftest import BrokerFactory
from tests.docs.pages import code_blocks, read_page, section
from tests.docs.terminal import examples, is_as_shown, run
from tests.docs.test_streams import SESSION, find_client, make_environment


PAGE = section(read_page("docs/streams.md"), "Roll-ups")
(PROGRAM,) = code_blocks(PAGE, "python")
(SHOWN,) = code_blocks(PAGE, "console")
RECORDS = 600


async def store(server: BrokerServer) -> None:
    """Keep the roll-ups of the page's session."""
    rollups = Rollups({"loss": 0}.get)
    for number in range(RECORDS):
        values = [("loss", number / 2)]
        rollups.add(EntryID(1, 10 + 10 * number), Point(number, None, None, values))
    chunks, dropped = rollups.take_changes()
    write = IndexWrite(
        session=SESSION, expected="", at="1", chunks=chunks, dropped=dropped
    )
    broker = RedisBroker(server.url, key_prefix="telemetry")
    try:
        assert await broker.indexes.write([write]) == [Written.DONE]
    finally:
        await broker.aclose()


@pytest.mark.parametrize("kind", ["valkey", "redis"])
async def test_chunks_are_read_as_the_page_shows(
    kind: str, own_brokers: BrokerFactory, tmp_path: Path
) -> None:
    """With its ten lines of Python."""
    server = own_brokers(kind)
    await store(server)
    (tmp_path / "chunk.py").write_text(PROGRAM.text)
    environment = make_environment(tmp_path, find_client(), server)
    (tmp_path / "bin" / "python3").symlink_to(sys.executable)
    recipes = list(examples(SHOWN.text))
    assert len(recipes) > 2

    for command, shown in recipes:
        output = await asyncio.to_thread(
            run, command, directory=tmp_path, environment=environment
        )
        assert is_as_shown(shown, output), f"$ {command}\n{output}\nbut:\n{shown}"


def test_the_page_has_the_sizes_and_rows() -> None:
    """As they are written."""
    for size in LEVELS:
        assert f"{size:,}" in PAGE
    for packing in (NEAR_ROW, FAR_ROW):
        assert f'"{packing.format}"' in PAGE
    assert f"`{REACHED_ROW.format[1:]}`" in PAGE
    shape = code_blocks(PAGE, "json")[0].text
    assert shape.startswith("[[GENERATION, OFFSET, STEP, TIME, {")
    assert msgspec.json.decode(b"[[1,10,0,null,{}]]")[0][4] == {}
