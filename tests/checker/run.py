"""One run: write, break, wait until everybody has everything, compare."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.checker.clients import Record, ResumingClient
from tests.checker.faults import Faults, Plan
from tests.checker.meaning import Unanswered, find_errors
from tests.checker.outages import Stack
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
    # How often a file was cut back to a checkpoint.
    cuts: int = 0
    connections: int = 0
    # How connections ended that clients did not end, by close code.
    closes: Counter[int] = field(default_factory=Counter[int])
    # Handshakes that were answered otherwise, by HTTP status.
    refusals: Counter[int] = field(default_factory=Counter[int])
    # When clients were closed by a draining gateway, in order; monotonic seconds.
    drained_at: list[float] = field(default_factory=list[float])
    longest_silence: float = 0.0
    settled_after: float = 0.0

    def __str__(self) -> str:
        state = "\n  ".join(["FAILED", *self.failures[:20]]) if self.failures else "ok"
        return (
            f"seed {self.seed}: {self.records} records, {self.cuts} cuts,"
            f" {self.connections} connections, {len(self.faults)} faults;"
            f" closes {dict(self.closes)}, refusals {dict(self.refusals)};"
            f" longest silence {self.longest_silence:.1f} s,"
            f" settled {self.settled_after:.1f} s after the last fault: {state}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Who writes and who follows."""

    sessions: int = 3
    clients: int = 4
    # The mean time between two appends to a file, seconds.
    pause_seconds: float = 0.02
    # How likely it is that a file is cut back to a checkpoint before one of them.
    cuts: float = 0.0
    # How long clients stay before they leave by themselves, seconds.
    stay_seconds: tuple[float, float] = (1.0, 20.0)


async def check(
    stack: Stack,
    *,
    seed: int,
    seconds: float,
    load: Load | None = None,
    plan: Plan | None = None,
) -> Verdict:
    """Run writers and clients while the plan is carried out, then compare.

    Without a plan it is faults by chance for so many seconds; with one the load lasts
    as long as the plan, and so many seconds at least.
    """
    load = load or Load()
    chance = random.Random(seed)
    await stack.start()
    writers = [
        Writer(
            stack.telemetry / f"session_{seed}_{n}.jsonl",
            _child(chance),
            pause_seconds=load.pause_seconds,
            cuts=load.cuts,
        )
        for n in range(load.sessions)
    ]
    followers = _followers(stack, writers, load, chance)
    plan = plan or Faults(stack, _child(chance), seconds=seconds)
    verdict = Verdict(seed=seed, faults=plan.done)
    async with asyncio.TaskGroup() as tasks:
        following = [tasks.create_task(client.run()) for client in followers]
        await _write_and_break(writers, plan, seconds)
        await _settle(stack, writers, followers, verdict)
        for task in following:
            task.cancel()
    verdict.failures += plan.complaints
    return _judged(verdict, writers, followers)


def _child(chance: random.Random) -> random.Random:
    return random.Random(chance.random())


def _followers(
    stack: Stack, writers: list[Writer], load: Load, chance: random.Random
) -> list[ResumingClient]:
    """Every other one follows one session, the rest all."""
    written = {writer.session: writer.records for writer in writers}
    return [
        ResumingClient(
            stack.urls,
            _child(chance),
            written=written,
            are_cut=load.cuts > 0,
            session=writers[n % len(writers)].session if n % 2 else None,
            stay_seconds=load.stay_seconds,
        )
        for n in range(load.clients)
    ]


async def _write_and_break(writers: list[Writer], plan: Plan, seconds: float) -> None:
    stopped = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for writer in writers:
            tasks.create_task(writer.run(stopped))
        await asyncio.gather(plan.run(), asyncio.sleep(seconds))
        stopped.set()


async def _settle(
    stack: Stack,
    writers: list[Writer],
    followers: list[ResumingClient],
    verdict: Verdict,
) -> None:
    """Wait until every client has the last record of each file, and all agree.

    What gateways say of whole sessions is right at once, or not said yet.
    """
    start = time.monotonic()
    contradiction = ""
    try:
        async with asyncio.timeout(PATIENCE):
            while not all(_has_all(client, writers) for client in followers):
                await asyncio.sleep(0.1)
            while contradiction := await asyncio.to_thread(stack.contradiction):
                await asyncio.sleep(0.1)
            while contradiction := await _look_at_answers(stack, writers, verdict):
                await asyncio.sleep(0.1)
    except TimeoutError:
        reason = contradiction or "clients lack records"
        verdict.failures.append(f"not settled after {PATIENCE:.0f} s: {reason}")
    verdict.settled_after = time.monotonic() - start


async def _look_at_answers(
    stack: Stack, writers: list[Writer], verdict: Verdict
) -> str:
    """Note what gateways say that is not so; why one says nothing, "" if all do."""
    written = {writer.session: writer.records for writer in writers if writer.records}

    def look() -> list[str]:
        if not stack.is_indexed:
            return []
        return list(find_errors(stack.urls, written))

    try:
        verdict.failures += await asyncio.to_thread(look)
    except Unanswered as error:
        return str(error)
    return ""


def _has_all(client: ResumingClient, writers: list[Writer]) -> bool:
    """Whether it is at the end of each file: of one that was cut it may have more."""
    return all(
        client.records[writer.session][-1:] == writer.records[-1:]
        for writer in writers
        if client.session in (None, writer.session)
    )


def _judged(
    verdict: Verdict, writers: list[Writer], followers: list[ResumingClient]
) -> Verdict:
    verdict.records = sum(len(writer.records) for writer in writers)
    verdict.cuts = sum(writer.cuts for writer in writers)
    for number, client in enumerate(followers):
        _note_connections(verdict, client)
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
    verdict.drained_at.sort()
    return verdict


def _note_connections(verdict: Verdict, client: ResumingClient) -> None:
    verdict.connections += client.connections
    verdict.closes += client.closes
    verdict.refusals += client.refusals
    verdict.drained_at += client.drained_at
    verdict.longest_silence = max(verdict.longest_silence, client.longest_silence)


def compare(written: list[Record], received: list[Record]) -> str | None:
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
