"""What a named client has received: pings, its own word, and what is kept of it."""

import itertools
from collections.abc import Mapping

import pytest

from tailcast_gateway.resume.core import holding as acknowledgement
from tailcast_gateway.resume.core.holding import (
    MAX_PINGS,
    REFRESH_SECONDS,
    AckVerdict,
    Holding,
)
from tailcast_gateway.views.globs import EVERYTHING
from tailcast_gateway.views.subscription import Begin, Rule, Subscription
from tailcast_streams.births import Birth
from tailcast_streams.client_cursors import Save, Saved
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import Cursor, EntryID


ALL = Subscription([Rule(EVERYTHING, True, True, Begin.NOW)])


def at(offset: int, generation: int = 1, digest: int = 7) -> Cursor:
    """A cursor."""
    return Cursor(EntryID(generation, offset), digest)


def born(number: int) -> Birth:
    """A moment, by the session that was counted last."""
    return Birth("0a1b2c3d", number)


def held(*, is_manual: bool = False, **places: Cursor) -> Holding:
    """A holding whose delivery has begun, and where is kept."""
    holding = Holding("c", "r.0")
    holding.hold = 5
    holding.is_manual = is_manual
    holding.begin(places, lagging=(), at=born(1), forgets=False)
    save(holding)
    return holding


def save(holding: Holding, outcome: Saved = Saved.KEPT, *, now: float = 1.0) -> Save:
    """Save what there is."""
    assert holding.has_progress(now)
    progress = holding.next_save(now)
    holding.saved(outcome)
    return progress


# Of pings; none is used twice.
NUMBERS = itertools.count(1)


def note(
    holding: Holding,
    changed: Mapping[str, Cursor] | None = None,
    own: Mapping[str, Cursor | None] | None = None,
    *,
    now: float = 2.0,
    subscription: Subscription = ALL,
    is_progress: bool = False,
) -> int:
    """Note where the client is; it lags where it has places of its own."""
    number = next(NUMBERS)
    holding.note(
        number,
        now=now,
        subscription=subscription,
        changed=changed or {},
        own=own or {},
        lagging=tuple(own or ()),
        is_progress=is_progress,
    )
    return number


def test_where_delivery_begins_is_kept_at_once() -> None:
    """Without anything being received: from there on nothing is skipped."""
    holding = Holding("c", "r.0")
    holding.hold = 5
    assert not holding.takes_notes
    holding.begin({"a": at(30)}, lagging=["a"], at=born(1), forgets=True)

    assert holding.takes_notes
    assert holding.size == 1
    assert save(holding) == Save("c", 5, 1, {"a": at(30)}, born(1), forgets=True)
    assert holding.lagging == {"a"}
    assert not holding.has_progress(2.0)


def test_an_answered_ping_moves_what_is_kept() -> None:
    """To where the client was when it was sent, never to where it is now."""
    holding = held(a=at(30))
    payload = note(holding, {"a": at(60), "b": at(10), EMERGENCIES: at(1)})
    assert not holding.has_progress(2.0)

    assert holding.answered(payload)

    assert holding.size == 3
    progress = save(holding)
    assert progress.cursors == {"a": at(60), "b": at(10), EMERGENCIES: at(1)}
    assert progress.at is None
    assert holding.kept_until == pytest.approx(2.0)


def test_places_of_its_own_win() -> None:
    """Where a client was not live, the window's end says nothing of it."""
    holding = held()
    only_a = Subscription([Rule("a", False, True, Begin.NOW)])
    ends = {"a": at(90), "other": at(90)}
    holding.answered(note(holding, ends, {"a": at(30)}, subscription=only_a))

    assert save(holding).cursors == {"a": at(30)}
    assert holding.lagging == {"a"}


def test_a_later_answer_answers_earlier_pings() -> None:
    """Peers may answer the latest only; and at most so many are on their way."""
    holding = held()
    first = note(holding, {"a": at(30)}, now=2.0)
    second = note(holding, {"a": at(60)}, now=3.0)
    assert holding.takes_notes
    for _ in range(2, MAX_PINGS):
        note(holding)
    assert not holding.takes_notes

    assert holding.answered(second)
    assert holding.takes_notes
    assert not holding.answered(first)
    assert not holding.answered(0)
    assert save(holding).cursors == {"a": at(60)}


def test_what_was_on_its_way_when_delivery_began_anew() -> None:
    """An answer to an earlier ping does not move the new place."""
    holding = held(a=at(90))
    payload = note(holding, {"a": at(120)})
    holding.begin({"a": at(30)}, lagging=["a"], at=None, forgets=False)

    assert not holding.answered(payload)
    assert save(holding).cursors == {"a": at(30)}
    assert holding.kept_until == pytest.approx(0.0)


@pytest.mark.parametrize("forgets", [True, False])
def test_what_was_received_before_delivery_began_anew(
    forgets: bool,  # a case
) -> None:
    """It is kept beside the new places, unless everything else is forgotten."""
    holding = held()
    holding.answered(note(holding, {"a": at(60), "b": at(10)}))
    holding.begin({"a": at(30)}, lagging=["a"], at=born(3), forgets=forgets)

    expected = {"a": at(30)} if forgets else {"a": at(30), "b": at(10)}
    assert save(holding).cursors == expected


def test_a_save_that_delivery_overtook() -> None:
    """What it kept is kept; where changes are counted from stays as it was."""
    holding = held()
    holding.answered(note(holding, {"a": at(60)}, {"b": at(5)}))
    holding.next_save(2.0)
    holding.begin({"a": at(30)}, lagging=["a"], at=born(3), forgets=False)
    holding.saved(Saved.KEPT)

    assert holding.kept_until == pytest.approx(0.0)
    assert holding.lagging == {"a"}


def test_a_place_that_is_not_known() -> None:
    """It stays as it is kept, and is noted again."""
    holding = held()
    payload = note(holding, {"a": at(60), "b": at(9)}, {"b": None})
    holding.answered(payload)

    progress = save(holding)
    assert progress.cursors == {"a": at(60)}
    assert holding.lagging == {"b"}


def test_a_save_that_failed_is_made_again() -> None:
    """With what has come since, by a later number."""
    holding = Holding("c", "r.0")
    holding.begin({"a": at(1), "b": at(2)}, lagging=(), at=born(1), forgets=True)
    first = holding.next_save(1.0)
    holding.answered(note(holding, {"a": at(60)}))
    holding.failed()

    again = save(holding)

    assert (first.number, again.number) == (1, 2)
    assert again.cursors == {"a": at(60), "b": at(2)}
    assert (again.at, again.forgets) == (born(1), True)


def test_a_failed_save_keeps_the_later_moment() -> None:
    """Delivery began anew since."""
    holding = held()
    holding.answered(note(holding, {"a": at(60)}))
    holding.next_save(2.0)
    holding.begin({"b": at(5)}, lagging=(), at=born(3), forgets=False)
    holding.failed()

    assert save(holding).at == born(3)


def test_a_failed_save_of_what_is_forgotten_since() -> None:
    """It is not made again."""
    holding = held()
    holding.answered(note(holding, {"a": at(60)}))
    holding.next_save(2.0)
    holding.begin({"b": at(5)}, lagging=(), at=None, forgets=True)
    holding.failed()

    progress = save(holding)
    assert (progress.cursors, progress.at, progress.forgets) == (
        {"b": at(5)},
        None,
        True,
    )


def test_a_broker_that_forgot() -> None:
    """All places are noted once more, until that is kept."""
    holding = held(a=at(30))
    holding.answered(note(holding, {"b": at(5)}))
    save(holding, Saved.ANEW)
    assert holding.is_forgotten

    payload = note(holding, {"a": at(30), "b": at(5)})
    assert holding.is_forgotten
    holding.answered(payload)
    again = save(holding)
    assert not holding.is_forgotten
    # The moment at which it began is kept again too.
    assert again.at == born(1)


def test_a_broker_that_forgot_before_all_was_forgotten() -> None:
    """Then what was saved is all that there is."""
    holding = Holding("c", "r.0")
    holding.begin({"a": at(1)}, lagging=(), at=born(1), forgets=True)
    save(holding, Saved.ANEW)

    assert not holding.is_forgotten


def test_a_hold_is_refreshed() -> None:
    """So it does not expire, and whoever lost it learns that."""
    holding = held()

    assert not holding.has_progress(REFRESH_SECONDS)
    assert holding.has_progress(1.0 + REFRESH_SECONDS)
    progress = save(holding, now=1.0 + REFRESH_SECONDS)
    assert (progress.cursors, progress.at, progress.forgets) == ({}, None, False)


# The client's own word.


def test_only_its_own_word_counts() -> None:
    """No numbered pings then."""
    holding = held(is_manual=True, a=at(30))

    assert not holding.takes_notes


@pytest.mark.parametrize(
    ("cursor", "place", "weight"),
    [
        (at(60), at(90), AckVerdict.POSSIBLE),
        (at(90), at(90), AckVerdict.PROVED),
        (at(90, digest=8), at(90), AckVerdict.POSSIBLE),
        (at(91), at(90), AckVerdict.UNSENT),
        (at(10, 2), at(90), AckVerdict.UNSENT),
        (at(60), None, AckVerdict.UNSENT),
        (at(30), at(90), AckVerdict.OLD),
        (at(30, digest=8), at(90), AckVerdict.POSSIBLE),
        (at(10), at(90), AckVerdict.OLD),
    ],
)
def test_what_an_acknowledged_cursor_is_worth(
    cursor: Cursor, place: Cursor | None, weight: AckVerdict
) -> None:
    """It lies between where the client began and where it is."""
    holding = held(is_manual=True, a=at(30))

    assert holding.judge_ack("a", cursor, place=place) is weight


def test_acknowledgements_do_not_go_back() -> None:
    """The latest in order counts."""
    holding = held(is_manual=True, a=at(30))
    holding.acknowledge("a", at(60))

    assert holding.judge_ack("a", at(45), place=at(90)) is AckVerdict.OLD
    assert holding.judge_ack("new", at(5), place=at(90)) is AckVerdict.POSSIBLE
    assert save(holding).cursors == {"a": at(60)}


def test_acknowledgements_of_a_numbering_that_is_no_more() -> None:
    """Where generations are counted anew, a lower cursor is no step back."""
    holding = held(is_manual=True, a=at(60, generation=3))

    assert holding.judge_ack("a", at(60), place=at(90)) is AckVerdict.POSSIBLE


def test_acknowledgements_are_remembered_of_so_many_sessions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The one acknowledged longest ago makes room; one more than is kept stays."""
    monkeypatch.setattr(acknowledgement, "MAX_SESSIONS", 2)
    holding = held(is_manual=True, a=at(30), b=at(30))
    holding.acknowledge("a", at(60))
    holding.acknowledge("c", at(60))
    holding.acknowledge("d", at(60))

    assert holding.judge_ack("b", at(10), place=at(90)) is AckVerdict.POSSIBLE
    assert holding.judge_ack("a", at(10), place=at(90)) is AckVerdict.OLD


def test_a_broker_that_forgot_acknowledgements() -> None:
    """They are kept again, with the time that went with them."""
    holding = held(is_manual=True, a=at(30), b=at(5))
    holding.begin({"c": at(1)}, lagging=(), at=None, forgets=False)
    holding.acknowledge("a", at(60))
    save(holding, Saved.ANEW)

    progress = save(holding)
    assert progress.cursors == {"a": at(60), "b": at(5), "c": at(1)}
    assert progress.at == born(1)


def test_its_own_word_beside_pings() -> None:
    """It counts where it is ahead of what the pings have shown."""
    holding = held()
    pinged = note(holding, {"a": at(30)})
    holding.acknowledge("a", at(60))
    holding.answered(pinged)
    assert save(holding).cursors == {"a": at(60)}
    holding.answered(note(holding, {"a": at(90), "b": at(40)}))
    assert save(holding).cursors == {"a": at(90), "b": at(40)}
    for session, late in (("a", at(70)), ("b", at(10))):
        assert holding.judge_ack(session, late, place=at(99)) is AckVerdict.OLD


def test_starts_at_the_same_place() -> None:
    """They are counted until something that was sent is confirmed."""
    holding = held()
    for confirm in (
        lambda: holding.answered(note(holding, {"a": at(30)}, is_progress=True)),
        lambda: holding.acknowledge("a", at(40)),
    ):
        holding.begin({"a": at(10)}, lagging=[], at=None, forgets=False, starts=3)
        assert (holding.starts, save(holding).starts) == (3, 3)
        holding.answered(note(holding, {"a": at(10)}))
        assert (holding.starts, save(holding).starts) == (3, None)
        confirm()
        holding.next_save(2.0)
        holding.failed()
        assert (holding.starts, save(holding).starts) == (0, 0)
    confirm()
    assert save(holding).starts is None
    holding.begin({}, lagging=[], at=None, forgets=False, starts=1)
    holding.next_save(2.0)
    holding.acknowledge("a", at(50))
    holding.failed()
    assert save(holding).starts == 0
