"""What became of each path."""

from tailcast_streams.sources import Source, SourceState
from tailcast_tailer.core.register import Register


FOLLOWED, WAITING = SourceState.FOLLOWED, SourceState.WAITING


def test_a_path_is_in_one_state() -> None:
    """The latest that was noted; counts follow."""
    register = Register()
    register.note(Source("/a", WAITING, reason="nothing in it yet"))
    register.note(Source("/b", FOLLOWED, "b"))
    register.note(Source("/a", FOLLOWED, "a"))
    assert register.sources["/a"].session == "a"
    assert register.counts[FOLLOWED] == 2
    assert register.counts[WAITING] == 0
    register.forget("/a")
    register.forget("/a")
    assert list(register.sources) == ["/b"]
    assert register.counts[FOLLOWED] == 1


def test_changes_are_taken_once() -> None:
    """What stays the same is none; what could not be told comes again."""
    register = Register()
    a = Source("/a", FOLLOWED, "a")
    register.note(a)
    assert register.take_changed() == {"/a": a}
    register.note(a)
    assert register.take_changed() == {}
    register.forget("/a")
    assert register.take_changed() == {"/a": None}
    register.put_back(["/a"])
    assert register.take_changed() == {"/a": None}
