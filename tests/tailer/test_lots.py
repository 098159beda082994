"""Files that grow are looked at in the loop, and appended together: that is all."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Generic, TypeVar

import pytest

from tailcast_streams.exceptions import (
    BrokerError,
    BrokerFull,
    BrokerUnavailable,
    BrokerUnwilling,
)
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.redis.broker import RedisBroker
from tailcast_streams.session_state import Appended, Batch
from tailcast_tailer.app import Tailer
from tailcast_tailer.core.watches import Notification, Observed, Watches
from tailcast_tailer.files import devices, kept_bytes
from tailcast_tailer.finding.inotify import has_inotify
from tests.brokers import BrokerServer
from tests.tailer.harness import (
    Broker as AnyBroker,
    append,
    entries_of,
    eventually,
    generation_of,
    lines,
    records_of,
    running,
    session_path,
    texts,
    wait_for_records,
)


# A file of which so many lines were read has bytes before the place that all of its
# proofs are of.
BEFORE = 200
NAMES = ("a", "b", "c", "d")

pytestmark = pytest.mark.skipif(not has_inotify(), reason="which devices are local")


_B = TypeVar("_B", bound=AnyBroker)


class Broker(MemoryBroker):
    """A broker to which something happens when a lot comes."""

    def __init__(self) -> None:
        super().__init__()
        # The sessions of each lot that came.
        self.lots: list[list[str]] = []
        # What happens before the next lot is appended, and what becomes of it.
        self.before: Callable[[], object] | None = None
        self.fails: BrokerError | None = None
        self.loses_answer = False
        # What a session of the next lot is refused with, and nobody else.
        self.refused: dict[str, BrokerError] = {}

    async def append_all(
        self, batches: Sequence[Batch]
    ) -> Sequence[Appended | BrokerError]:
        self.lots.append([batch.session for batch in batches])
        before, self.before = self.before, None
        if before is not None:
            before()
        fails, self.fails = self.fails, None
        if fails is not None and not self.loses_answer:
            raise fails
        refused, self.refused = self.refused, {}
        outcomes: list[Appended | BrokerError] = []
        for batch in batches:
            if batch.session in refused:
                outcomes.append(refused[batch.session])
            else:
                outcomes.append(await self.append(batch))
        if fails is not None:
            raise fails
        return outcomes


def looks(tailer: Tailer, by: str) -> float:
    """How many looks the loop made, or threads."""
    found = tailer.instruments.registry.get_sample_value(
        "tailcast_tailer_looks_total", {"by": by}
    )
    return found or 0.0


class Live(Generic[_B]):
    """Files that grow, line by line, and a tailer."""

    def __init__(self, broker: _B, directory: Path, tailer: Tailer) -> None:
        self.broker = broker
        self.tailer = tailer
        self._paths = {name: session_path(directory, name) for name in NAMES}
        self._steps: dict[str, int] = dict.fromkeys(NAMES, BEFORE)

    def path(self, name: str) -> Path:
        """Where a session's file is."""
        return self._paths[name]

    def write(self, *names: str, count: int = 1) -> None:
        """Each of these gets lines."""
        for name in names:
            step = self._steps[name]
            append(self._paths[name], lines(*range(step, step + count)))
            self._steps[name] = step + count

    async def until_told(self) -> None:
        """All lines are there once, in order, in one generation."""
        for name in NAMES:
            entries = await wait_for_records(
                self.broker, name, texts(*range(self._steps[name]))
            )
            assert {entry.id.generation for entry in entries} == {1}


def growing(tmp_path: Path) -> AbstractAsyncContextManager[Live[Broker]]:
    """Such files, and a broker to which things happen."""
    return growing_for(Broker(), tmp_path)


@asynccontextmanager
async def growing_for(broker: _B, tmp_path: Path) -> AsyncGenerator[Live[_B]]:
    """Files that are read up to their ends, and grow as those of running jobs do."""
    for name in NAMES:
        session_path(tmp_path, name).write_bytes(lines(*range(BEFORE)))
    async with running(broker, tmp_path) as tailer:
        live = Live(broker, tmp_path, tailer)
        await live.until_told()

        async def hints_work() -> bool:
            return tailer.pipeline.hints.are_working

        await eventually(hints_work)
        yield live
        assert not tailer.instruments.registry.get_sample_value(
            "tailcast_tailer_defects_total"
        )


async def test_files_that_grow_need_no_thread(tmp_path: Path) -> None:
    """What moved is taken together, and what moves meanwhile comes next."""
    async with growing(tmp_path) as live:
        by_threads = looks(live.tailer, "thread")
        is_under_way = asyncio.Event()

        def write_meanwhile() -> None:
            live.write(*NAMES)
            is_under_way.set()

        live.broker.before = write_meanwhile
        live.write(*NAMES)
        await is_under_way.wait()
        await live.until_told()
        assert looks(live.tailer, "thread") == by_threads
        assert max(map(len, live.broker.lots)) == len(NAMES)
        for _ in range(20):
            live.write("a", "b")
            await live.until_told()
        assert looks(live.tailer, "thread") == by_threads


async def test_only_what_needs_no_decision_goes_so(tmp_path: Path) -> None:
    """Half a line, one that is none, and many at once are taken as ever."""
    async with growing(tmp_path) as live:
        append(live.path("a"), b'{"step"')
        live.write("b", count=5_000)
        append(live.path("c"), b"no record\n")
        await live.until_told()
        append(live.path("a"), b':"x"}\n')

        async def has_both() -> bool:
            last = (await records_of(live.broker, "a"))[-1]
            return last == b'{"step":"x"}' and len(live.broker.rejections("c")) == 1

        await eventually(has_both)


def _cut(path: Path) -> None:
    path.write_bytes(lines(7))


def _rotate(path: Path) -> None:
    path.rename(path.with_name(path.name + ".1"))
    path.write_bytes(lines(7))


def _replace(path: Path) -> None:
    new = path.with_name("new")
    new.write_bytes(lines(*range(-300, 0)))
    new.rename(path)


def _rewrite(path: Path) -> None:
    """As long as it was, with other first bytes."""
    data = path.read_bytes()
    path.write_bytes(lines(9) + data[len(lines(9)) :])


def _remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("change", "behind"),
    [
        (_cut, texts(7)),
        (_rotate, texts(7)),
        (_replace, texts(*range(-300, 0))),
        (_rewrite, texts(9, *range(1, BEFORE + 1))),
        (_remove, []),
    ],
)
async def test_what_happens_to_a_file_between_its_look_and_its_append(
    tmp_path: Path, change: Callable[[Path], None], behind: list[bytes]
) -> None:
    """What was looked at is appended, and what comes then is found by the next look."""
    async with growing(tmp_path) as live:
        path = live.path("a")
        live.broker.before = lambda: change(path)
        live.write(*NAMES)

        async def has_told() -> bool:
            records = await records_of(live.broker, "a")
            return records == [*texts(*range(BEFORE + 1)), *behind]

        await eventually(has_told)
        entries = await entries_of(live.broker, "a")
        assert len(generation_of(entries, 1)) == BEFORE + 2
        for name in "bcd":
            await wait_for_records(live.broker, name, texts(*range(BEFORE + 1)))


@pytest.mark.parametrize(
    "error",
    [
        BrokerFull("OOM", code="OOM"),
        BrokerUnwilling("READONLY", code="READONLY"),
        BrokerUnwilling("MISCONF", code="MISCONF"),
        BrokerUnavailable("BUSY", code="BUSY"),
    ],
    ids=lambda error: error.code,
)
async def test_one_that_is_refused_in_the_midst_of_a_lot(
    tmp_path: Path, error: BrokerError
) -> None:
    """The others are appended, and it comes when it can."""
    async with growing(tmp_path) as live:
        live.broker.refused = {"b": error}
        live.write(*NAMES)
        await live.until_told()
        live.write(*NAMES)
        await live.until_told()


@pytest.mark.parametrize("loses_answer", [False, True])
async def test_a_lot_of_which_nothing_is_known(
    tmp_path: Path, *, loses_answer: bool
) -> None:
    """The connection is lost before it was carried out, or after."""
    async with growing(tmp_path) as live:
        live.broker.loses_answer = loses_answer
        for _ in range(3):
            live.broker.fails = BrokerUnavailable("it hung up")
            live.write(*NAMES)
            await live.until_told()


async def test_connections_that_break_all_the_time(
    own_broker: BrokerServer, tmp_path: Path
) -> None:
    """Wherever a lot is then: on its way, or its answer."""
    async with (
        aclosing(RedisBroker(own_broker.url)) as adapter,
        aclosing(RedisBroker(own_broker.url)) as reader,
        growing_for(adapter, tmp_path) as live,
    ):

        def made() -> float:
            return looks(live.tailer, "loop") + looks(live.tailer, "thread")

        with own_broker.client() as client:
            for _ in range(20):
                before = made()
                live.write(*NAMES)

                async def has_looked(before: float = before) -> bool:
                    return made() > before

                await eventually(has_looked)
                client.client_kill_filter(_type="normal", skipme=True)
        # Whose connections are whole: it connects only now.
        live.broker = reader
        await live.until_told()


async def test_a_tailer_that_is_ended_in_the_midst_of_a_lot(tmp_path: Path) -> None:
    """The next one goes on where the broker is."""
    async with growing(tmp_path) as live:
        ends = asyncio.Event()
        live.broker.before = ends.set
        live.write(*NAMES)
        await ends.wait()
    async with running(live.broker, tmp_path):
        await live.until_told()


async def test_a_device_that_takes_its_time_is_left_to_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is counted, and holds up the loop no more, for a while."""
    async with growing(tmp_path) as live:
        names = {
            name: getattr(os, name) for name in dir(os) if not name.startswith("_")
        }

        def read_slowly(descriptor: int, size: int, offset: int) -> bytes:
            time.sleep(devices.PROMPT_SECONDS)
            return os.pread(descriptor, size, offset)

        slow_os = SimpleNamespace(**names | {"pread": read_slowly})
        monkeypatch.setattr(kept_bytes, "os", slow_os)
        live.write("a")
        await live.until_told()
        monkeypatch.undo()
        by_loop, by_threads = looks(live.tailer, "loop"), looks(live.tailer, "thread")
        live.write(*NAMES)
        await live.until_told()
        assert looks(live.tailer, "loop") == by_loop
        assert looks(live.tailer, "thread") >= by_threads + len(NAMES)
        slow = live.tailer.instruments.registry.get_sample_value(
            "tailcast_tailer_slow_looks_total"
        )
        assert slow


def _doubled(some: list[Notification]) -> list[Notification]:
    return [one for one in some for _ in range(2)]


def _reversed(some: list[Notification]) -> list[Notification]:
    return some[::-1]


def _half(some: list[Notification]) -> list[Notification]:
    return some[::2]


def _none(some: list[Notification]) -> list[Notification]:
    del some
    return []


@pytest.mark.parametrize("heard", [_doubled, _reversed, _half, _none])
async def test_notifications_are_hints(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    heard: Callable[[list[Notification]], list[Notification]],
) -> None:
    """Whatever comes of them, each line comes once."""
    async with growing(tmp_path) as live:
        take = Watches.take

        def otherwise(self: Watches, some: Iterable[Notification]) -> Observed:
            return take(self, heard([*some]))

        monkeypatch.setattr(Watches, "take", otherwise)
        for _ in range(5):
            live.write(*NAMES)
            await live.until_told()


async def test_after_an_overflow_all_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a queue that was full nothing is believed."""
    async with growing(tmp_path) as live:
        take = Watches.take

        def overflowed(self: Watches, some: Iterable[Notification]) -> Observed:
            monkeypatch.setattr(Watches, "take", take)
            del some
            return take(self, [Notification(-1, 0x4000, "")])

        monkeypatch.setattr(Watches, "take", overflowed)
        live.write(*NAMES)
        await live.until_told()
        lost = live.tailer.instruments.registry.get_sample_value(
            "tailcast_tailer_hints_lost_total"
        )
        assert lost == 1.0
