"""Another program writes over a key that is of no session: all goes on."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from tailcast_streams.exceptions import BrokerError
from tailcast_streams.keys import EMERGENCIES, Keys
from tailcast_streams.position import BEFORE_ALL
from tailcast_tailer.app import Tailer
from tailcast_tailer.upkeep import presence, sources
from tests.indexer import rig as indexer_rig
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Gateway,
    Rig,
    Watcher,
    watching,
)
from tests.red_team.spoiling import TYPES, spoil
from tests.tailer.harness import append, eventually, lines, running, session_path


pytestmark = pytest.mark.one_broker

WAYS = (*TYPES, "rubbish", "names")
# The names of the attributes of `Keys` that spell them; what only one tailer has.
KEYS = (
    "sessions", "births", "installation", "begun", "claims", "claims_seen", "sources",
    "indexers", "emergencies_seen",
)  # fmt: skip  # one name a line would hide what they are
OWNER = "host:test"
OF_TAILER = ("presence", "awake", "sources_of")


class House:
    """All services, some sessions, and one whose file is gone."""

    def __init__(self, rig: Rig, log_dir: Path, tailer: Tailer, gateway: Gateway):
        self.rig = rig
        self.log_dir = log_dir
        self.tailer = tailer
        self.gateway = gateway
        self.step = 0
        self.sessions = {"old"}

    async def write(self, watcher: Watcher) -> None:
        """A line of a run that goes on, and the first of another: both come."""
        self.step += 1
        append(session_path(self.log_dir, "on"), lines(self.step))
        append(session_path(self.log_dir, f"new-{self.step}"), lines(self.step))
        self.sessions |= {"on", f"new-{self.step}"}
        had = [record["step"] for record in watcher.records]
        while had.count(self.step) < 2:
            await watcher.next()
            had = [record["step"] for record in watcher.records]
        assert had.count(self.step) == 2

    def tell(self) -> None:
        """An emergency that is a file."""
        text = json.dumps({"emergency": {"reason": f"number {self.step}"}})
        folder = self.log_dir / "emergency"
        folder.mkdir(exist_ok=True)
        (folder / f"{self.step}.json").write_text(text)

    async def told(self) -> set[int]:
        """The emergencies that are in the broker, by their numbers."""
        found = await self.rig.broker.read_after(EMERGENCIES, BEFORE_ALL, limit=1_000)
        records = [json.loads(one.record or b"null") for one in found]
        reasons = [one["emergency"]["reason"] if one else "0" for one in records]
        return {int(reason.split()[-1]) for reason in reasons}

    def has_only(self, *numbers: int) -> Callable[[], Awaitable[bool]]:
        """Whether these emergencies are in the broker, and no other."""

        async def has_them() -> bool:
            try:
                return await self.told() == {*numbers}
            except BrokerError:
                return False

        return has_them

    async def answers(self) -> dict[str, Any]:
        """What is asked over HTTP."""
        async with httpx.AsyncClient(
            base_url=self.gateway.url, timeout=PATIENCE_SECONDS
        ) as client:
            paths = ("/api/sessions", "/api/sources", "/api/status", "/readyz")
            answers = [await client.get(path) for path in paths]
        return {
            path: answer.json() if path.startswith("/api") else answer.status_code
            for path, answer in zip(paths, answers, strict=True)
            if answer.status_code == 200
        }

    async def is_whole(self) -> bool:
        """Whether everything is said again."""
        try:
            told = await self.told()
        except BrokerError:
            return False
        answers = await self.answers()
        if len(answers) < 4:
            return False
        listed = {one["sessionId"] for one in answers["/api/sessions"]["sessions"]}
        status = answers["/api/status"]
        return (
            listed == self.sessions
            and told == set(range(1, self.step + 1))
            and len(answers["/api/sources"]["data"])
            == len(self.sessions) - 1 + len(told)
            and [one["name"] for one in status["tailers"]] == [OWNER]
            and len(status["indexers"]) == 1
        )


@pytest.fixture
async def house(
    rig: Rig, gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """Everything runs, and looks at the broker often."""
    monkeypatch.setattr(presence, "REFRESH_SECONDS", 0.1)
    monkeypatch.setattr(sources, "OVERVIEW_SECONDS", 0.2)
    await rig.writer("old").append({"step": 0})
    async with AsyncExitStack() as stack:
        tailer = await stack.enter_async_context(
            running(rig.connect(), tmp_path, OWNER, audit_interval=0.2)
        )
        # What is there at its start is history, and nobody is told.
        await tailer.has_begun.wait()
        await stack.enter_async_context(indexer_rig.running(rig.connect()))
        yield House(rig, tmp_path, tailer, gateway)


async def check(house: House, client: "redis.Redis", key: str) -> None:
    """All ways, one after the other; in each, what is new comes, and all is mended."""
    async with watching(house.gateway) as watcher:
        await watcher.subscribe()
        await house.write(watcher)
        house.tell()
        await eventually(house.is_whole)
        for way in WAYS:
            spoil(client, key, way)
            await house.write(watcher)
            house.tell()
            await eventually(house.is_whole)
            async with watching(house.gateway) as other:
                await other.subscribe(sessionId="on", replay=1)
                (last,) = await other.until_records(1)
                assert last["step"] == house.step
            assert house.tailer.why_not_ready() == ""


@pytest.mark.parametrize("name", KEYS)
async def test_a_spoiled_key_of_no_session(
    house: House, client: "redis.Redis", name: str
) -> None:
    """What is derived is made anew; records, new sessions, and emergencies come."""
    await check(house, client, getattr(Keys(house.rig.prefix), name))


@pytest.mark.parametrize("name", OF_TAILER)
async def test_a_spoiled_key_of_a_tailer(
    house: House, client: "redis.Redis", name: str
) -> None:
    """The same of what a tailer says of itself."""
    await check(house, client, getattr(Keys(house.rig.prefix), name)(OWNER))


async def test_a_spoiled_stream_of_emergencies(
    house: House, client: "redis.Redis"
) -> None:
    """All of them are read again from their files, and clients know them by name."""
    await check(house, client, Keys(house.rig.prefix).stream(EMERGENCIES))


async def test_who_follows_emergencies_is_told_that_some_may_be_gone(
    house: House, client: "redis.Redis"
) -> None:
    """By a rewind that is not complete, when the next one comes, or it comes back."""
    async with watching(house.gateway) as watcher:
        await watcher.subscribe(sessionIds=["a*"])
        seen: list[dict[str, Any]] = []
        for _ in range(2):
            house.step += 1
            house.tell()
            seen.append(await watcher.until("emergency"))
        # Where its file is gone it cannot be read again.
        (house.log_dir / "emergency" / "1.json").unlink()
        spoil(client, Keys(house.rig.prefix).stream(EMERGENCIES), "string")
        await eventually(house.has_only(2))
        house.step += 1
        house.tell()

        assert await emergencies_anew(watcher) == seen[1]["id"]

    for one in seen:
        async with watching(house.gateway) as back:
            await back.subscribe(sessionIds=["a*"], cursors=one["cursors"])
            assert await emergencies_anew(back) == seen[1]["id"]


async def emergencies_anew(watcher: Watcher) -> str:
    """What a client is told first once the emergencies begin anew."""
    rewind = await watcher.until("rewind")
    assert (rewind["sessionId"], rewind["complete"]) == (EMERGENCIES, False)
    return str((await watcher.until("emergency"))["id"])


@pytest.mark.parametrize("way", WAYS)
async def test_who_subscribes_needs_no_emergencies(
    rig: Rig, gateway: Gateway, client: "redis.Redis", way: str
) -> None:
    """Where no tailer is there to make their stream anew."""
    await rig.writer("a").append({"step": 1})
    spoil(client, Keys(rig.prefix).stream(EMERGENCIES), way)
    async with rig.serving() as late:
        for one in (gateway, late):
            async with watching(one) as watcher:
                await watcher.subscribe(sessionId="a", replay=1)
                assert await watcher.until_records(1) == [{"step": 1}]


async def test_what_was_mended_is_counted(house: House, client: "redis.Redis") -> None:
    """And named in the log."""
    key = Keys(house.rig.prefix).births
    spoil(client, key, "list")

    def is_counted() -> bool:
        text = house.tailer.instruments.exposition().decode()
        return "tailcast_tailer_mended_keys_total 1.0" in text

    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_counted():
            await asyncio.sleep(0.02)
