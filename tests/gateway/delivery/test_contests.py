"""Who is told that several tailers see different files of a session."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast

from tailcast_gateway.delivery.contests import Contests
from tailcast_gateway.delivery.core.hub import Hub
from tailcast_gateway.instruments import Instruments


class Watcher:
    """A client that watches."""

    def __init__(self) -> None:
        self.socket = SimpleNamespace(paused=False)
        self.told: list[list[str]] = []

    def send(self, message: dict[str, Any]) -> None:
        """Keep of which tailers it is told."""
        self.told.append(message["owners"])


def contests_of(*watchers: Watcher) -> Contests:
    """Contests, of a session that these watch."""

    def clients_of(_session: str) -> tuple[Watcher, ...]:
        return watchers

    def over(_client: Watcher) -> nullcontext[None]:
        return nullcontext()

    hub = SimpleNamespace(clients_of=clients_of, isolation=SimpleNamespace(over=over))
    return Contests(cast(Hub, hub), instruments=Instruments())


def test_whose_socket_takes_nothing_is_told_later_of_the_end_too() -> None:
    """Or it would take the session for contested for good."""
    quick, busy = Watcher(), Watcher()
    contests = contests_of(quick, busy)
    contests.note({"s": ("a", "b")})
    busy.socket.paused = True
    contests.note({})
    contests.note({})
    assert (quick.told, busy.told) == ([["a", "b"], []], [["a", "b"]])
    busy.socket.paused = False
    contests.note({})
    contests.note({})
    assert quick.told == busy.told == [["a", "b"], []]


def test_a_contest_that_begins_anew_meanwhile() -> None:
    """Nothing has changed for whoever was not told that it was over."""
    quick, busy = Watcher(), Watcher()
    contests = contests_of(quick, busy)
    contests.note({"s": ("a", "b")})
    busy.socket.paused = True
    contests.note({})
    busy.socket.paused = False
    contests.note({"s": ("a", "b")})
    contests.note({})
    assert quick.told == [["a", "b"], [], ["a", "b"], []]
    assert busy.told == [["a", "b"], []]


def test_whose_session_is_contested() -> None:
    """Nobody's where nobody says so, and no more once it is over."""
    contests = contests_of()
    assert not contests.owners_of("s")
    contests.note({"s": ("a", "b")})
    assert contests.owners_of("s") == ("a", "b")
    assert not contests.owners_of("other")
    contests.note({})
    assert not contests.owners_of("s")


def test_a_file_that_waits_is_no_dispute() -> None:
    """Who watches is told; but only what two tailers see is counted as disputed."""
    watcher = Watcher()
    contests = contests_of(watcher)
    contests.note({"s": ("a",)})
    assert watcher.told == [["a"]]
    assert b"contested_sessions 0.0" in contests._instruments.exposition()
    contests.note({"s": ("a", "b")})
    assert b"contested_sessions 1.0" in contests._instruments.exposition()
