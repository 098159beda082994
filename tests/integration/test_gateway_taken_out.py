"""What clients are told of a session that is taken out, and comes back."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tailcast_streams.session_state import NOTHING_STORED
from tailcast_tailer.app import Tailer
from tailcast_tailer.appending import session_bound
from tests.integration.gateway_rig import Gateway, Rig, Watcher, watching
from tests.tailer.harness import append, eventually, lines, running, session_path


# File systems show times of change no finer than this.
TICK_SECONDS = 0.02


@pytest.fixture(autouse=True)
def nothing_is_hot(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written a moment ago is not being written any more."""
    monkeypatch.setattr(session_bound, "HOT_SECONDS", 0.0)


class Crowd:
    """Files of a broker that keeps one session."""

    def __init__(self, rig: Rig, log_dir: Path) -> None:
        self._rig = rig
        self._log_dir = log_dir
        self._at = 0.0

    async def write(self, session: str, *steps: int) -> None:
        """Lines, later than all before; until they are in the broker."""
        path = session_path(self._log_dir, session)
        while time.time() < self._at + TICK_SECONDS:
            await asyncio.sleep(TICK_SECONDS)
        append(path, lines(*steps))
        self._at = time.time()
        size = path.stat().st_size

        async def is_stored() -> bool:
            state = await self._rig.broker.load(session)
            if state is None or state.taken_out_ms:
                return False
            listed = list(await self._rig.broker.sessions())
            return listed == [session] and state.position.offset == size

        await eventually(is_stored)

    async def until_gone(self, session: str) -> None:
        """Until nothing is left of a session."""

        async def is_gone() -> bool:
            return await self._rig.broker.positions([session]) == [NOTHING_STORED]

        await eventually(is_gone)


@asynccontextmanager
async def crowded(rig: Rig, log_dir: Path) -> AsyncGenerator[tuple[Crowd, Tailer]]:
    """A tailer of a broker that keeps one session."""
    async with running(rig.connect(), log_dir, max_sessions=1) as tailer:
        yield Crowd(rig, log_dir), tailer


def steps(watcher: Watcher) -> list[int]:
    """What a client has had."""
    return [record["step"] for record in watcher.records]


async def test_who_has_all_goes_on_where_it_was(
    rig: Rig, gateway: Gateway, tmp_path: Path
) -> None:
    """Of one session, and of all: each record once, whether it waits or comes back."""
    async with (
        crowded(rig, tmp_path) as (crowd, _),
        watching(gateway) as one,
        watching(gateway) as every,
    ):
        await crowd.write("a", 1, 2)
        await one.subscribe(sessionId="a", **{"from": "start"})
        await every.subscribe(sessionIds=["a*"], **{"from": "start"})
        assert await one.until_records(2) == await every.until_records(2)
        cursor = one.cursors["a"]

        await crowd.write("b", 1)
        await crowd.write("a", 3)

        for watcher in (one, every):
            await watcher.until_records(3)
            assert steps(watcher) == [1, 2, 3]
        async with watching(gateway) as back:
            await back.subscribe(sessionId="a", **{"from": {"cursor": cursor}})
            await back.until_records(1)
            assert steps(back) == [3]


async def test_who_is_behind_is_told_a_gap(
    rig: Rig, gateway: Gateway, tmp_path: Path
) -> None:
    """Up to where the session ended; what is written then follows on."""
    async with crowded(rig, tmp_path) as (crowd, _), watching(gateway) as watcher:
        await crowd.write("a", 1)
        await watcher.subscribe(sessionId="a", **{"from": "start"})
        await watcher.until_records(1)
        cursor = watcher.cursors["a"]
        await crowd.write("a", 2)
        await watcher.until_records(2)
        end = watcher.cursors["a"]

        await crowd.write("b", 1)

        # (The other one has the latest entries in memory.)
        async with rig.serving() as later, watching(later) as behind:
            await behind.subscribe(sessionId="a", **{"from": {"cursor": cursor}})
            gap = await behind.until("gap")
            assert (gap["from"], gap["reason"]) == (cursor, "trimmed")
            assert str(gap["to"]).rsplit("-", 1)[0] == str(end).rsplit("-", 1)[0]
            await crowd.write("a", 3)
            await behind.until_records(1)
            assert steps(behind) == [3]


async def test_who_comes_back_when_nothing_is_left(
    rig: Rig, gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waits until the file goes on, and then misses nothing."""
    monkeypatch.setattr(session_bound, "TOLD_SECONDS", 1)
    async with crowded(rig, tmp_path) as (crowd, _), watching(gateway) as watcher:
        await crowd.write("a", 1)
        await watcher.subscribe(sessionId="a", **{"from": "start"})
        await watcher.until_records(1)
        cursor = watcher.cursors["a"]
        await crowd.write("a", 2)
        await crowd.write("b", 1)
        await crowd.until_gone("a")

        async with watching(gateway) as behind:
            await behind.subscribe(sessionId="a", **{"from": {"cursor": cursor}})
            await crowd.write("a", 3)
            await behind.until_records(2)
            assert steps(behind) == [2, 3]


async def test_what_was_there_before_is_no_news(
    rig: Rig, gateway: Gateway, tmp_path: Path
) -> None:
    """To who subscribed while it was out, to what comes from then on."""
    async with crowded(rig, tmp_path) as (crowd, _), watching(gateway) as watcher:
        await crowd.write("a", 1, 2)
        await crowd.write("b", 1)
        await watcher.subscribe(sessionIds=["a"])
        await crowd.write("a", 3)
        await watcher.until_records(1)
        assert steps(watcher) == [3]
