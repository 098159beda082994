"""Each accident of the table is survived, whichever way files are watched.

The accidents of a group happen at the same time, each with files, a follower and keys
of its own: nearly all that they do is wait.
"""

import fcntl
import json
import os
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cached_property, partial
from pathlib import Path
from typing import cast

import pytest
from _pytest.mark import ParameterSet

from tests.accidents import (
    contents,
    crowds,
    elsewhere,
    emergencies,
    last_lines,
    names,
    remote,
    restarts,
    rewrites,
    rotations,
)
from tests.accidents.followers import (
    NO_OVERRIDE,
    BrokerFollower,
    ProcessFollower,
    ThreadFollower,
    Way,
)
from tests.accidents.rotations import find_program
from tests.accidents.stage import TELEMETRY, NotTold, Pace, Stage
from tests.accidents.table import TABLE, Accident
from tests.brokers import BrokerServer
from tests.conftest import BrokerFactory


GROUPS = (
    contents,
    crowds,
    emergencies,
    last_lines,
    names,
    restarts,
    rewrites,
    rotations,
)
LONG_SECONDS = 150.0

Cell = tuple[str, Way]
Verdict = Callable[[Cell], list[str]]


def _cells() -> Iterator[ParameterSet]:
    for way in Way:
        for row in sorted(TABLE.values(), key=lambda row: (row.is_long, row.group)):
            if way in row.ways:
                yield pytest.param(
                    (row.name, way), id=f"{row.name}-{way}", marks=_marks(row, way)
                )


def _marks(row: Accident, way: Way) -> list[pytest.MarkDecorator]:
    is_long = row.is_long or way is Way.REMOTE
    return [pytest.mark.long, pytest.mark.timeout(600)] if is_long else []


class Plays:
    """Plays the accidents of a group, those that are asked for, when one of them is.

    Several workers may ask for one group: the first plays it, the others wait.
    """

    def __init__(
        self, server: BrokerServer, base: Path, asked: set[Cell], mounts: ExitStack
    ) -> None:
        """Prepare; `mounts` is closed when all is over."""
        self._server = server
        self._base = base
        self._asked = asked
        self._mounts = mounts

    def verdict(self, cell: Cell) -> list[str]:
        """What is wrong after it."""
        row, way = TABLE[cell[0]], cell[1]
        run = os.environ.get("PYTEST_XDIST_TESTRUNUID", "alone")
        shared = self._base if run == "alone" else self._base.parent.parent
        path = shared / f"accidents-{run}-{row.group}-{way}-{row.is_long}"
        with path.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            verdicts: dict[str, list[str]] = json.loads(file.read() or "{}")
            if row.name not in verdicts:
                verdicts = self._play_group_of(row, way)
                file.write(json.dumps(verdicts))
        return verdicts[row.name]

    @cached_property
    def _mount(self) -> Path:
        """Where a network file system shows what happens."""
        place = self._base.with_name(f"{self._base.name}-shown")
        place.mkdir()
        self._mounts.enter_context(remote.mounted(self._base, place))
        return place

    def _play_group_of(self, row: Accident, way: Way) -> dict[str, list[str]]:
        alike = [
            one
            for one in TABLE.values()
            if (one.group, one.is_long) == (row.group, row.is_long)
            and (one.name, way) in self._asked
            and not why_not_played(one, way)
        ]
        shown = self._mount if way is Way.REMOTE else self._base
        with ThreadPoolExecutor(len(alike)) as threads:
            verdicts = threads.map(partial(self._play, way=way, shown=shown), alike)
            return {one.name: found for one, found in zip(alike, verdicts, strict=True)}

    def _play(self, row: Accident, way: Way, shown: Path) -> list[str]:
        base = self._base / f"{row.name}-{way}"
        seen = shown / base.name / "logs"
        for directory in (base / "logs" / TELEMETRY, base / "beside"):
            directory.mkdir(parents=True)
        is_long = row.is_long or way is Way.REMOTE
        pace = Pace(LONG_SECONDS) if is_long else Pace()
        follower = self._follower(row, f"{row.name}-{way}")
        stage = Stage(base / "logs", way, follower, pace=pace, shown=seen)
        try:
            if not row.starts_itself:
                stage.start()
            row.play(stage)
            return [_as_text(str(one)) for one in stage.verdict()]
        except NotTold as error:
            return [_as_text(str(error))]
        except Exception:  # noqa: BLE001  # the others of the group go on
            return [_as_text(traceback.format_exc())]
        finally:
            follower.close()

    def _follower(self, row: Accident, prefix: str) -> BrokerFollower:
        url = self._server.url
        if row.needs_permissions and os.geteuid() == 0:
            program = ("setpriv", "--bounding-set", NO_OVERRIDE)
            return ProcessFollower(url, prefix, program)
        return (ProcessFollower if row.kills else ThreadFollower)(url, prefix)


def _as_text(found: str) -> str:
    """What can be passed between workers: names may be no UTF-8."""
    return found.encode(errors="backslashreplace").decode()


def why_not_played(row: Accident, way: Way) -> str:
    """What this machine lacks for a row; empty: nothing."""
    if way is Way.REMOTE and (reason := remote.why_not()):
        return reason
    if row.needs and find_program(row.needs) is None:
        return f"{row.needs} is not installed"
    if row.needs_permissions and os.geteuid() == 0 and not find_program("setpriv"):
        return "nobody can be made to heed permissions: there is no setpriv"
    return ""


@pytest.fixture(scope="module")
def verdict(
    brokers: BrokerFactory,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Verdict]:
    """What is wrong after an accident."""
    asked = {
        cast("Cell", item.callspec.params["cell"])
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.path == request.path
        and "cell" in item.fixturenames
    }
    base = tmp_path_factory.mktemp("accidents")
    with ExitStack() as mounts:
        yield Plays(brokers("valkey"), base, asked, mounts).verdict


@pytest.mark.parametrize("cell", list(_cells()))
def test_accident_is_survived(cell: Cell, verdict: Verdict) -> None:
    """Each line once, in order; or whoever reads the session was told."""
    if reason := why_not_played(TABLE[cell[0]], cell[1]):
        pytest.skip(reason)
    assert not (found := verdict(cell)), "; ".join(found[:5])


def test_all_groups_are_in_the_table() -> None:
    """What is imported for it is used."""
    assert {group.__name__.rpartition(".")[2] for group in GROUPS} == {
        row.group for row in TABLE.values()
    }


@pytest.mark.parametrize(("module", "test"), elsewhere.ELSEWHERE.values())
def test_what_is_elsewhere_is_tested_there(module: str, test: str) -> None:
    """The names that this says are those of tests."""
    root = Path(__file__).parents[2]
    assert f"def {test}(" in (root / module).read_text()
