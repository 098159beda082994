"""What looks at a file lead to."""

import pytest

from tailcast_tailer.core.progress import (
    Action,
    Doubt,
    Seen,
    is_finished,
    judge,
    look_interval,
    may_begin_anew,
    second_look_seconds,
)
from tailcast_tailer.core.proofs import Verdict


HOLDS, DIFFERS, UNSEEN = Verdict.HOLDS, Verdict.DIFFERS, Verdict.UNSEEN


def looks(
    *seen: tuple[float, Seen], offset: int = 1_000, is_network: bool = False
) -> list[Action]:
    """The actions that looks at these times lead to, one after the other."""
    doubt: Doubt | None = None
    actions: list[Action] = []
    for now, one in seen:
        action, doubt = judge(offset, one, doubt, now=now, is_network=is_network)
        actions.append(action)
    return actions


def test_file_that_proves_itself_is_read() -> None:
    """Both proofs hold and nothing is in the way."""
    assert looks((0, Seen(2_000, 0, HOLDS, HOLDS))) == [Action.READ]


@pytest.mark.parametrize("verdicts", [(DIFFERS, HOLDS), (HOLDS, DIFFERS)])
def test_bytes_that_differ_twice_are_a_new_generation(
    verdicts: tuple[Verdict, Verdict],
) -> None:
    """One look may be in the middle of a write."""
    seen = Seen(2_000, 0, *verdicts)
    assert looks((0, seen), (0.1, seen)) == [Action.WAIT, Action.NEW_GENERATION]


def test_bytes_that_differ_once_are_forgotten() -> None:
    """The two looks must follow one another."""
    bad, good = Seen(2_000, 0, HOLDS, DIFFERS), Seen(2_000, 0, HOLDS, HOLDS)
    assert looks((0, bad), (1, good), (2, bad)) == [
        Action.WAIT, Action.READ, Action.WAIT,
    ]  # fmt: skip


def test_differing_looks_with_an_unseen_one_between_do_not_add_up() -> None:
    """What could not be seen says nothing, and starts the count anew."""
    bad, unseen = Seen(2_000, 0, HOLDS, DIFFERS), Seen(500, 1, HOLDS, UNSEEN)
    assert looks((0, bad), (0.1, unseen), (0.2, bad)) == [Action.WAIT] * 3


@pytest.mark.parametrize(("is_network", "still"), [(False, 2.0), (True, 10.0)])
def test_shorter_file_that_stands_still_is_a_new_generation(
    is_network: bool, still: float
) -> None:
    """It is waited for, longer where others see it late."""
    seen = Seen(500, 0, HOLDS, UNSEEN)
    actions = looks(
        (0, seen), (still - 0.1, seen), (still, seen), is_network=is_network
    )
    assert actions == [Action.WAIT, Action.WAIT, Action.NEW_GENERATION]


def test_rewrite_in_progress_is_waited_for() -> None:
    """While it grows, at most thirty seconds."""
    growing = [(float(at), Seen(10 + at, at, HOLDS, UNSEEN)) for at in range(31)]
    assert looks(*growing) == [Action.WAIT] * 30 + [Action.NEW_GENERATION]


def test_rewrite_that_ends_as_it_was_is_read_on() -> None:
    """The same bytes are the same file."""
    whole = Seen(1_000, 2, HOLDS, HOLDS)
    assert looks((0, Seen(0, 1, UNSEEN, UNSEEN)), (1, whole))[-1] is Action.READ


def test_nuls_that_stay_are_taken() -> None:
    """In what comes next, or in what proves the file."""
    next_line = Seen(2_000, 0, HOLDS, HOLDS, has_nul=True)
    proof = Seen(2_000, 0, UNSEEN, HOLDS)
    for seen in (next_line, proof):
        assert looks((0, seen), (2, seen)) == [Action.WAIT, Action.TAKE_NULS]


def test_second_looks_are_later_on_networks() -> None:
    """A cache must have the time to notice."""
    assert second_look_seconds(is_network=True) > second_look_seconds(is_network=False)


def test_shorter_file_that_goes_on_otherwise_is_another_one() -> None:
    """However much it grows: two looks see that it is cut back and goes on."""
    other = [
        Seen(500 + at, at, HOLDS, UNSEEN, has_other_line=at > 0) for at in range(3)
    ]
    actions = looks((0, other[0]), (1, other[1]), (1.1, other[2]))
    assert actions == [Action.WAIT, Action.WAIT, Action.NEW_GENERATION]


@pytest.mark.parametrize(
    ("began_at", "still_since", "may"),
    [
        (None, 100.0, True),
        (95.0, 99.0, False),
        (95.0, 95.0, True),
        (95.0, 95.1, False),
        (90.0, 100.0, True),
        (90.1, 100.0, False),
    ],
)
def test_rewrites_again_and_again_begin_one_generation_in_ten_seconds(
    began_at: float | None, still_since: float, may: bool
) -> None:
    """What stands still for five is taken before that."""
    doubt = Doubt(90.0, 500, 1, still_since, 2)
    assert may_begin_anew(began_at, doubt, now=100.0, is_network=False) is may
    is_standing = still_since <= 90.0
    if began_at == 95.0:
        assert may_begin_anew(95.0, doubt, now=100.0, is_network=True) is is_standing
    assert may_begin_anew(began_at, None, now=100.0, is_network=False) is (
        began_at in (None, 90.0)
    )


@pytest.mark.parametrize(
    ("quiet", "expected"), [(0.0, 0.1), (1.0, 0.1), (60.0, 1.2), (9_999.0, 10.0)]
)
def test_files_at_rest_are_looked_at_less(quiet: float, expected: float) -> None:
    """P8: at a fiftieth of the time since the last change, within bounds."""
    assert look_interval(quiet, poll_interval=0.1) == expected


@pytest.mark.parametrize(
    ("quiet", "expected"), [(0.0, 1.0), (2.0, 2.0), (40.0, 40.0), (9_999.0, 60.0)]
)
def test_watched_files_are_looked_at_once_a_minute(
    quiet: float, expected: float
) -> None:
    """A lost notification costs as long as the file was quiet, a minute at most."""
    assert look_interval(quiet, poll_interval=0.1, is_watched=True) == expected


@pytest.mark.parametrize(
    ("is_writable", "has_lines", "is_over"),
    [
        (False, True, True),
        (True, True, False),
        (None, True, True),
        (False, False, True),
        (True, False, False),
        (None, False, False),
    ],
)
def test_a_file_that_is_left_is_finished_if_nobody_writes_to_it(
    *, is_writable: bool | None, has_lines: bool, is_over: bool
) -> None:
    """Where nobody knows, one that has lines was quiet; one without has none yet.

    Half a line behind others is missing; alone it is none.
    """
    for has_rest in (False, True):
        said = is_finished(
            is_writable=is_writable, has_rest=has_rest, has_lines=has_lines
        )
        assert said is (is_over and not (has_rest and has_lines))
