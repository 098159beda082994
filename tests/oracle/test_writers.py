"""What writers do to files, each thing alone. The law is checked at the end of each."""

import os

import pytest

from tailcast_tailer.core.progress import FINISHED_SECONDS
from tests.oracle.files import Kind
from tests.oracle.world import MakeWorld, generations, steps


@pytest.mark.parametrize("kind", Kind)
def test_an_empty_file_is_nothing_until_its_first_line(
    make_world: MakeWorld, kind: Kind
) -> None:
    """However long it stays so; and it is not looked at without end."""
    world = make_world(kind)
    world.write("a", 0)
    world.pass_time(300.0)
    assert not world.streams()
    calls = world.view.calls
    world.pass_time(300.0)
    assert world.view.calls - calls < 300 * 20
    world.write("a", 1)


@pytest.mark.parametrize("size", [4_097, 65_537, 1_000_000])
def test_lines_longer_than_a_read(make_world: MakeWorld, size: int) -> None:
    """A line may be longer than what is read at a time."""
    world = make_world()
    world.write("a", 3, pad=size)
    world.write("a", 1)
    world.pass_time(5.0)
    assert steps(world) == [1, 2, 3, 4]


@pytest.mark.parametrize("kind", Kind)
def test_many_files_grow_at_the_same_time(make_world: MakeWorld, kind: Kind) -> None:
    """Ten files, a line to each in turn."""
    world = make_world(kind)
    for _ in range(40):
        for number in range(10):
            world.write(f"deep/{number}", 1)
        world.pass_time(0.02)
    world.pass_time(20.0)
    assert [len(steps(world, f"deep/{number}")) for number in range(10)] == [40] * 10


def test_two_files_of_the_same_bytes_are_two_sessions(make_world: MakeWorld) -> None:
    """Each has all its lines."""
    world = make_world()
    world.write("a", 3)
    (world.directory / "b.jsonl").write_bytes(world.path("a").read_bytes())
    world.note_copy(world.path("b"))
    world.pass_time(20.0)
    assert steps(world, "a") == steps(world, "b") == [1, 2, 3]


@pytest.mark.parametrize("names_paths", [False, True], ids=["log-dir", "up"])
@pytest.mark.parametrize("kind", Kind)
def test_what_was_put_aside_unseen_is_told_once_its_path_is_there(
    make_world: MakeWorld, kind: Kind, *, names_paths: bool
) -> None:
    """Nobody looked while it was written, copied, cut and removed."""
    world = make_world(kind, names_paths=names_paths)
    world.stop()
    world.write("a", 3)
    world.copy_and_cut("a", 0)
    world.remove("a")
    world.start()
    world.pass_time(90.0)
    assert not world.streams()
    world.check({})
    world.write("a", 1)
    world.pass_time(30.0)
    assert steps(world) == [1, 2, 3, 4]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("seen_seconds", [0.0, 0.9, 30.0])
def test_a_rotated_file_whose_only_line_has_no_newline(
    make_world: MakeWorld, kind: Kind, seen_seconds: float
) -> None:
    """Whether or not it was looked at before; what came after it is told after it."""
    world = make_world(kind)
    world.write("a", 0, rest=b"whole")
    world.pass_time(seen_seconds)
    world.rotate("a", 3)
    world.pass_time(60.0)
    assert steps(world) == [1, 2, 3, 4]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("is_first", [False, True])
def test_rotations_leave_one_line_without_newline_each(
    make_world: MakeWorld, kind: Kind, *, is_first: bool
) -> None:
    """That of what has the path too, and though nothing ever changes again."""
    world = make_world(kind)
    world.write("a", 3)
    world.pass_time(0.0 if is_first else 200.0)
    for _ in range(2):
        world.rotate("a", 0)
        world.write("a", 0, rest=b"whole")
    world.pass_time(90.0)
    assert steps(world) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("is_first", [False, True])
def test_rotated_files_that_begin_with_a_line_longer_than_a_read(
    make_world: MakeWorld, kind: Kind, *, is_first: bool
) -> None:
    """All that has their path begins with a shorter one."""
    world = make_world(kind)
    world.write("a", 1)
    world.pass_time(0.0 if is_first else 5.0)
    world.stop()
    for _ in range(2):
        world.rotate("a", 0)
        world.write("a", 2, pad=70_000)
    world.rotate("a", 3)
    world.start()
    world.pass_time(60.0)
    assert steps(world) == list(range(1, 9))


@pytest.mark.parametrize("kind", [Kind.LOCAL, Kind.NETWORK])
@pytest.mark.parametrize("seconds", [0.3, 1.0, 5.0])
def test_killed_while_a_rotated_line_without_newline_rests(
    make_world: MakeWorld, kind: Kind, seconds: float
) -> None:
    """Nothing is stored that does not say which file is read."""
    world = make_world(kind)
    world.write("a", 3)
    world.pass_time(3.0)
    world.stop()
    world.rotate("a", 0)
    world.write("a", 0, rest=b"whole")
    world.rotate("a", 3)
    world.start()
    world.pass_time(seconds)
    world.kill()
    world.start()
    world.pass_time(60.0)
    assert steps(world) == list(range(1, 8))


@pytest.mark.parametrize("kind", Kind)
def test_half_of_the_only_line_is_written_before_the_rotation(
    make_world: MakeWorld, kind: Kind
) -> None:
    """The other half a second after it, by a writer that goes on in the old file."""
    world = make_world(kind)
    line = world.lines("a", 1)
    path = world.path("a")
    with path.open("ab", buffering=0) as late:
        late.write(line[:4])
        world.view.changed(path, names=True)
        world.rotate("a", 3)
        world.pass_time(1.0)
        late.write(line[4:])
        world.view.changed(path.with_name("a.jsonl.1"))
    world.pass_time(60.0)
    assert steps(world) == [1, 2, 3, 4]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("seen_seconds", [0.0, 0.9])
@pytest.mark.parametrize("seconds", [1.0, 50.0])
def test_an_empty_file_is_rotated_and_its_writer_goes_on(
    make_world: MakeWorld, kind: Kind, seen_seconds: float, seconds: float
) -> None:
    """Nobody writes to the new one, and none of its changes shows the old one's."""
    world = make_world(kind)
    world.write("a", 0)
    world.pass_time(seen_seconds)
    path = world.path("a")
    with path.open("ab", buffering=0) as late:
        world.rotate("a", 0)
        for _ in range(2):
            world.pass_time(seconds)
            world.write_late(late, "a")
            world.view.changed(path.with_name("a.jsonl.1"))
    world.pass_time(3 * seconds + 30.0)
    assert steps(world) == [1, 2]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("seen_seconds", [0.9, 30.0])
@pytest.mark.parametrize("seconds", [0.3, 3.0, 60.0])
def test_an_empty_file_is_rotated_and_both_are_written(
    make_world: MakeWorld, kind: Kind, seen_seconds: float, seconds: float
) -> None:
    """What comes in time is read first; of what comes later the reader was told."""
    world = make_world(kind)
    world.write("a", 0)
    world.pass_time(seen_seconds)
    path = world.path("a")
    line = world.lines("a", 1)
    with path.open("ab", buffering=0) as late:
        world.rotate("a", 1)
        world.pass_time(seconds)
        late.write(line)
        world.view.changed(path.with_name("a.jsonl.1"))
    world.pass_time(60.0)
    if seconds < FINISHED_SECONDS:
        assert steps(world) == [1, 2]
        return
    assert steps(world) == [2]
    assert not [one for one in world.streams()["a"] if one.id.generation == 1]


@pytest.mark.parametrize("kind", [Kind.LOCAL, Kind.UNTOLD])
@pytest.mark.parametrize("seconds", [1.0, 100.0])
def test_an_empty_file_with_a_writer_was_rotated_before_the_start(
    make_world: MakeWorld, kind: Kind, seconds: float
) -> None:
    """However old it is; the new one has a line already."""
    world = make_world(kind)
    world.stop()
    world.write("a", 0)
    path = world.path("a")
    line = world.lines("a", 1)
    with path.open("ab", buffering=0) as late:
        world.rotate("a", 1)
        world.pass_time(seconds)
        world.start()
        world.pass_time(2.0)
        late.write(line)
        world.view.changed(path.with_name("a.jsonl.1"))
        world.pass_time(30.0)
    assert steps(world) == [1, 2]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("is_running", [False, True])
@pytest.mark.parametrize("rotation", ["rotate", "copy_and_cut"])
@pytest.mark.parametrize("count", [0, 2])
def test_rotated_after_it_was_cut_to_nothing(
    make_world: MakeWorld, kind: Kind, rotation: str, count: int, *, is_running: bool
) -> None:
    """Nothing proves which file it was; what was written since the cut is its own.

    What was rotated away before that was read, and does not come again.
    """
    world = make_world(kind)
    world.write("a", 3)
    world.pass_time(5.0)
    world.rotate("a", 2)
    world.pass_time(20.0)
    world.cut("a", 0)
    # Long enough for its descriptor to be let go.
    world.pass_time(80.0)
    before = generations(world)
    if not is_running:
        world.stop()
    world.write("a", 2)
    getattr(world, rotation)("a", count)
    world.start()
    world.pass_time(60.0)
    assert steps(world) == list(range(1, 8 + count))
    assert len(generations(world)) == len(before) + (count > 0)


def test_a_file_that_is_cut_to_nothing_is_told_once(make_world: MakeWorld) -> None:
    """It stays empty, and nothing is said again."""
    world = make_world()
    world.write("a", 3)
    world.pass_time(5.0)
    world.cut("a", 0)
    world.pass_time(600.0)
    assert generations(world) == {1, 2}


def test_moved_cut_and_moved_back(make_world: MakeWorld) -> None:
    """What comes back is another file in the same place."""
    world = make_world(Kind.LOCAL)
    world.write("a", 5)
    world.pass_time(5.0)
    world.blink("a", 3.0, then=lambda path: os.truncate(path, 0))
    world.write("a", 2)
    world.pass_time(60.0)
    assert steps(world)[-2:] == [6, 7]


@pytest.mark.parametrize("count", [2, 9])
def test_another_file_with_the_number_of_the_deleted_one(
    make_world: MakeWorld, count: int
) -> None:
    """Smaller or larger than what was read: what counts is its bytes."""
    world = make_world()
    world.write("a", 5)
    world.pass_time(5.0)
    world.stop()
    number = world.view.number(world.path("a"))
    world.remove("a")
    world.next_number = number
    world.write("a", count)
    assert world.view.number(world.path("a")) == number
    world.start()
    world.pass_time(60.0)
    assert steps(world)[5:] == list(range(6, 6 + count))


def test_a_rotated_file_goes_on_while_the_broker_is_away(make_world: MakeWorld) -> None:
    """For longer than anybody would wait for its last lines."""
    world = make_world(Kind.LOCAL)
    world.write("a", 5)
    world.pass_time(5.0)
    with world.path("a").open("ab") as late:
        world.sink_faults(120.0, is_away=True)
        world.rotate("a", 3)
        for _ in range(20):
            world.write_late(late, "a")
            world.pass_time(5.0)
    world.pass_time(120.0)
    assert sorted(steps(world)) == list(range(1, 29))


def test_cut_while_the_broker_is_away(make_world: MakeWorld) -> None:
    """What was there before was not read, and is told to be missing."""
    world = make_world()
    world.write("a", 3)
    world.pass_time(5.0)
    world.sink_faults(60.0, is_away=True)
    world.write("a", 3)
    world.pass_time(5.0)
    world.cut("a", 0)
    world.write("a", 2)
    world.pass_time(120.0)
    assert steps(world) == [1, 2, 3, 7, 8]


def test_a_thousand_lives_leave_nothing_open(make_world: MakeWorld) -> None:
    """Files that are made, rotated and deleted: no descriptors, no names pile up."""
    world = make_world(Kind.LOCAL)
    for turn in range(1_000 // 5):
        name = f"deep/{turn}"
        world.write(name, 2)
        world.pass_time(0.5)
        world.rotate(name, 1)
        world.pass_time(0.5)
        world.remove(name)
        path = world.path(name)
        path.with_name(f"{path.name}.1").unlink()
    world.pass_time(400.0)
    assert not world.view.open_now
    assert not world.tailers[0].turns.items


def test_links_in_a_circle(make_world: MakeWorld) -> None:
    """Directories and files that lead to themselves disturb nobody."""
    world = make_world(Kind.LOCAL)
    (world.directory / "again").symlink_to(world.directory)
    (world.directory / "self.jsonl").symlink_to("self.jsonl")
    (world.directory / "broken.jsonl").symlink_to("nothing.jsonl")
    world.write("a", 2)
    world.pass_time(60.0)
    assert list(world.streams()) == ["a"]


def test_a_link_that_is_switched_again_and_again(make_world: MakeWorld) -> None:
    """It leads to another run each time: each is a rewrite of what the link shows."""
    world = make_world(Kind.LOCAL)
    for turn in range(30):
        run = world.base / f"run{turn}"
        run.write_bytes(world.lines("a", 2))
        new = world.base / "new"
        new.symlink_to(run)
        new.replace(world.path("a"))
        world.rewritten.add(world.path("a"))
        world.view.changed(world.path("a"), names=True)
        world.pass_time(15.0)
    assert steps(world)[-2:] == [59, 60]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("is_touched", [False, True])
def test_removed_while_its_rest_is_waited_for(
    make_world: MakeWorld, kind: Kind, *, is_touched: bool
) -> None:
    """What was to be looked at by then is gone; it is not looked for without end."""
    world = make_world(kind)
    world.write("a", 3, rest=b"" if is_touched else b'{"step":')
    world.pass_time(1.0)
    if is_touched:
        os.utime(world.path("a"), (1, 1))
        world.pass_time(0.3)
    world.remove("a")
    calls = world.view.calls
    world.pass_time(50.0)
    assert world.view.calls - calls < 50 * 60
