"""More sessions than the broker keeps. The law is checked at the end of each test."""

import pytest

from tailcast_streams.sources import SourceState
from tests.oracle.files import Kind
from tests.oracle.world import MakeWorld, World, steps
from tests.tailer.harness import sources_of


# Longer than what counts as being written, and than what is left of a session stays.
REST_SECONDS = 90.0
GONE_SECONDS = 700.0


def kept(world: World) -> set[str]:
    """The sessions that the broker keeps."""
    return set(world.streams())


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("seconds", [REST_SECONDS, GONE_SECONDS])
def test_the_coldest_session_makes_room(
    make_world: MakeWorld, kind: Kind, seconds: float
) -> None:
    """And has all its lines again, each once, when it is written again."""
    world = make_world(kind, max_sessions=2)
    for name in ("a", "b", "c"):
        world.write(name, 3)
        world.pass_time(REST_SECONDS)
    assert kept(world) == {"b", "c"}
    world.pass_time(seconds)
    world.write("a", 2)
    world.pass_time(REST_SECONDS)
    assert kept(world) == {"a", "c"}
    assert len(steps(world, "a")) == 5


@pytest.mark.parametrize("kind", Kind)
def test_what_is_being_written_stays(make_world: MakeWorld, kind: Kind) -> None:
    """The file that comes then is refused, which is told, until there is room."""
    world = make_world(kind, max_sessions=2)
    for _ in range(60):
        for name in ("a", "b"):
            world.write(name, 1)
        world.pass_time(0.5)
    world.write("c", 1)
    for _ in range(60):
        for name in ("a", "b", "c"):
            world.write(name, 1)
        world.pass_time(0.5)
    assert kept(world) == {"a", "b"}
    sources = sources_of(world.tailers[0])
    assert sources["c.jsonl"] is SourceState.REFUSED
    for _ in range(200):
        for name in ("b", "c"):
            world.write(name, 1)
        world.pass_time(0.5)
    assert kept(world) == {"b", "c"}
    assert sources_of(world.tailers[0])["c.jsonl"] is SourceState.FOLLOWED


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("is_killed", [False, True])
def test_a_restart_changes_nothing_of_what_is_kept(
    make_world: MakeWorld, kind: Kind, *, is_killed: bool
) -> None:
    """The files that are colder than all that is kept wait, until they are written."""
    world = make_world(kind, max_sessions=2)
    for name in ("a", "b", "c", "d"):
        world.write(name, 3)
        world.pass_time(REST_SECONDS)
    lives = {name: world.life_of(name) for name in ("c", "d")}
    for seconds in (1.0, GONE_SECONDS):
        (world.kill if is_killed else world.stop)()
        world.start()
        world.pass_time(seconds)
        assert kept(world) == {"c", "d"}
    assert lives == {name: world.life_of(name) for name in lives}
    world.write("a", 1)
    world.pass_time(REST_SECONDS)
    assert len(steps(world, "a")) == 4


@pytest.mark.parametrize("kind", Kind)
def test_what_was_refused_begins_when_there_is_room(
    make_world: MakeWorld, kind: Kind
) -> None:
    """Though its file is not written any more."""
    world = make_world(kind, max_sessions=2)
    for name in ("a", "b", "c"):
        world.write(name, 3)
        world.pass_time(REST_SECONDS)
    world.stop()
    world.start()
    world.pass_time(30.0)
    assert sources_of(world.tailers[0])["a.jsonl"] is SourceState.REFUSED
    world.remove("b")
    world.pass_time(120.0)
    world.expire("b")
    world.pass_time(60.0)
    assert kept(world) == {"a", "c"}


@pytest.mark.parametrize("kind", Kind)
def test_another_tailer_takes_out_nothing_of_one_that_is_there(
    make_world: MakeWorld, kind: Kind
) -> None:
    """Nor does one whose session went append to what is left of it."""
    world = make_world(kind, max_sessions=2)
    for name in ("a", "b"):
        world.write(name, 3)
        world.pass_time(REST_SECONDS)
    world.start(1)
    world.write("c", 1)
    world.pass_time(20.0)
    assert kept(world) == {"b", "c"}
    # The first one is cut off, and the second takes its sessions out.
    world.sink_faults(REST_SECONDS, is_away=True)
    world.pass_time(30.0)
    world.write("d", 1)
    world.pass_time(30.0)
    assert "b" not in kept(world)
    world.write("b", 2)
    world.pass_time(2 * REST_SECONDS)
    assert len(steps(world, "b")) == 5


def test_two_rewrites_and_a_session_that_was_out(make_world: MakeWorld) -> None:
    """Its generations begin anew with it; its file's lines are there, each once."""
    world = make_world(max_sessions=1)
    world.write("a", 5)
    world.pass_time(20.0)
    world.rewrite("a", 0, 3)
    world.pass_time(REST_SECONDS)
    world.write("b", 1)
    world.pass_time(REST_SECONDS)
    assert kept(world) == {"b"}
    world.write("a", 1)
    world.pass_time(REST_SECONDS)
    assert len(steps(world, "a")) == 4
