"""What a file system shows, each thing alone. The law is checked at the end of each."""

import errno

import pytest

from tests.oracle.files import Kind
from tests.oracle.view import CALLS
from tests.oracle.world import MakeWorld, generations, steps


@pytest.mark.parametrize("kind", [Kind.UNTOLD, Kind.NETWORK])
def test_another_machine_writes(make_world: MakeWorld, kind: Kind) -> None:
    """No notification tells of it: looks find it, within seconds for a quiet file."""
    world = make_world(kind)
    world.write("a", 1)
    world.pass_time(300.0)
    world.write("a", 1)
    world.pass_time(15.0)
    assert steps(world) == [1, 2]


@pytest.mark.parametrize("kind", [Kind.UNTOLD, Kind.NETWORK])
@pytest.mark.parametrize("percents", [(50, 100), (0, 100), (100, 200), (60, 80)])
def test_bytes_that_come_after_their_size(
    make_world: MakeWorld, kind: Kind, percents: tuple[int, int]
) -> None:
    """NULs are read where they are still to come: they are waited for."""
    world = make_world(kind)
    world.write("a", 4)
    world.pass_time(5.0)
    world.show_hole("a", percents, 1.5)
    world.write("a", 4)
    world.pass_time(60.0)
    assert steps(world) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert not world.rejected("a")


@pytest.mark.parametrize("kind", [Kind.UNTOLD, Kind.NETWORK])
@pytest.mark.parametrize("percent", [60, 77, 99])
def test_a_read_that_ends_before_the_file(
    make_world: MakeWorld, kind: Kind, percent: int
) -> None:
    """Its size and its times are what they will be: it is looked at again."""
    world = make_world(kind)
    world.write("a", 5)
    world.pass_time(5.0)
    world.write("a", 5)
    world.read_short("a", percent, 1.0)
    world.pass_time(300.0)
    assert steps(world) == list(range(1, 11))
    assert generations(world) == {1}


@pytest.mark.parametrize("see", ["show_size", "read_short"])
@pytest.mark.parametrize("percent", [0, 30, 99])
def test_a_size_of_before(make_world: MakeWorld, see: str, percent: int) -> None:
    """Even less than what was read: no file is taken for a shorter one at once."""
    world = make_world()
    world.write("a", 5)
    world.pass_time(5.0)
    getattr(world, see)("a", percent, 8.0)
    world.write("a", 5)
    world.pass_time(4.0)
    assert generations(world) == {1}
    world.pass_time(60.0)
    assert steps(world) == list(range(1, 11))


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "number", [errno.ESTALE, errno.EIO, errno.EACCES, errno.EMFILE]
)
def test_a_call_that_fails_for_a_while(
    make_world: MakeWorld, kind: Kind, call: str, number: int
) -> None:
    """It is tried again, without haste; nothing is deleted, repeated or given up."""
    world = make_world(kind)
    world.write("a", 3)
    world.pass_time(5.0)
    world.fail("a", number, (call,), 90.0)
    world.fail("", number, (call,), 90.0)
    world.write("a", 1)
    world.write("b", 2)
    calls = world.view.calls
    world.pass_time(90.0)
    assert world.view.calls - calls < 90 * 20
    world.pass_time(70.0)
    assert steps(world) == [1, 2, 3, 4]
    assert steps(world, "b") == [5, 6]


@pytest.mark.parametrize("kind", Kind)
def test_what_cannot_be_read_is_looked_at_each_ten_seconds(
    make_world: MakeWorld, kind: Kind
) -> None:
    """However long that has lasted."""
    world = make_world(kind)
    world.write("a", 1)
    world.pass_time(100.0)
    world.fail("a", errno.EACCES, ("open",), 3_000.0)
    world.write("a", 1)
    world.pass_time(2_999.0)
    assert steps(world) == [1]
    world.pass_time(13.0)
    assert steps(world) == [1, 2]


@pytest.mark.parametrize("is_there", [True, False])
def test_a_file_system_that_is_not_mounted(
    make_world: MakeWorld, *, is_there: bool
) -> None:
    """Its place is empty, or missing, for minutes: nothing of it is given up."""
    world = make_world()
    world.write("a", 3)
    world.write("deep/c", 2)
    world.pass_time(5.0)
    world.unmount(600.0, is_there=is_there)
    world.write("a", 1)
    world.pass_time(660.0)
    assert steps(world) == [1, 2, 3, 6]
    assert steps(world, "deep/c") == [4, 5]


@pytest.mark.parametrize("kind", [Kind.UNTOLD, Kind.NETWORK])
@pytest.mark.parametrize("devices", [True, False])
def test_all_files_have_other_numbers(
    make_world: MakeWorld, kind: Kind, *, devices: bool
) -> None:
    """As after a mount, or a move to another pool: they are what their bytes are."""
    world = make_world(kind)
    world.write("a", 3)
    world.write("b", 3)
    world.pass_time(5.0)
    world.renumber(devices=devices)
    world.write("a", 1)
    world.pass_time(60.0)
    assert steps(world) == [1, 2, 3, 7]


@pytest.mark.parametrize("kind", [Kind.LOCAL, Kind.NETWORK])
def test_a_last_line_without_its_newline_is_what_it_was(
    make_world: MakeWorld, kind: Kind
) -> None:
    """The file is compared with what is stored once it has another number."""
    world = make_world(kind)
    world.write("a", 2, rest=b"whole")
    world.pass_time(30.0)
    world.renumber(devices=False)
    world.pass_time(60.0)
    assert steps(world) == [1, 2, 3]
    assert {entry.id.generation for entry in world.streams()["a"]} == {1}


@pytest.mark.parametrize("calls", range(0, 40, 6))
def test_rotated_in_the_midst_of_a_look(make_world: MakeWorld, calls: int) -> None:
    """After any call of the look: between a listing and what it shows, say."""
    world = make_world(Kind.UNTOLD)
    world.write("a", 3)
    world.pass_time(5.0)
    world.write("a", 2)
    world.meanwhile(calls, lambda: world.rotate("a", 2))
    world.pass_time(60.0)
    assert steps(world) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("calls", range(0, 40, 6))
def test_a_directory_is_renamed_in_the_midst_of_a_walk(
    make_world: MakeWorld, calls: int
) -> None:
    """Its files go on as the sessions that they are."""
    world = make_world(Kind.UNTOLD)
    world.write("deep/c", 3)
    world.pass_time(20.0)
    world.write("a", 1)
    world.meanwhile(calls, lambda: world.rename_directory("deep", "far"))
    world.pass_time(90.0)
    world.write("far/c", 1)
    world.pass_time(90.0)
    assert steps(world, "deep/c") == [1, 2, 3, 5]
    assert set(world.streams()) == {"a", "deep/c"}


def test_names_come_late(make_world: MakeWorld) -> None:
    """A directory shows the names of before: what is new is found when it shows."""
    world = make_world()
    world.write("a", 1)
    world.pass_time(5.0)
    world.delay_names(30.0)
    world.write("b", 2)
    world.remove("a")
    world.pass_time(25.0)
    assert "b" not in world.streams()
    world.pass_time(60.0)
    assert steps(world, "b") == [2, 3]


@pytest.mark.parametrize("name", ["a.1.jsonl", "a.2026-11-28_14-14-52_270992.jsonl"])
def test_a_rotated_file_whose_name_comes_late(make_world: MakeWorld, name: str) -> None:
    """It was read already, and is no session, though runs have such names too."""
    world = make_world()
    world.write("a", 5)
    world.pass_time(5.0)
    world.delay_names(30.0)
    world.put_aside("a", name, 2)
    world.pass_time(90.0)
    assert steps(world) == [1, 2, 3, 4, 5, 6, 7]
    assert set(world.streams()) == {"a"}


@pytest.mark.parametrize("kind", [Kind.UNTOLD, Kind.NETWORK])
def test_times_that_stand_still(make_world: MakeWorld, kind: Kind) -> None:
    """The size tells."""
    world = make_world(kind)
    world.write("a", 1)
    world.pass_time(5.0)
    world.stop_times("a", 600.0)
    for _ in range(5):
        world.write("a", 1)
        world.pass_time(20.0)
    assert steps(world) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.ENOENT])
def test_a_file_that_cannot_be_seen_hides_no_others(
    make_world: MakeWorld, kind: Kind, number: int
) -> None:
    """Whatever order a directory has them in: those that come meanwhile are found."""
    world = make_world(kind)
    world.write("m", 1)
    world.fail("m", number, CALLS, 300.0)
    world.pass_time(30.0)
    world.write("a", 1)
    world.write("z", 1)
    world.pass_time(100.0)
    assert steps(world, "a") == [2]
    assert steps(world, "z") == [3]


def test_a_cache_that_a_file_shares_with_the_one_before(make_world: MakeWorld) -> None:
    """By path, as many file systems in user space have it: it is looked at again."""
    world = make_world()
    world.write("a", 3)
    world.pass_time(5.0)
    path, other = world.path("a"), world.directory / "other.tmp"
    kept = path.read_bytes().splitlines(keepends=True)[:2]
    other.write_bytes(b"".join(kept) + world.lines("a", 1))
    assert other.stat().st_size == path.stat().st_size
    world.share_pages(other, path)
    other.replace(path)
    world.rewritten.add(path)
    world.view.changed(path, names=True)
    world.pass_time(60.0)
    assert steps(world)[-1] == 4


@pytest.mark.parametrize("calls", range(2, 24, 2))
def test_rotated_in_the_midst_of_the_first_look(
    make_world: MakeWorld, calls: int
) -> None:
    """The session begins with the file that was there first."""
    world = make_world()
    world.stop()
    world.write("a", 3)
    world.start()
    world.meanwhile(calls, lambda: world.rotate("a", 2))
    world.pass_time(60.0)
    assert steps(world) == [1, 2, 3, 4, 5]


def test_rotated_before_its_first_look(make_world: MakeWorld) -> None:
    """It is read first, as its name shows in time."""
    world = make_world()
    world.pass_time(5.0)
    world.write("a", 2)
    world.put_aside("a", "a.jsonl.1", 2)
    world.pass_time(90.0)
    assert steps(world) == [1, 2, 3, 4]
    assert set(world.streams()) == {"a"}
