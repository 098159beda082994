"""One run: write, break, wait until everybody has everything, compare."""

import asyncio
import random
import time
from dataclasses import dataclass, field

from tests.checker.clients import ResumingClient
from tests.checker.faults import Faults
from tests.checker.stack import ProcessStack
from tests.checker.writers import Writer


# How long after the last fault a client may take to have everything, seconds.
PATIENCE = 120.0


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What a run found; it passed if there are no failures."""

    seed: int
    failures: list[str] = field(default_factory=list[str])
    faults: list[str] = field(default_factory=list[str])
    records: int = 0
    connections: int = 0
    longest_silence: float = 0.0
    settled_after: float = 0.0

    def __str__(self) -> str:
        state = "\n  ".join(["FAILED", *self.failures[:20]]) if self.failures else "ok"
        return (
            f"seed {self.seed}: {self.records} records,"
            f" {self.connections} connections, {len(self.faults)} faults;"
            f" longest silence {self.longest_silence:.1f} s,"
            f" settled {self.settled_after:.1f} s after the last fault: {state}"
        )


async def check(
    stack: ProcessStack,
    *,
    seed: int,
    seconds: float,
    sessions: int = 3,
    clients: int = 4,
) -> Verdict:
    """Run writers, clients and faults for so long, then compare."""
    chance = random.Random(seed)
    await stack.start()
    writers = [
        Writer(stack.telemetry / f"session_{n}.jsonl", _child(chance))
        for n in range(sessions)
    ]
    followers = [
        ResumingClient(
            stack.urls,
            _child(chance),
            session=writers[n % sessions].session if n % 2 else None,
        )
        for n in range(clients)
    ]
    faults = Faults(stack, _child(chance))
    verdict = Verdict(seed=seed, faults=faults.done)
    async with asyncio.TaskGroup() as tasks:
        following = [tasks.create_task(client.run()) for client in followers]
        await _write_and_break(writers, faults, seconds)
        await _settle(writers, followers, verdict)
        for task in following:
            task.cancel()
    return _judged(verdict, writers, followers)


def _child(chance: random.Random) -> random.Random:
    return random.Random(chance.random())


async def _write_and_break(
    writers: list[Writer], faults: Faults, seconds: float
) -> None:
    stopped = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for writer in writers:
            tasks.create_task(writer.run(stopped))
        tasks.create_task(faults.run(stopped))
        await asyncio.sleep(seconds)
        stopped.set()


async def _settle(
    writers: list[Writer], followers: list[ResumingClient], verdict: Verdict
) -> None:
    """Wait until every client has as many records as were written."""
    start = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE):
            while not all(_has_all(client, writers) for client in followers):
                await asyncio.sleep(0.1)
    except TimeoutError:
        verdict.failures.append(f"not settled after {PATIENCE:.0f} s")
    verdict.settled_after = time.monotonic() - start


def _has_all(client: ResumingClient, writers: list[Writer]) -> bool:
    return all(
        len(client.records[writer.session]) >= len(writer.records)
        for writer in writers
        if client.session in (None, writer.session)
    )


def _judged(
    verdict: Verdict, writers: list[Writer], followers: list[ResumingClient]
) -> Verdict:
    verdict.records = sum(len(writer.records) for writer in writers)
    for number, client in enumerate(followers):
        verdict.connections += client.connections
        verdict.longest_silence = max(verdict.longest_silence, client.longest_silence)
        verdict.failures += [
            f"client {number}: {complaint}" for complaint in client.complaints
        ]
        for writer in writers:
            if client.session in (None, writer.session):
                difference = compare(writer.records, client.records[writer.session])
                if difference:
                    verdict.failures.append(
                        f"client {number}, {writer.session}: {difference}"
                    )
    return verdict


def compare(
    written: list[dict[str, object]], received: list[dict[str, object]]
) -> str | None:
    """What is wrong with what was received, None if nothing."""
    if written == received:
        return None
    steps = [record["step"] for record in received]
    for index, record in enumerate(written):
        if index >= len(received):
            return f"ends at {index} of {len(written)} records"
        if received[index] != record:
            around = steps[max(0, index - 2) : index + 3]
            return f"record {index} is step {steps[index]} (around it: {around})"
    return (
        f"{len(received) - len(written)} records too many: {steps[len(written) :][:5]}"
    )
