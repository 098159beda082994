"""The table: accidents by their names, each a function that does it to a stage."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.accidents.followers import Way
from tests.accidents.stage import Stage


Play = Callable[[Stage], None]
BOTH = (Way.LOG_DIR, Way.UP)
EVERYWHERE = (*BOTH, Way.REMOTE)


@dataclass(frozen=True, slots=True)
class Accident:
    """One row."""

    name: str
    # Rows of one group are played at the same time.
    group: str
    play: Play
    ways: tuple[Way, ...] = BOTH
    # Takes long, or much of the machine: for `make test-long`.
    is_long: bool = False
    # Whether the row starts the follower itself.
    starts_itself: bool = False
    # Whether the follower is killed, and so must be a process.
    kills: bool = False
    # Whether permissions must count for the follower.
    needs_permissions: bool = False
    # A program that it is done with.
    needs: str = ""
    # Whether others can be given the same: see `benchmarks.accidents`.
    is_for_all: bool = True


TABLE: dict[str, Accident] = {}


def accident(
    *,
    ways: tuple[Way, ...] = BOTH,
    is_long: bool = False,
    starts_itself: bool = False,
    kills: bool = False,
    needs_permissions: bool = False,
    needs: str = "",
    is_for_all: bool = True,
) -> Callable[[Play], Play]:
    """Make a function a row of the table, by its name."""

    def enter(play: Play) -> Play:
        name = play.__name__
        assert name not in TABLE, name
        TABLE[name] = Accident(
            name=name,
            group=play.__module__.rpartition(".")[2],
            play=play,
            ways=ways,
            is_long=is_long,
            starts_itself=starts_itself,
            kills=kills,
            needs_permissions=needs_permissions,
            needs=needs,
            is_for_all=is_for_all,
        )
        return play

    return enter
