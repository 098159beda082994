"""What is stored of an emergency, and how much of it can be read again."""

import pytest

from tailcast_streams.cuts import Cut
from tailcast_streams.emergencies import (
    MAX_SEVERITY,
    Acknowledgement,
    FoundEmergency,
    KeptEmergency,
    Life,
    acknowledgement_of,
    acknowledgement_text,
    kept_of,
    kept_text,
    life_of,
    life_text,
    member_of,
    severity_of,
)
from tailcast_streams.position import Cursor, EntryID


CURSOR = Cursor(EntryID(2, 100), 7)


@pytest.mark.parametrize(
    ("record", "severity"),
    [
        (b'{"emergency":{"severity":"critical"},"severity":"low"}', "critical"),
        (b'{"emergency":{"reason":"x"},"severity":"low"}', "low"),
        (b'{"severity":"low","reason":"a whole file"}', "low"),
        (b'{"emergency":{"severity":3}}', ""),
        (b'{"emergency":{}}', ""),
        (b'{"emergency":{"severity":"%s"}}' % (b"x" * 99), "x" * MAX_SEVERITY),
        (b"no JSON", ""),
        (b'{"severity":"\xff"}', ""),
    ],
)
def test_how_severe_it_is(record: bytes, severity: str) -> None:
    """The emergency says it, or the record around it."""
    assert severity_of(record) == severity


def test_members_are_in_the_order_of_the_entries() -> None:
    """As texts, whatever their numbers."""
    places = [EntryID(1, 9), EntryID(1, 10), EntryID(2, 1), EntryID(10, 0)]
    members = [member_of("s", Cursor(place, 5)) for place in places]

    assert sorted(members) == members
    assert all(member.startswith("s\t") and member < "s\n" for member in members)


@pytest.mark.parametrize("step", [None, 5, 2.5])
def test_what_is_stored_is_read(step: float | None) -> None:
    """Behind the time, which the broker puts in front."""
    found = FoundEmergency(CURSOR, step, None, 1, b'{"severity":"low"}')

    text = b'{"time":17,' + kept_text("a/é", found, "i1")

    assert kept_of(text) == KeptEmergency("a/é", CURSOR, "i1", step, 17, "low")


@pytest.mark.parametrize(
    "text",
    [b"", b"{}", b'{"time":1,"session":"s","cursor":"?","life":"i"}', b"\xff", b"[1]"],
)
def test_what_somebody_wrote_by_hand_is_none(text: bytes) -> None:
    """It is passed over."""
    assert kept_of(text) is None
    assert acknowledgement_of(text) is None


def test_a_life_is_read() -> None:
    """As far as it is one."""
    life = Life("i1", (Cut(2, 30), Cut(4, 50, 3)))

    assert life_of(life_text(*life)) == life
    assert life_of("i1") == Life("i1", ())
    assert life_of("i1 2:3 x 4 5:y 6:7:8:9 9:1") == Life("i1", (Cut(2, 3), Cut(9, 1)))


@pytest.mark.parametrize(
    ("generation", "offset", "is_there"),
    [
        (1, 30, True),
        (1, 31, False),
        (2, 51, True),
        (3, 50, True),
        (3, 51, False),
        (4, 99, True),
    ],
)
def test_a_line_that_a_generation_cut_is_gone(
    generation: int, offset: int, *, is_there: bool
) -> None:
    """That is all a life says of an emergency."""
    life = Life("i1", (Cut(2, 30), Cut(4, 50, 3)))
    one = KeptEmergency("s", Cursor(EntryID(generation, offset), 0), "i1", None, 0, "")

    assert life.has(one) is is_there
    assert not life.has(one._replace(incarnation="i2"))


def test_an_acknowledgement_is_read() -> None:
    """Whatever was noted."""
    one = Acknowledgement("ada", 'é "\n', 5)

    assert acknowledgement_of(acknowledgement_text(one)) == one
