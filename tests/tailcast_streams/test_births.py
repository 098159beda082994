"""What came into being before what."""

import pytest

from tailcast_streams.births import UNCOUNTED, Birth, came_after


def born(number: int, counter: str = "0a1b2c3d") -> Birth:
    """A number of a count."""
    return Birth(counter, number)


@pytest.mark.parametrize("birth", [UNCOUNTED, born(1), born(1_764_344_383_000_123)])
def test_a_number_is_read_as_it_was_written(birth: Birth) -> None:
    """Whoever got it hands it back as a text."""
    assert Birth.parse(str(birth)) == birth


@pytest.mark.parametrize(
    "text", ["", "1764344383000", "0a1b2c3d-", "0a1b2c3d-01", "0A1B2C3D-1", "-1"]
)
def test_what_is_no_number_is_of_no_count(text: str) -> None:
    """Times, as version 0.1 gave them; what people make up."""
    assert Birth.parse(text) == UNCOUNTED


def test_numbers_of_one_count_are_compared() -> None:
    """The one that is the moment itself was there."""
    assert [came_after(born(n), born(5)) for n in (4, 5, 6)] == [False, False, True]


def test_of_another_count_nothing_is_known() -> None:
    """The broker was emptied, or never counted: what is there may be new."""
    assert came_after(born(1), born(5, "ffffffff"))
    assert came_after(born(1), UNCOUNTED)
    assert came_after(UNCOUNTED, UNCOUNTED)


def test_who_was_not_counted_was_there_before() -> None:
    """A session that version 0.1 began, since then counted ones began."""
    assert not came_after(UNCOUNTED, born(1))
