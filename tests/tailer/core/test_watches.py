"""What the kernel's notifications mean."""

import pytest

from tailcast_tailer.core import watches as watches_module
from tailcast_tailer.core.watches import (
    ATTRIB,
    CREATE,
    IGNORED,
    IS_DIRECTORY,
    MODIFY,
    MOVED_FROM,
    MOVED_TO,
    OVERFLOWED,
    Notification,
    Observed,
    Watches,
)


NOTHING = Observed(set(), [], [], set(), have_lost=False)
ONE, TWO, THREE = 1, 2, 3


def watching(*watches: tuple[int, str], **options: object) -> Watches:
    """These directories are watched."""
    made = Watches({}, **options)  # type: ignore[arg-type]  # as a test names them
    made.added(watches, are_last=True)
    return made


def test_names_are_those_in_the_directory_of_the_watch() -> None:
    """Each path once, however often it is told; the root's has one slash."""
    watches = watching((ONE, "/logs"), (TWO, "/"))
    taken = watches.take(
        [
            Notification(ONE, MODIFY, "a"),
            Notification(ONE, MODIFY, "a"),
            Notification(TWO, MODIFY, "b"),
            Notification(ONE, ATTRIB | IS_DIRECTORY, ""),
        ]
    )
    assert taken == NOTHING._replace(changed={"/logs/a", "/b"})


def test_a_directory_that_has_several_paths_is_told_by_all() -> None:
    """It has one watch."""
    watches = watching((ONE, "/logs"), (ONE, "/link"), (ONE, "/logs"))
    taken = watches.take([Notification(ONE, MODIFY, "a")])
    assert taken.changed == {"/logs/a", "/link/a"}


def test_what_may_be_a_directory_wants_a_watch() -> None:
    """A link to one too; and one whose permissions changed. Hidden ones do not."""
    watches = watching((ONE, "/logs"))
    taken = watches.take(
        [
            Notification(ONE, CREATE | IS_DIRECTORY, "a"),
            Notification(ONE, MOVED_TO, "b"),
            Notification(ONE, ATTRIB | IS_DIRECTORY, "c"),
            Notification(ONE, ATTRIB, "d"),
            Notification(ONE, CREATE | IS_DIRECTORY, ".git"),
        ]
    )
    assert taken.new == ["/logs/a", "/logs/b", "/logs/c"]
    assert taken.changed == {f"/logs/{name}" for name in "abcd"}


def test_a_directory_that_leaves_is_forgotten_with_all_below_it() -> None:
    """Until the kernel has said so too, nothing that it tells of it counts."""
    watches = watching(
        (ONE, "/logs"), (TWO, "/logs/a"), (THREE, "/logs/a/b"), (THREE, "/link"),
        (4, "/logs/ab"), (5, "/logs/a/c"),
    )  # fmt: skip  # as a list
    taken = watches.take(
        [
            Notification(ONE, MOVED_FROM | IS_DIRECTORY, "a"),
            Notification(TWO, MODIFY, "x"),
            Notification(THREE, MODIFY, "x"),
            Notification(4, MODIFY, "x"),
            Notification(TWO, IGNORED, ""),
        ]
    )
    assert taken.changed == {"/logs/a", "/link/x", "/logs/ab/x"}
    assert sorted(taken.left) == [TWO, 5]
    assert watches.take([Notification(5, MODIFY, "x")]) == NOTHING
    # The same directory may come back, and have the same number.
    watches.added([(5, "/logs/back")], are_last=True)
    assert watches.take([Notification(5, MODIFY, "x")]).changed == {"/logs/back/x"}


def test_a_watch_that_the_kernel_ends_is_forgotten() -> None:
    """Its directory was deleted."""
    watches = watching((ONE, "/logs"))
    taken = watches.take([Notification(ONE, IGNORED, "")])
    assert taken == NOTHING._replace(gone={"/logs"})
    assert watches.take([Notification(ONE, MODIFY, "a")]) == NOTHING


def test_what_is_told_before_the_watch_is_known_is_kept() -> None:
    """It is added in a thread; what is of nothing in the end is dropped."""
    watches = watching((ONE, "/logs"))
    early = [Notification(TWO, MODIFY, "a"), Notification(THREE, MODIFY, "b")]
    assert watches.take(early) == NOTHING
    assert watches.added([(TWO, "/logs/x")], are_last=False).changed == {"/logs/x/a"}
    assert watches.added([], are_last=True) == NOTHING
    assert watches.added([(THREE, "/logs/y")], are_last=True) == NOTHING


def test_what_was_lost_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the kernel, whose queue has an end, or by us."""
    watches = watching((ONE, "/logs"))
    taken = watches.take(
        [Notification(-1, OVERFLOWED, ""), Notification(ONE, MODIFY, "a")]
    )
    assert taken == NOTHING._replace(changed={"/logs/a"}, have_lost=True)
    monkeypatch.setattr(watches_module, "MOST_EARLY", 1)
    assert not watches.take([Notification(TWO, MODIFY, "a")]).have_lost
    assert watches.take([Notification(TWO, MODIFY, "b")]).have_lost


def test_files_that_are_named_count_alone() -> None:
    """In their directory, and by watches of their own, wherever they lead."""
    watches = Watches({"/logs": {"a"}}, {"/logs/a"})
    watches.added([(ONE, "/logs"), (TWO, "/logs/a")], are_last=True)
    taken = watches.take(
        [
            Notification(ONE, MOVED_TO, "a"),
            Notification(ONE, MODIFY, "b"),
            Notification(ONE, CREATE | IS_DIRECTORY, "c"),
        ]
    )
    assert taken == NOTHING._replace(changed={"/logs/a"})
    taken = watches.take([Notification(TWO, MODIFY, "")])
    assert taken == NOTHING._replace(changed={"/logs/a"})
