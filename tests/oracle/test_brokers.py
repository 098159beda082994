"""What a broker or the machine does, each alone. The law is checked at the end."""

import pytest

from tests.oracle.world import MakeWorld, generations, steps


@pytest.mark.parametrize("what", ["is_away", "is_full", "is_read_only"])
def test_a_broker_that_takes_nothing_for_a_while(
    make_world: MakeWorld, what: str
) -> None:
    """At the start and later, again and again; lines and files wait.

    A full one is given up what is stored there, and that is told.
    """
    world = make_world()
    world.stop()
    for turn in range(5):
        world.start()
        world.sink_faults(60.0, **{what: True})
        world.write("a", 3)
        world.write(f"deep/{turn}", 1)
        world.pass_time(70.0)
    world.pass_time(30.0)
    assert steps(world)[-3:] == [17, 18, 19]
    assert len(steps(world)) == 15 or what == "is_full"


def test_a_broker_that_never_took_anything(make_world: MakeWorld) -> None:
    """The tailer is killed before the first append, and started again."""
    world = make_world()
    world.sink_faults(100.0, is_away=True)
    world.write("a", 3)
    world.pass_time(10.0)
    world.kill()
    world.start()
    world.pass_time(20.0)
    assert steps(world) == [1, 2, 3]


def test_one_of_many_states_is_damaged(make_world: MakeWorld) -> None:
    """The others do not notice."""
    world = make_world()
    for number in range(50):
        world.write(f"deep/{number}", 2)
    world.pass_time(30.0)
    before = world.streams()
    world.delete("deep/7", stream=False)
    world.pass_time(150.0)
    after = world.streams()
    assert {name for name in before if after[name] != before[name]} <= {"deep/7"}
    assert len(steps(world, "deep/7")) == 2


def test_a_machine_whose_view_is_out_of_date(make_world: MakeWorld) -> None:
    """It sees less of the file than the other one has appended, or nothing but NULs."""
    world = make_world()
    world.write("a", 5)
    world.pass_time(5.0)
    world.start(1)
    world.show_size("a", 20, 400.0, on=1)
    world.pass_time(100.0)
    world.write("a", 5)
    world.show_hole("a", (0, 100), 300.0, on=1)
    world.pass_time(200.0)
    assert generations(world) == {1}
    assert steps(world) == list(range(1, 11))


@pytest.mark.parametrize("seconds", [3_600.0, -3_600.0])
def test_the_clock_is_set(make_world: MakeWorld, seconds: float) -> None:
    """An hour forward or back: IDs hold no time."""
    world = make_world()
    world.write("a", 3)
    world.pass_time(10.0)
    world.loop.set_clock(seconds)
    world.write("a", 3)
    world.pass_time(60.0)
    assert steps(world) == [1, 2, 3, 4, 5, 6]
    assert generations(world) == {1}


def test_it_ends_while_the_broker_is_away(make_world: MakeWorld) -> None:
    """Within seconds."""
    world = make_world()
    world.write("a", 3)
    world.pass_time(5.0)
    world.sink_faults(1_000.0, is_away=True, call_seconds=30.0)
    world.write("a", 3)
    world.pass_time(5.0)
    before = world.loop.time()
    world.stop()
    assert world.loop.time() - before < 5.0
