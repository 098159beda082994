"""A line over which something fails unforeseen stops neither file nor session."""

from collections.abc import Collection
from pathlib import Path

import pytest

from tailcast_streams.entries import Kind
from tailcast_streams.exceptions import BrokerUnavailable
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.session_state import Appended, Batch
from tailcast_tailer.app import Tailer
from tests.tailer.harness import (
    append,
    entries_of,
    eventually,
    generation_of,
    line,
    lines,
    running,
    session_path,
    texts,
    wait_for_records,
)
from tests.tailer.single import Clock, Single


class Choking(MemoryBroker):
    """An adapter that fails over some records, in ways of its own."""

    def __init__(self, poison: Collection[bytes]) -> None:
        super().__init__()
        self.poison = frozenset(poison)
        # How many batches it took, and how many it did not.
        self.taken = self.refused = 0
        # Whether it fails over everything.
        self.is_broken = False

    async def append(self, batch: Batch) -> Appended:
        records = {entry.record for entry in batch.entries}
        if self.is_broken or self.poison & records:
            self.refused += 1
            raise ValueError("cannot encode this")
        self.taken += 1
        return await super().append(batch)


def counted(tailer: Tailer, name: str) -> float:
    """What a counter says."""
    value = tailer.instruments.registry.get_sample_value(
        f"tailcast_tailer_{name}_total"
    )
    assert value is not None
    return value


async def test_what_follows_a_line_that_cannot_be_appended_goes_on(
    tmp_path: Path,
) -> None:
    """Each line is there once: as a record, or as a rejection that says why."""
    count = 2_500
    bad = (0, 1, 7, 1_203, 1_204, 1_999, count - 1)
    broker = Choking(texts(*bad))
    path = session_path(tmp_path, "a")
    path.write_bytes(b"\n" + lines(*range(count)))
    good = [step for step in range(count) if step not in bad]
    async with running(broker, tmp_path) as tailer:
        await wait_for_records(broker, "a", texts(*good))

        async def has_rejected() -> bool:
            return len(broker.rejections("a")) == len(bad)

        await eventually(has_rejected)
        append(path, lines(count))
        await wait_for_records(broker, "a", [*texts(*good), *texts(count)])
        assert counted(tailer, "rejections") == len(bad)
        assert counted(tailer, "narrowed") == broker.refused > 0
        assert counted(tailer, "defects") == 0
    ends = [1 + len(lines(*range(step + 1))) for step in bad]
    assert [id.offset for id, _ in broker.rejections("a")] == ends
    for step, (_, rejection) in zip(bad, broker.rejections("a"), strict=True):
        assert rejection.reason == "could not be taken: ValueError: cannot encode this"
        assert rejection.head == line(step).strip()
        assert rejection.length == len(line(step)) - 1
    # By halves, and then many lines at once again.
    assert broker.refused < 15 * len(bad)
    assert broker.taken < 20 * len(bad)


async def test_the_first_line_of_a_file_written_anew_may_be_at_fault(
    tmp_path: Path,
) -> None:
    """The generation begins all the same."""
    broker = Choking(texts(100))
    path = session_path(tmp_path, "a")
    path.write_bytes(lines(*range(20)))
    async with running(broker, tmp_path):
        await wait_for_records(broker, "a", texts(*range(20)))
        path.write_bytes(lines(100, 101))
        entries = await wait_for_records(broker, "a", texts(*range(20), 101))
    marker, record = generation_of(entries, 2)
    assert marker.kind is Kind.MARKER
    assert record.previous == marker.id == (2, 0)
    assert [id for id, _ in broker.rejections("a")] == [(2, len(line(100)))]


async def test_what_is_no_lines_fault_rejects_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a defect, tried again; what it held up is appended when it is over."""
    monkeypatch.setattr("tailcast_tailer.pipeline.DEFECT_SECONDS", 0.02)
    broker = Choking(())
    path = session_path(tmp_path, "a")
    path.write_bytes(lines(*range(50)))
    async with running(broker, tmp_path) as tailer:
        await wait_for_records(broker, "a", texts(*range(50)))
        broker.is_broken = True
        append(path, lines(*range(50, 60)))

        async def is_told() -> bool:
            return counted(tailer, "defects") > 2

        await eventually(is_told)
        broker.is_broken = False
        await wait_for_records(broker, "a", texts(*range(60)))
    assert not broker.rejections("a")


async def test_lines_that_are_too_deep_are_rejected_visibly(tmp_path: Path) -> None:
    """Whatever their depth: what follows them comes, and its step is known."""
    broker = MemoryBroker()
    depths = [101, 128, *range(960, 990), 5_000, 100_000]
    path = session_path(tmp_path, "a")
    with path.open("wb") as file:
        for depth in depths:
            tree = b'{"c":' * (depth - 1) + b"1" + b"}" * (depth - 1)
            file.write(line(0) + b'{"step":1,"tree":%b}\n' % tree + line(2))
    async with running(broker, tmp_path) as tailer:

        async def has_all() -> bool:
            state = await broker.load("a")
            return state is not None and state.records == 2 * len(depths)

        await eventually(has_all)
        assert counted(tailer, "rejections") == len(depths)
        assert counted(tailer, "defects") == 0
    state = await broker.load("a")
    assert state is not None
    assert state.rejected == len(depths)
    reasons = {rejection.reason for _, rejection in broker.rejections("a")}
    assert reasons == {"nested too deeply: more than 100 levels"}
    assert len(await entries_of(broker, "a")) == 2 * len(depths) + 1


async def test_what_is_mended_is_the_same_when_it_is_read_again(tmp_path: Path) -> None:
    """P6: bytes and digests, and so cursors; only tokens differ from the file."""
    broker = MemoryBroker()
    written = (
        b'{"step":1,"loss":NaN,"lr":1.10,"x":1e22,"z":-0 ,"a":1,"a":2}',
        b'{"step":2,"seed":340282366920938463463374607431768211456,"x":-Infinity}',
        b'{"step":3,"n":1e400, "p":3.14159265358979323846264338}',
    )
    stored = [
        written[0].replace(b"NaN", b'"NaN"'),
        written[1].replace(b"-Infinity", b'"-Infinity"'),
        written[2].replace(b"1e400", b'"Infinity"'),
    ]
    path = session_path(tmp_path, "a")
    path.write_bytes(b"".join(text + b"\n" for text in written))
    async with running(broker, tmp_path, audit_interval=0.05):
        before = await wait_for_records(broker, "a", stored)
        broker.wipe()
        after = await wait_for_records(broker, "a", stored)
    assert [entry.cursor for entry in before] == [entry.cursor for entry in after]
    ends = [len(b"\n".join(written[: at + 1])) + 1 for at in range(len(written))]
    assert [entry.id.offset for entry in after] == [0, *ends]


async def test_the_first_lines_of_a_new_file_are_news_though_the_broker_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody could append yet was never known, and is no history."""
    broker, path = MemoryBroker(), tmp_path / "a.jsonl"
    append(path, lines(1))
    tailer = Single(broker, path, Clock(), was_there_at_start=False)
    with monkeypatch.context() as failing:
        failing.setattr(broker, "bear", failing_call)
        with pytest.raises(BrokerUnavailable):
            await tailer.follower.turn()
    # As after each failure.
    tailer.follower.reload_state()
    await tailer.settle()
    state = await broker.load("a")
    assert state is not None
    assert (state.records, state.backlog_end) == (1, 0)


async def failing_call(*_args: object, **_options: object) -> None:
    """The broker is away."""
    raise BrokerUnavailable("away")
