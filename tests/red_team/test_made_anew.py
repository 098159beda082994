"""What another program has written over is made anew by whoever owns it."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import cast

import pytest
import redis

from tailcast_streams.exceptions import KeySpoiled
from tailcast_streams.keys import Keys
from tailcast_streams.position import BEFORE_ALL
from tailcast_streams.redis.broker import RedisBroker
from tests.indexer import rig as indexer_rig
from tests.indexer.rig import until_indexed
from tests.integration.gateway_rig import Rig
from tests.red_team.spoiling import (
    RUBBISH,
    TYPES,
    WAYS,
    key_of,
    spoil,
    write,
)
from tests.tailer.harness import eventually, records_of, running, wait_for_records


pytestmark = pytest.mark.one_broker

OF_TAILERS = ("stream", "state", "rejected")
OF_INDEXERS = ("index", "metrics", "places", "places_by_time", "rollup")
RUNS = tuple(f"run-{number}" for number in range(len(WAYS)))


@pytest.fixture
async def adapter(rig: Rig) -> AsyncIterator[RedisBroker]:
    """A broker for a service."""
    async with aclosing(RedisBroker(rig.url, key_prefix=rig.prefix)) as adapter:
        yield adapter


def texts(first: int, last: int) -> list[bytes]:
    """Records of a run that goes on, an emergency now and then."""
    return [
        json.dumps(
            {"step": step, "loss": step / 3}
            | ({"emergency": {"reason": "x"}} if step % 20 == 0 else {}),
            separators=(",", ":"),
        ).encode()
        for step in range(first, last)
    ]


def write_lines(path: Path, lines: list[bytes]) -> None:
    """Append lines to a file."""
    with path.open("ab") as file:
        file.write(b"".join(line + b"\n" for line in lines))


@pytest.mark.parametrize(
    ("kind", "grows"),
    [
        *((kind, True) for kind in OF_TAILERS),
        # (The rejected ones are looked at when another comes.)
        ("stream", False),
        ("state", False),
    ],
)
async def test_a_tailer_makes_sessions_anew(
    adapter: RedisBroker,
    rig: Rig,
    client: "redis.Redis",
    tmp_path: Path,
    kind: str,
    *,
    grows: bool,
) -> None:
    """From the file, which is the truth; all records, each once."""
    folder = tmp_path / "telemetry"
    folder.mkdir()
    for name in RUNS:
        write_lines(folder / f"{name}.jsonl", [*texts(0, 30), b"no record"])
    async with running(adapter, tmp_path, audit_interval=0.2):
        for name in RUNS:
            await wait_for_records(rig.broker, name, texts(0, 30))
        keys = Keys(rig.prefix)
        for name, way in zip(RUNS, WAYS, strict=True):
            spoil(client, key_of(keys, kind, name), way)
        last = 30
        if grows:
            last = 40
            for name in RUNS:
                lines = [*texts(30, 40), b"nor this"]
                write_lines(folder / f"{name}.jsonl", lines)

        for name in RUNS:

            async def is_whole(name: str = name) -> bool:
                try:
                    records = await records_of(rig.broker, name)
                    rejected = await rig.broker.read_rejected(name, BEFORE_ALL, limit=9)
                except KeySpoiled:
                    return False
                (position,) = await rig.broker.positions([name])
                is_told = len(rejected) == 1 + grows
                is_whole = records == texts(0, last)
                return is_whole and is_told and not position.is_diverged

            await eventually(is_whole)


async def test_no_field_of_a_state_stops_its_tailer(
    adapter: RedisBroker, rig: Rig, client: "redis.Redis", tmp_path: Path
) -> None:
    """Each field of a state, alone: what cannot be read is worked out anew."""
    folder = tmp_path / "telemetry"
    folder.mkdir()
    write_lines(folder / "first.jsonl", texts(0, 30))
    keys = Keys(rig.prefix)
    async with running(adapter, tmp_path):
        await wait_for_records(rig.broker, "first", texts(0, 30))
        names = cast(list[bytes], client.hkeys(keys.state("first")))
        fields = [name.decode() for name in names]
        for field in fields:
            write_lines(folder / f"{field}.jsonl", texts(0, 30))
        for field in fields:
            await wait_for_records(rig.broker, field, texts(0, 30))
    for field in fields:
        client.hset(keys.state(field), field, RUBBISH)
        write_lines(folder / f"{field}.jsonl", texts(30, 40))
    async with running(adapter, tmp_path):
        for field in fields:

            async def is_whole(name: str = field) -> bool:
                return await records_of(rig.broker, name) == texts(0, 40)

            await eventually(is_whole)


@pytest.mark.parametrize("kind", OF_INDEXERS)
async def test_an_indexer_makes_indexes_anew(
    adapter: RedisBroker, rig: Rig, client: "redis.Redis", kind: str
) -> None:
    """Of sessions that go on, and of those that rest."""
    keys = Keys(rig.prefix)
    async with indexer_rig.running(adapter):
        for name in RUNS:
            await rig.writer(name).append(*map(json.loads, texts(0, 200)))
        await until_indexed(rig.broker, *RUNS)
        for name, way in zip(RUNS, WAYS, strict=True):
            if way in TYPES:
                spoil(client, key_of(keys, kind, name), way)
        for name in RUNS[::2]:
            await rig.writer(name).append(*map(json.loads, texts(200, 210)))

        async def are_sound() -> bool:
            return not any(await rig.broker.indexes.spoiled(RUNS))

        await eventually(are_sound)
        await until_indexed(rig.broker, *RUNS)
        for name in RUNS:
            metrics = await rig.broker.indexes.metrics(name, None)
            assert set(metrics) >= {"loss"}


@pytest.mark.parametrize("way", ["string", "list"])
@pytest.mark.parametrize(
    "key",
    ["emergency_times", "emergency_order", "emergencies_known", "emergency_records",
     "emergency_lives"],
)  # fmt: skip  # one name a line would hide what they are
async def test_kept_emergencies_are_found_again(
    adapter: RedisBroker, rig: Rig, client: "redis.Redis", key: str, way: str
) -> None:
    """By an indexer, which reads the streams again; others are indexed meanwhile."""
    kept = rig.broker.emergencies
    async with indexer_rig.running(adapter):
        await rig.writer("one").append(*map(json.loads, texts(0, 50)))
        await rig.writer("two").append(*map(json.loads, texts(0, 30)))
        await until_indexed(rig.broker, "one", "two")
        before = {(one.session, one.cursor) for one in (await kept.load()).kept}
        assert len(before) == 5
        write(client, getattr(Keys(rig.prefix), key), way)
        await rig.writer("two").append(*map(json.loads, texts(30, 50)))

        async def are_there() -> bool:
            try:
                found = await kept.load()
            except KeySpoiled:
                return False
            now = {(one.session, one.cursor) for one in found.kept}
            return not await kept.are_spoiled() and now > before

        await eventually(are_there)
        await until_indexed(rig.broker, "one", "two")
