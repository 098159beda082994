"""Tailers that follow while accidents happen, and what the readers of them are told."""

import abc
import asyncio
import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from tailcast_streams.entries import Entry, Kind
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import BEFORE_ALL, EntryID
from tailcast_streams.redis.broker import RedisBroker
from tailcast_tailer.app import Tailer
from tailcast_tailer.appending import session_bound
from tailcast_tailer.options import Options
from tailcast_tailer.upkeep import sessions as upkeep
from tests.accidents.ledger import Rejected, Session, Told
from tests.patience import PATIENCE_SECONDS


_T = TypeVar("_T")

PAGE = 5_000
PROGRAM = """
from tailcast_service.start import begin
begin()
from tailcast_tailer.app import run
from tailcast_tailer.settings import TailerSettings
run(TailerSettings.load(log_level="error"))
"""
# What a superuser must not be allowed, so that permissions count.
NO_OVERRIDE = "-dac_override,-dac_read_search"


class Way(StrEnum):
    """How a tailer is told what to watch."""

    LOG_DIR = "log-dir"
    UP = "up"
    # As the first one, where a network file system shows what happens elsewhere.
    REMOTE = "remote"


@dataclass(frozen=True, slots=True)
class Watched:
    """What a tailer watches: directories below one, in one of the ways."""

    way: Way
    base: Path
    directories: Sequence[str]
    # How many sessions the broker keeps, of which any may go; None: as is usual.
    max_sessions: int | None = None

    @property
    def patterns(self) -> tuple[str, ...]:
        """The telemetry patterns of the way."""
        return tuple(f"{name}/**/*.jsonl" for name in self.directories)

    @property
    def paths(self) -> tuple[str, ...]:
        """What is named to `up`; nothing in the other way."""
        if self.way is not Way.UP:
            return ()
        return tuple(str(self.base / name) for name in self.directories)


class Follower(abc.ABC):
    """Whoever follows the files of one stage; the same over restarts."""

    @abc.abstractmethod
    def start(self, watched: Watched) -> None:
        """Begin to follow, with all that is known from before."""

    @abc.abstractmethod
    def stop(self) -> None:
        """End in order; nothing happens if it does not run."""

    @abc.abstractmethod
    def kill(self) -> None:
        """End by SIGKILL."""

    @abc.abstractmethod
    def told(self) -> dict[str, Session]:
        """What was told so far, by session."""

    @abc.abstractmethod
    def documents(self) -> dict[str, list[bytes]]:
        """Which documents were told so far, by the name of their file."""

    @abc.abstractmethod
    def close(self) -> None:
        """Leave nothing behind."""


class BrokerFollower(Follower):
    """A tailer before a real broker, under a prefix of its own."""

    def __init__(self, url: str, prefix: str) -> None:
        self.url = url
        self.prefix = prefix
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=prefix)
        self._thread.start()
        self._reader = RedisBroker(url, key_prefix=prefix)
        self._sessions: dict[str, Session] = {}
        self._documents: defaultdict[str, list[bytes]] = defaultdict(list)
        # How far each stream was read.
        self._read: defaultdict[str, EntryID] = defaultdict(lambda: BEFORE_ALL)
        self._read_rejected: defaultdict[str, EntryID] = defaultdict(lambda: BEFORE_ALL)

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Do it in the loop's thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(
            PATIENCE_SECONDS
        )

    def told(self) -> dict[str, Session]:
        return self.run(self._told())

    def kept(self) -> set[str]:
        """Which of the sessions that were told the broker keeps."""
        names = list(self._sessions)
        states = self.run(self._reader.states(names))
        return {
            name
            for name, state in zip(names, states, strict=True)
            if state is not None and not state.taken_out_ms
        }

    def documents(self) -> dict[str, list[bytes]]:
        for entry in self.run(self._news(EMERGENCIES)):
            path = (entry.details or {}).get("path", "")
            self._documents[path].append(entry.record)
        return self._documents

    def close(self) -> None:
        self.stop()
        self.run(self._reader.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _told(self) -> dict[str, Session]:
        names = list(await self._reader.sessions())
        states = await self._reader.states(names)
        for name, state in zip(names, states, strict=True):
            session = self._sessions.setdefault(name, Session())
            if state is not None:
                session.path = state.path
                if state.rejected > len(session.rejected):
                    session.rejected += await self._rejected(name)
            session.told += map(told_of, await self._news(name))
        return self._sessions

    async def _rejected(self, session: str) -> list[Rejected]:
        after = self._read_rejected[session]
        news = await self._reader.read_rejected(session, after, limit=PAGE)
        if news:
            self._read_rejected[session] = news[-1].id
        return [Rejected(one.length, one.head.encode()) for one in news]

    async def _news(self, stream: str) -> list[Entry]:
        news: list[Entry] = []
        after = self._read[stream]
        while page := await self._reader.read_after(stream, after, limit=PAGE):
            news += page
            after = page[-1].id
        self._read[stream] = after
        return news


class ThreadFollower(BrokerFollower):
    """A tailer in this process, with its real threads and notifications."""

    def __init__(self, url: str, prefix: str) -> None:
        super().__init__(url, prefix)
        self._task: asyncio.Task[None] | None = None
        # What is otherwise while it follows.
        self._patches = contextlib.ExitStack()

    def start(self, watched: Watched) -> None:
        self.run(self._start(watched))

    def stop(self) -> None:
        if self._task is not None:
            self.run(self._stop(self._task))
            self._task = None
            self._patches.close()

    def kill(self) -> None:
        raise NotImplementedError("a thread cannot be killed: have a process")

    async def _start(self, watched: Watched) -> None:
        options = Options(
            log_dir=str(watched.base),
            telemetry_patterns=watched.patterns,
            paths=watched.paths,
            session_ttl=math.inf if watched.paths else Options().session_ttl,
            name=self.prefix,
        )
        if watched.max_sessions is not None:
            options = replace(options, max_sessions=watched.max_sessions)
            for module, name, seconds in (
                (session_bound, "HOT_SECONDS", 0.0),
                (upkeep, "COUNT_SECONDS", 0.1),
            ):
                self._patches.enter_context(patch.object(module, name, seconds))
        self._task = asyncio.create_task(self._follow(options))

    async def _follow(self, options: Options) -> None:
        broker = RedisBroker(self.url, key_prefix=self.prefix)
        try:
            await Tailer(broker, options).run()
        finally:
            await broker.aclose()

    async def _stop(self, task: "asyncio.Task[None]") -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class ProcessFollower(BrokerFollower):
    """A tailer as a process of its own, which can be killed."""

    def __init__(self, url: str, prefix: str, program: Sequence[str] = ()) -> None:
        """Prepare; `program` is what the tailer is started by."""
        super().__init__(url, prefix)
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, watched: Watched) -> None:
        settings = {
            "TAILCAST_REDIS_URL": self.url,
            "TAILCAST_KEY_PREFIX": self.prefix,
            "TAILCAST_LOG_DIR": str(watched.base),
            "TAILCAST_TELEMETRY_PATTERNS": ",".join(watched.patterns),
            "TAILCAST_PATHS": json.dumps(watched.paths),
        }
        self._process = subprocess.Popen(
            [*self._program, sys.executable, "-c", PROGRAM],
            env={**os.environ, **settings},
        )

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            assert self._process.wait(PATIENCE_SECONDS) == 0
            self._process = None

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(PATIENCE_SECONDS)
        self._process = None


def told_of(entry: Entry) -> Told:
    """What a reader is told by an entry."""
    if entry.kind is Kind.MARKER:
        # The first generation's marker says nothing.
        details = entry.details or {}
        is_loss = details.get("complete") == "false"
        return Told(is_rewind=bool(details), is_loss=is_loss)
    if entry.kind is Kind.GAP:
        return Told(is_loss=True)
    return Told(entry.record)
