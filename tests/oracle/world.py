"""Files, machines with tailers, a broker; and the law for all of it.

When all faults have ended, the stream of each file is what the file's valid lines are;
each line that still stands somewhere came once, in its order, or its reader was told
that it did not. A file that was only appended to has one generation, whatever its file
system and its broker did meanwhile.
"""

import asyncio
import contextvars
import json
import traceback
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
import structlog

from tailcast_streams.broker import SessionWriter
from tailcast_streams.entries import Entry, Rejection
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import BEFORE_ALL, EntryID
from tailcast_tailer import app
from tailcast_tailer.finding import hints
from tailcast_tailer.instruments import Instruments
from tailcast_tailer.options import Options
from tests.accidents.followers import told_of
from tests.accidents.ledger import Ledger, Session, Told, faults
from tests.oracle.files import Files, Kind
from tests.oracle.sink import Faults, Sink
from tests.oracle.view import MACHINE
from tests.tailer.harness import check_chain, entries_of, followed, rested_lines


_T = TypeVar("_T")

# Until everything must have been told, at least and at most; and until it is seen to
# rest.
LEAST_SETTLING_SECONDS = 45.0
MOST_SETTLING_SECONDS = 300.0
SETTLED_SECONDS = 70.0
LOOK_SECONDS = 7.0


class Machine:
    """A tailer's place: it comes and goes."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.faults = Faults()


class World(Files):
    """All that there is, and what was done to it."""

    def __init__(
        self,
        base: Path,
        kind: Kind,
        *,
        names_paths: bool = False,
        max_sessions: int = 100_000,
    ) -> None:
        """Prepare; `names_paths`: as `up DIR`, which goes by what files hold.

        The broker keeps no more than `max_sessions`.
        """
        super().__init__(base, kind)
        self._max_sessions = max_sessions
        self._paths = (str(self.directory),) if names_paths else ()
        self.broker = MemoryBroker()
        self._saved = self.broker.checkpoint()
        self.machines = [Machine(), Machine()]
        self.tailers: dict[int, app.Tailer] = {}
        self.defects: list[str] = []

    @contextmanager
    def ruled(self) -> Generator["World"]:
        """Its time and its files are those of all modules."""
        with pytest.MonkeyPatch.context() as monkeypatch:
            self.loop.rule_time(monkeypatch)
            self.view.install(monkeypatch)
            is_network = self.kind is Kind.NETWORK
            monkeypatch.setattr(app, "is_network", _always(is_network))
            if self.kind is not Kind.LOCAL:
                monkeypatch.setattr(hints.Hints, "_identities", _always({}))
            monkeypatch.setattr(Instruments, "defect", self._defect)
            before = structlog.get_config()
            structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
            try:
                yield self
            finally:
                for number in range(len(self.machines)):
                    self.kill(number)
                self.loop.close()
                structlog.configure(**before)

    def _defect(self, what: str, error: Exception) -> None:
        shown = traceback.format_exception(error)
        self.defects.append(f"{what}: {''.join(shown)}")

    # Tailers.

    def start(self, number: int = 0) -> None:
        """Start a tailer, unless it runs."""
        machine = self.machines[number]
        if machine.task is not None:
            return
        machine.faults = Faults()
        tailer = self.tailers[number] = app.Tailer(
            cast("SessionWriter", Sink(self.broker, machine.faults)),
            Options(
                log_dir=str(self.base),
                paths=self._paths,
                name=f"host{number}",
                max_sessions=self._max_sessions,
            ),
            clock=self.loop.time,
            wall_clock=self.loop.wall_time,
        )
        context = contextvars.copy_context()
        context.run(MACHINE.set, number)
        machine.task = self.loop.create_task(tailer.run(), context=context)

    def stop(self, number: int = 0) -> None:
        """End it in order."""
        machine = self.machines[number]
        task, machine.task = machine.task, None
        if task is not None:
            task.cancel()
            ended = asyncio.gather(task, return_exceptions=True)
            (error,) = self.loop.run_until_complete(ended)
            assert isinstance(error, asyncio.CancelledError), error

    def kill(self, number: int = 0) -> None:
        """Nothing of it reaches the broker any more."""
        self.machines[number].faults.is_cut = True
        self.stop(number)

    # The broker.

    def sink_faults(self, seconds: float, on: int = 0, **what: object) -> None:
        """Something is wrong with the broker for a while."""
        wrong = self.machines[on].faults
        for name, value in what.items():
            setattr(wrong, name, value)
        self._for_a_while(seconds, wrong.clear)

    def lose_replies(self, count: int, on: int = 0) -> None:
        """Appends have their effect, and fail."""
        self.machines[on].faults.lost_replies = count

    def remember(self) -> None:
        """What the broker has now is what it may fall back to."""
        self._saved = self.broker.checkpoint()

    def roll_back(self) -> None:
        """The broker forgets its latest."""
        self.broker.roll_back(self._saved)

    def wipe(self) -> None:
        """The broker forgets all."""
        self.broker.wipe()

    def delete(self, name: str, *, stream: bool) -> None:
        """Somebody deletes a key."""
        self.broker.delete(name, stream=stream, state=not stream)

    def expire(self, name: str) -> None:
        """Nothing of a session is left, as after its time."""
        self.broker.delete(name, stream=True, state=True)
        self._run(self.broker.unlist(name))

    def life_of(self, name: str) -> str:
        """The incarnation of a session's stream."""
        (position,) = self._run(self.broker.positions([name]))
        return position.incarnation

    # The law.

    def end(self) -> None:
        """All faults end, and what is to come comes; hold it against the law."""
        self.view.clear()
        self.loop.thread_seconds = 0.0
        for machine in self.machines:
            machine.faults.clear()
        self.start()
        self.settle(MOST_SETTLING_SECONDS)
        # Files whose last line went on are trusted again by who did not see it.
        self.stop()
        self.start()
        streams = self.settle(SETTLED_SECONDS)
        self.check(streams)
        self.pass_time(SETTLED_SECONDS)
        assert self.streams() == streams, "it does not rest"
        for number in range(len(self.machines)):
            self.stop(number)
        assert not self.view.open_now, "left open"
        assert not self.view.faults, self.view.faults
        assert not self.defects, self.defects

    def settle(self, seconds: float) -> dict[str, list[Entry]]:
        """Wait until all is as it must be, at most so long; what there is then."""
        until = self.loop.time() + seconds
        # What stands still for long enough may yet be taken for something else.
        self.pass_time(LEAST_SETTLING_SECONDS)
        while self.loop.time() < until:
            self.pass_time(LOOK_SECONDS)
            streams = self.streams()
            try:
                self.check(streams)
            except AssertionError:
                continue
            return streams
        return self.streams()

    def streams(self) -> dict[str, list[Entry]]:
        """All that is told now."""
        sessions = self._run(self.broker.sessions())
        return {name: self._run(entries_of(self.broker, name)) for name in sessions}

    def rejected(self, session: str) -> list[Rejection]:
        """The lines of a session that were rejected."""
        return self._run(self.broker.read_rejected(session, BEFORE_ALL, limit=1_000))

    def check(self, streams: dict[str, list[Entry]]) -> None:
        """The law."""
        for name, entries in streams.items():
            check_chain(entries)
            path = self.path(name)
            folder, _, below = name.rpartition("/")
            for after, before in self.renamed.items():
                if folder == before and not path.exists():
                    path = self.path(f"{after}/{below}")
            data = path.read_bytes() if path.exists() else b""
            if b"\n" in data.strip():
                # What was trimmed to make room is told to be missing.
                trimmed = entries[0].previous if entries else self._end_of(name)
                last = entries[-1].id.generation if entries else trimmed.generation
                begin = trimmed.offset if trimmed.generation == last else -1
                expected = [one for one in rested_lines(data) if one[0] > begin]
                assert followed(entries, last) == expected, name
            if path not in self.rewritten:
                assert {one.id.generation for one in entries} <= {1}, name
        told = {
            name: Session(str(self.path(name)), _told(entries))
            for name, entries in streams.items()
        }
        found = faults(self._ledger(streams), told)
        assert not found, [str(one) for one in found]

    def _end_of(self, session: str) -> EntryID:
        state = self._run(self.broker.load(session))
        return BEFORE_ALL if state is None else state.position.stream_last_id

    def _ledger(self, streams: dict[str, list[Entry]]) -> Ledger:
        emptied = {
            self.path(name)
            for name, entries in streams.items()
            if not entries and self._end_of(name) != BEFORE_ALL
        } | self._out(streams)
        standing = {
            text
            for path in self.directory.rglob("*")
            if path.is_file() and path.suffix != ".tmp"
            if path not in emptied and self._is_due(path)
            for _, text in rested_lines(path.read_bytes())
        }
        ledger = Ledger()
        for copy in self.copies:
            ledger.wrote(
                copy.name, [text for _, text in rested_lines(copy.read_bytes())]
            )
        for text, source in self.written.items():
            ledger.wrote(source, [text], is_due=text in standing)
        return ledger

    def _out(self, streams: dict[str, list[Entry]]) -> set[Path]:
        """Files whose sessions are not kept: only as many as there is no room for.

        Each of them was written before all that are kept.
        """
        assert len(streams) <= self._max_sessions
        if len(streams) < self._max_sessions:
            return set()
        files = set(self.directory.rglob("*.jsonl"))
        kept = files & {self.path(name) for name in streams}
        out = files - kept
        last = max((path.stat().st_mtime_ns for path in out), default=0)
        assert last <= min(path.stat().st_mtime_ns for path in kept)
        return out

    def _is_due(self, path: Path) -> bool:
        """Whether what stands in a file must have come."""
        if path.suffix == ".jsonl":
            return True
        # The past of a path is told while something has that path; below a directory
        # that was named, with its first line. Until then the sources say that it waits.
        file = path.with_name(path.name.partition(".jsonl")[0] + ".jsonl")
        has_line = file.exists() and bool(rested_lines(file.read_bytes()))
        return has_line if self._paths else file.exists()

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return self.loop.run_until_complete(work)


MakeWorld = Callable[..., World]


def steps(world: World, session: str = "a") -> list[int]:
    """The steps that are in a stream, in order."""
    entries = world.streams().get(session, [])
    return [json.loads(entry.record)["step"] for entry in entries if entry.record]


def generations(world: World, session: str = "a") -> set[int]:
    """The generations that are in a stream."""
    return {entry.id.generation for entry in world.streams().get(session, [])}


def _told(entries: list[Entry]) -> list[Told]:
    """What a reader is told that begins at the beginning."""
    is_trimmed = bool(entries) and entries[0].previous != BEFORE_ALL
    beginning = [Told(is_loss=True)] if is_trimmed else []
    return beginning + [told_of(one) for one in entries]


def _always(answer: object) -> Callable[[object], object]:
    """What gives this answer to whatever it is asked."""

    def give(_asked: object) -> object:
        return answer

    return give
