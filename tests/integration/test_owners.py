"""Two tailers, two directories, one broker: whose a session is, and who is told."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tailcast_gateway.sessions import audit
from tailcast_streams.claims import Claim
from tailcast_tailer.following import claimant, follower, ownership
from tailcast_tailer.upkeep import claim_answers
from tests.integration.gateway_rig import Gateway, Rig, Watcher, watching
from tests.patience import PATIENCE_SECONDS
from tests.tailer.harness import (
    append,
    eventually,
    lines,
    records_of,
    running,
    session_path,
    texts,
    wait_for_records,
)


A, B = "a:/logs", "b:/logs"
PROGRAM = """
import sys
from tailcast_service.start import begin
begin()
from tailcast_tailer.app import run
from tailcast_tailer.settings import TailerSettings
url, prefix, log_dir = sys.argv[1:]
run(TailerSettings.load(redis_url=url, key_prefix=prefix, log_dir=log_dir))
"""


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked every second is asked at once."""
    monkeypatch.setattr(audit, "AUDIT_SECONDS", 0.1)
    monkeypatch.setattr(claim_answers, "CLAIMS_SECONDS", 0.05)
    # An owner on a busy machine is there.
    monkeypatch.setattr(claimant, "ANSWER_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(follower, "REWRITE_RETRY_SECONDS", 0.05)
    monkeypatch.setattr(ownership, "ABSENT_SECONDS", 0.2)


class Nodes:
    """Two machines, each with a disk and a tailer of its own."""

    def __init__(self, rig: Rig, directory: Path, gateway: Gateway) -> None:
        self.rig = rig
        self.gateway = gateway
        self.files = {
            owner: session_path(directory / owner[0], "job") for owner in (A, B)
        }
        self.tailers = {owner: AsyncExitStack() for owner in (A, B)}

    async def start(self, owner: str) -> None:
        """Have its tailer run."""
        log_dir = self.files[owner].parent.parent
        tailer = running(self.rig.connect(), log_dir, owner=owner)
        await self.tailers[owner].enter_async_context(tailer)

    async def owner(self) -> str:
        """Who owns the session."""
        state = await self.rig.broker.load("job")
        return "" if state is None else state.owner

    async def until_owner(self, owner: str) -> None:
        """Until that one does."""

        async def is_so() -> bool:
            return await self.owner() == owner

        await eventually(is_so)

    async def generation(self) -> int:
        """How often the session began."""
        return (await self.rig.broker.positions(["job"]))[0].generation


@pytest.fixture
async def nodes(rig: Rig, tmp_path: Path, gateway: Gateway) -> AsyncIterator[Nodes]:
    """Both tailers run."""
    made = Nodes(rig, tmp_path, gateway)
    async with made.tailers[A], made.tailers[B]:
        for owner in (A, B):
            await made.start(owner)
        yield made


async def next_generation(watcher: Watcher, steps: int) -> list[int]:
    """Until a rewind and so many records after it; their steps."""
    await watcher.until("rewind")
    watcher.records.clear()
    return [record["step"] for record in await watcher.until_records(steps)]


async def test_a_job_that_is_requeued_elsewhere_and_comes_back(nodes: Nodes) -> None:
    """The owner's file is gone, so another one's counts: watchers go on with it."""
    async with watching(nodes.gateway) as watcher:
        await watcher.subscribe(sessionId="job", **{"from": "start"})
        append(nodes.files[A], lines(*range(5), node="a"))
        await watcher.until_records(5)
        for generation, (owner, other) in enumerate([(B, A), (A, B), (B, A)], 2):
            nodes.files[other].unlink()
            await nodes.until_owner("")
            append(nodes.files[owner], lines(*range(3, 9), node=f"{generation}"))
            assert await next_generation(watcher, 6) == [*range(3, 9)]
            assert await nodes.owner() == owner
            assert await nodes.generation() == generation

        async def is_settled() -> bool:
            return await nodes.rig.broker.claims.read() == []

        await eventually(is_settled)


async def test_an_owner_that_cannot_see_gives_nothing_up_and_loses_it(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory that is gone says nothing; but what is claimed must be seen."""
    append(nodes.files[A], lines(*range(5), node="a"))
    await nodes.until_owner(A)
    await wait_for_records(nodes.rig.broker, "job", texts(*range(5), node="a"))
    tree = nodes.files[A].parent
    tree.rename(tree.with_name("unmounted"))
    # It is not given up before we have looked.
    monkeypatch.setattr(claimant, "ANSWER_SECONDS", 3_600.0)
    async with watching(nodes.gateway) as watcher:
        await watcher.subscribe(sessionId="job")
        append(nodes.files[B], lines(*range(3, 9), node="b"))
        asked = await asked_once(nodes)
        assert (asked.owner, asked.claimant, asked.seen) == (A, B, "")
        assert await nodes.owner() == A
        monkeypatch.setattr(claimant, "ANSWER_SECONDS", 0.1)
        assert await next_generation(watcher, 6) == [*range(3, 9)]
    await nodes.until_owner(B)


async def asked_once(nodes: Nodes) -> Claim:
    """The first claim that is made."""
    found: list[Claim] = []

    async def is_made() -> bool:
        found.extend(await nodes.rig.broker.claims.read())
        return bool(found)

    await eventually(is_made)
    return found[0]


async def test_two_files_under_one_name_are_a_dispute(nodes: Nodes) -> None:
    """Nothing is rebuilt; watchers are told, later ones too, and when it is over."""
    append(nodes.files[A], lines(*range(5), node="a"))
    await nodes.until_owner(A)
    told = {"sessionId": "job", "owners": [A, B]}
    async with (
        watching(nodes.gateway) as named,
        watching(nodes.gateway) as broad,
        watching(nodes.gateway) as elsewhere,
        httpx.AsyncClient(base_url=nodes.gateway.url) as client,
    ):
        await named.subscribe(sessionId="job")
        await broad.subscribe()
        await elsewhere.subscribe(sessionId="other")
        append(nodes.files[B], lines(*range(3, 9), node="b"))
        await named.until("contested", **told)
        await broad.until("contested", **told)
        async with watching(nodes.gateway) as late:
            await late.subscribe(sessionIds=["j*"])
            await late.until("contested", **told)
            await late.send(type="snapshot", sessionId="job")
            assert (await late.until("snapshot"))["owners"] == [A, B]
            await late.send(type="sessions")
            assert (await late.until("sessions"))["sessions"][0]["contested"]
        for path in ("/api/sessions", "/api/sessions/job"):
            shown: Any = (await client.get(path)).json()
            shown = shown.get("sessions", [shown])[0]
            assert (shown["contested"], shown["owners"]) == (True, [A, B])
        metrics = (await client.get("/metrics")).text
        assert "tailcast_gateway_contested_sessions 1.0" in metrics
        # The owner's lines go on meanwhile.
        append(nodes.files[A], lines(5, node="a"))
        assert (await named.until("telemetry"))["data"][0]["node"] == "a"
        assert await nodes.generation() == 1
        nodes.files[B].unlink()
        await named.until("contested", sessionId="job", owners=[])
        assert "contested" not in (await client.get("/api/sessions/job")).json()
        # Nothing of it was for those who watch something else.
        await elsewhere.send(type="heartbeat")
        assert (await elsewhere.read())["type"] == "heartbeat"


async def test_a_dispute_ends_with_the_owners_file(nodes: Nodes) -> None:
    """The other one's file is then the only one."""
    append(nodes.files[A], lines(*range(5), node="a"))
    await nodes.until_owner(A)
    async with watching(nodes.gateway) as watcher:
        await watcher.subscribe(sessionId="job")
        append(nodes.files[B], lines(*range(3, 9), node="b"))
        await watcher.until("contested", owners=[A, B])
        nodes.files[A].unlink()
        assert await next_generation(watcher, 6) == [*range(3, 9)]
        await watcher.until("contested", owners=[])


def start(command: list[str]) -> "subprocess.Popen[bytes]":
    """A tailer as a process."""
    return subprocess.Popen(command)


async def test_an_owner_that_is_stopped_loses_what_it_is_asked_for(
    rig: Rig, tmp_path: Path, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its presence lasts, yet it answers nothing; awake again it takes nothing back."""
    monkeypatch.setattr(claimant, "ANSWER_SECONDS", 1.0)
    nodes = Nodes(rig, tmp_path, gateway)
    append(nodes.files[A], lines(*range(5), node="a"))
    command = [sys.executable, "-c", PROGRAM, rig.url, rig.prefix]
    log_dir = str(nodes.files[A].parent.parent)
    with start([*command, log_dir]) as stopped:
        try:
            await wait_for_records(rig.broker, "job", texts(*range(5), node="a"))
            its_name = await nodes.owner()
            stopped.send_signal(signal.SIGSTOP)
            async with nodes.tailers[B], watching(gateway) as watcher:
                await nodes.start(B)
                await watcher.subscribe(sessionId="job")
                append(nodes.files[B], lines(*range(3, 9), node="b"))
                assert await next_generation(watcher, 6) == [*range(3, 9)]
                stopped.send_signal(signal.SIGCONT)
                append(nodes.files[A], lines(5, node="a"))
                await watcher.until("contested", owners=[B, its_name])
                append(nodes.files[B], lines(9, node="b"))
                assert (await watcher.until("telemetry"))["data"][0]["step"] == 9
                assert await nodes.generation() == 2
        finally:
            stopped.send_signal(signal.SIGCONT)
            stopped.terminate()
            await asyncio.to_thread(stopped.wait)


async def test_one_file_that_two_machines_see(rig: Rig, tmp_path: Path) -> None:
    """As on a network file system: each line once, whoever appends, and no dispute."""
    path = session_path(tmp_path, "job")
    async with (
        running(rig.connect(), tmp_path, owner=A),
        running(rig.connect(), tmp_path, owner=B),
    ):
        for step in range(20):
            append(path, lines(step))
            await wait_for_records(rig.broker, "job", texts(*range(step + 1)))
        path.unlink()

        async def is_given_up() -> bool:
            state = await rig.broker.load("job")
            return state is not None and state.owner == ""

        await eventually(is_given_up)
        path.write_bytes(lines(50, 51))

        async def has_them() -> bool:
            return (await records_of(rig.broker, "job"))[20:] == texts(50, 51)

        await eventually(has_them)
        assert (await rig.broker.positions(["job"]))[0].generation == 2

        async def is_settled() -> bool:
            return await rig.broker.claims.read() == []

        await eventually(is_settled)


async def test_what_a_tailer_claims_that_is_gone_is_forgotten(nodes: Nodes) -> None:
    """Any other one sees to that."""
    await nodes.rig.broker.claims.ask(Claim("job", "gone:/logs", A, "t"))

    async def is_forgotten() -> bool:
        return await nodes.rig.broker.claims.read() == []

    await eventually(is_forgotten)


async def test_what_a_tailer_claimed_before_a_restart_is_forgotten(
    nodes: Nodes,
) -> None:
    """Or the session would be contested for good, with nobody who contests it."""
    claims = nodes.rig.broker.claims
    for owner in (A, B):
        claim = Claim("job", A, owner, "t", "t")
        await claims.ask(claim)
        await claims.answer(claim)

    async def is_forgotten() -> bool:
        return await claims.read() == []

    await eventually(is_forgotten)


async def test_a_file_that_is_written_anew_again_and_again_is_told(
    nodes: Nodes,
) -> None:
    """While what it holds waits, with its tailer alone; and when that is over."""
    async with watching(nodes.gateway) as watcher:
        await watcher.subscribe(sessionId="job", **{"from": "start"})
        nodes.files[A].write_bytes(lines(0, node="a"))
        await watcher.until_records(1)
        nodes.files[A].write_bytes(lines(10, node="a"))
        await watcher.until("rewind")
        nodes.files[A].write_bytes(lines(20, node="a"))
        await watcher.until("contested", owners=[A])
        async with httpx.AsyncClient(base_url=nodes.gateway.url) as client:
            answer = (await client.get("/api/sessions/job")).json()
        assert (answer["contested"], answer["owners"]) == (True, [A])
        await watcher.until("rewind")
        await watcher.until("contested", owners=[])
