"""Where an accident happens: real files, a ledger of what is written, a follower."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.accidents.followers import Follower, Watched, Way
from tests.accidents.ledger import Fault, Ledger, document_faults, faults, judge
from tests.patience import PATIENCE_SECONDS


# Between two looks at what was told. Each of them reads the broker, so that what takes
# its time is looked for less and less often.
LOOK_SECONDS, LAST_LOOK_SECONDS = 0.03, 0.15
TELEMETRY = "telemetry"
# Written when all is over: who tells its line has looked at what is there.
LAST = "zz-last.jsonl"


class Pace(NamedTuple):
    """How long things are waited for."""

    # How long anything may take that should happen at once.
    patience_seconds: float = PATIENCE_SECONDS
    # Until what was told is all that is told.
    quiet_seconds: float = 0.5
    # How long a row waits for what was written before it goes on without it; None: it
    # does not, and ends at the first fault that nothing can make good.
    goes_on_seconds: float | None = None


class NotTold(AssertionError):
    """What was written did not come."""


class Stage:
    """One accident's files and follower."""

    def __init__(
        self,
        base: Path,
        way: Way,
        follower: Follower,
        *,
        pace: Pace = Pace(),  # noqa: B008  # a value
        shown: Path | None = None,
    ) -> None:
        """Prepare; `shown` is where the follower sees `base`, if not there."""
        self.base = base
        self._shown = shown or base
        self.way = way
        self.follower = follower
        self.ledger = Ledger()
        self.directory = base / TELEMETRY
        # On the same file system, and watched by nobody.
        self.beside = base.parent / "beside"
        self._pace = pace
        self._step = 0

    # Lines.

    def lines(self, count: int, **fields: object) -> list[bytes]:
        """So many records that were never written before, without newlines."""
        made: list[bytes] = []
        for _ in range(count):
            self._step += 1
            made.append(json.dumps({"step": self._step, **fields}).encode())
        return made

    def path(self, name: str) -> Path:
        """Where a file of that name is, its directory made."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def append(self, name: str, count: int, **fields: object) -> list[bytes]:
        """Append new lines as a writer does that opens the file each time."""
        made = self.lines(count, **fields)
        self.ledger.wrote(name, made)
        with self.path(name).open("ab") as file:
            file.write(joined(made))
        return made

    def write(self, name: str, texts: Sequence[bytes], *, into: Path) -> None:
        """Write a file in place from its first byte; lines that are new are noted."""
        self.note(name, texts)
        into.write_bytes(joined(texts))

    def note(self, name: str, texts: Iterable[bytes]) -> None:
        """Note the lines that were not written before."""
        self.ledger.wrote(name, [one for one in texts if one not in self.ledger.lines])

    # The follower.

    def start(self, *directories: str, max_sessions: int | None = None) -> None:
        """Start the follower on directories below `base`."""
        watched = directories or (TELEMETRY,)
        self.follower.start(Watched(self.way, self._shown, watched, max_sessions))

    def stop(self) -> None:
        """End it in order."""
        self.follower.stop()

    def kill(self) -> None:
        """End it by SIGKILL."""
        self.follower.kill()

    def wait_until_told(self) -> None:
        """Wait until all that was written so far was told. Raises NotTold."""
        if self._pace.goes_on_seconds is None:
            self.wait(lambda: not self._faults(), "what was written")
            return
        deadline = time.monotonic() + self._pace.goes_on_seconds
        looks = pauses()
        while time.monotonic() < deadline:
            if all(one.is_final for one in self._faults()):
                return
            time.sleep(next(looks))

    def wait_until_cut(self) -> None:
        """Wait until a reader was told that a file began anew. Raises NotTold."""

        def is_told() -> bool:
            sessions = self.follower.told().values()
            return any(one.is_rewind for each in sessions for one in each.told)

        self.wait(is_told, "that it was cut")

    def let_it_rest(self, seconds: float) -> None:
        """Let time pass, on a busy machine as much as the follower needs."""
        time.sleep(seconds)
        self.wait_until_told()

    def wait(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until something is so. Raises NotTold."""
        deadline = time.monotonic() + self._pace.patience_seconds
        looks = pauses()
        while not is_so():
            if time.monotonic() > deadline:
                shown = "; ".join(map(str, self._faults()[:5]))
                raise NotTold(f"{what} did not come: {shown}")
            time.sleep(next(looks))

    def verdict(self) -> list[Fault]:
        """What is wrong when all has happened and nothing more comes."""
        self.append(LAST, 1)
        deadline = time.monotonic() + self._pace.patience_seconds
        counted, changed_at = -1, time.monotonic()
        for pause in pauses():
            found = self._faults()
            count = self._count()
            now = time.monotonic()
            if count != counted:
                counted, changed_at = count, now
            is_quiet = now - changed_at > self._pace.quiet_seconds
            is_lost = any(not one.is_final for one in found)
            ends_early = found and self._pace.goes_on_seconds is None and not is_lost
            if ends_early or now > deadline or (is_quiet and not is_lost):
                return found
            time.sleep(pause)
        raise AssertionError  # there is always another look

    def said_missing(self) -> int:
        """How many lines did not come, as their readers were told."""
        return judge(self.ledger, self.follower.told()).said_missing

    def _faults(self) -> list[Fault]:
        found = faults(self.ledger, self.follower.told())
        if self.ledger.documents:
            found += document_faults(self.ledger, self.follower.documents())
        return found

    def _count(self) -> int:
        sessions = self.follower.told().values()
        return sum(len(one.told) + len(one.rejected) for one in sessions)


def pauses() -> Iterator[float]:
    """How long to wait before each next look, without an end."""
    pause = LOOK_SECONDS
    while True:
        yield pause
        pause = min(1.2 * pause, LAST_LOOK_SECONDS)


def joined(texts: Iterable[bytes]) -> bytes:
    """Lines as a file has them."""
    return b"".join(text + b"\n" for text in texts)
