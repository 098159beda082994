"""What keeps a file that was found from being followed is told, and when it is over."""

# ruff: noqa: ASYNC240  # nothing else runs while the test writes

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest

from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.sources import Source, SourceState
from tailcast_tailer.core.register import Register
from tailcast_tailer.files import session_file
from tailcast_tailer.files.file_system import CannotBeSeen
from tailcast_tailer.following.fates import Fates, Trouble
from tests.tailer.harness import lines, records_of, texts
from tests.tailer.single import Clock, Single


FOLLOWED = SourceState.FOLLOWED


@pytest.fixture
def broker() -> MemoryBroker:
    """A broker of the test's own."""
    return MemoryBroker()


@pytest.fixture
def clock() -> Clock:
    """A clock of the test's own."""
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file."""
    return tmp_path / "a.jsonl"


def fate(tailer: Single, path: Path) -> Source:
    """What became of the file."""
    return tailer.register.sources[str(path)]


def test_what_weighs_most_is_told() -> None:
    """One trouble goes, another stays; a name that is no UTF-8 is escaped."""
    register = Register()
    fates = Fates(register)
    path = os.fsdecode(b"/caf\xe9.jsonl")
    shown = r"/caf\xe9.jsonl"
    fates.troubled("a", path, Trouble.CONTESTED, "too often")
    assert register.sources[shown] == Source(shown, FOLLOWED, "a", "too often")
    fates.troubled("a", path, Trouble.UNSEEN, "Permission denied", "let me")
    fates.troubled("a", path, Trouble.DISPUTED, "another", "rename")
    assert register.sources[shown].state is SourceState.WAITING
    fates.fine("a", path, Trouble.UNSEEN, Trouble.CONTESTED)
    assert register.sources[shown].reason == "another"
    fates.fine("a", path, Trouble.OLD)
    fates.fine("a", path, Trouble.DISPUTED)
    assert register.sources[shown] == Source(shown, FOLLOWED, "a")


def test_a_file_that_is_gone_has_no_fate() -> None:
    """The listing forgets it; what troubled it does not bring it back."""
    register = Register()
    fates = Fates(register)
    fates.troubled("a", "/a", Trouble.UNSEEN, "Stale file handle")
    register.forget("/a")
    fates.forget("a")
    fates.fine("a", "/a", Trouble.UNSEEN)
    assert register.sources == {}


async def test_a_file_that_cannot_be_read_waits(
    broker: MemoryBroker, clock: Clock, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the reason; once it can be read it is followed."""
    path.write_bytes(lines(1))
    tailer = Single(broker, path, clock)
    with monkeypatch.context() as patch:

        def fails(_path: str) -> NoReturn:
            raise CannotBeSeen(OSError(errno.EACCES, "Permission denied"))

        patch.setattr(session_file, "open_regular", fails)
        await tailer.settle()
    told = fate(tailer, path)
    assert (told.state, told.reason) == (SourceState.WAITING, "Permission denied")
    assert told.mend
    await tailer.settle()
    assert await records_of(broker, "a") == texts(1)
    assert fate(tailer, path) == Source(str(path), FOLLOWED, "a")


async def test_a_file_that_is_too_old_is_left_out(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """Until it changes."""
    clock.now = 1e6
    path.write_bytes(lines(1))
    os.utime(path, (0, 0))
    tailer = Single(broker, path, clock, session_ttl=86_400)
    await tailer.settle()
    told = fate(tailer, path)
    assert told.state is SourceState.LEFT_OUT
    assert told.reason == "unchanged for 12 days, longer than TAILCAST_SESSION_TTL"
    os.utime(path, (clock.now, clock.now))
    await tailer.settle()
    assert fate(tailer, path) == Source(str(path), FOLLOWED, "a")


async def test_a_file_of_a_session_that_another_tailer_follows_is_refused(
    broker: MemoryBroker, clock: Clock, path: Path
) -> None:
    """While its bytes are others; once they are the same it is followed."""
    path.write_bytes(lines(1))
    await Single(broker, path, clock, owner="one:/logs").settle()
    await broker.hold_presence("one:/logs", seconds=3_600)
    path.write_bytes(lines(50))
    tailer = Single(broker, path, clock, owner="two:/logs")
    for _ in range(3):
        clock.now += 0.5 + (await tailer.follower.turn() or 0)
    told = fate(tailer, path)
    assert told.state is SourceState.REFUSED
    assert told.reason == "one:/logs follows another file of this session"
    assert told.mend
    path.write_bytes(lines(1))
    await tailer.settle()
    assert fate(tailer, path) == Source(str(path), FOLLOWED, "a")
