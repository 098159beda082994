"""Times as producers write them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from tailcast_streams.times import (
    DAY_MS,
    EARLIEST_MS,
    is_date,
    join_clock,
    read_time_ms,
    read_times_ms,
)


NOON_MS = 1_795_608_000_000  # 2026-11-25 12:00:00 UTC
LATEST_MS = NOON_MS + DAY_MS


@pytest.mark.parametrize(
    "value",
    [
        # ISO 8601, and what is near it
        "2026-11-25T12:00:00",
        "2026-11-25T12:00:00Z",
        "2026-11-25 12:00:00+00:00",
        "2026-11-25T13:00:00+01:00",
        "2026-11-25T07:00:00-0500",
        "2026-11-25 12:00",
        " 2026-11-25T12:00:00.000000000Z",
        # zones in other words
        "2026-11-25 12:00:00 UTC",
        "2026-11-25 12:00:00 GMT",
        "2026-11-25T12:00:00UTC",
        "2026-11-25T12:00:00 Z",
        "2026-11-25 12:00:00 +0000",
        "2026-11-25T12:00:00+00:00Z",
        "2026-11-25 12:00:00 +0000 UTC m=+0.003",
        "2026-11-25T13:00:00+01:00[Europe/Berlin]",
        # slashes and dashes
        "2026/11/25 12:00:00",
        "2026-11-25_12-00-00",
        "2026-11-25-12-00-00",
        "2026-11-25_12-00-00_000000",
        # compact calendars
        "20261125_120000",
        "20261125-120000",
        "20261125T120000Z",
        "20261125 12:00:00",
        "20261125_120000_000000",
        "20261125120000",
        "20261125120000.000",
        "20261125120000000",
        "20261125120000000000",
        20261125120000,
        20261125120000.0,
        # numbers, and texts of digits
        1_795_608_000,
        1_795_608_000.0,
        1_795_608_000_000,
        1_795_608_000_000_000,
        1_795_608_000_000_000_000,
        "1795608000",
        "1795608000.000",
        "1795608000000",
        # words
        "Wed, 25 Nov 2026 12:00:00 +0000",
        "Wed, 25 Nov 2026 13:00:00 +0100",
        "Wed, 25 Nov 2026 12:00:00 GMT",
        "25 Nov 2026 12:00:00",
        "Wed Nov 25 12:00:00 2026",
        "Wed Nov 25 12:00:00 UTC 2026",
    ],
    ids=repr,
)
def test_one_time_in_many_shapes(value: object) -> None:
    """The table in `times`, row by row."""
    assert read_time_ms(value, latest_ms=LATEST_MS) == NOON_MS


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-25T12:00:00.123456+00:00Z",
        "2026-11-25T12:00:00.1234567Z",
        "2026-11-25T12:00:00.123999999Z",
        "2026-11-25 12:00:00,123",
        "20261125_120000.123",
        "20261125_120000_123456",
        "20261125120000123",
        "1795608000.123",
        1_795_608_000.123,
        1_795_608_000.1239,
        1_795_608_000_123,
        1_795_608_000_123_456,
        1_795_608_000_123_456_789,
    ],
    ids=repr,
)
def test_parts_of_a_second_are_cut_to_milliseconds(value: object) -> None:
    """In each shape that can have them."""
    assert read_time_ms(value, latest_ms=LATEST_MS) == NOON_MS + 123


@pytest.mark.parametrize("value", ["2026-11-25", "20261125", "2026/11/25"])
def test_a_day_alone_is_its_beginning(value: str) -> None:
    """Unless a field beside it has the clock."""
    assert read_time_ms(value, latest_ms=LATEST_MS) == NOON_MS - DAY_MS // 2


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        {},
        "",
        "x",
        "nan",
        "inf",
        # durations and counters
        0,
        0.254,
        12_345_678,
        "0:00:13",
        "11s",
        "00:12",
        # what cannot be a time
        "2026-11-25T25:00:00",
        "2026-13-25",
        "20261325_120000",
        20261325120000,
        1e30,
        "1" * 40,
        "2026-11-25T12:00:00" + " " * 64 + "x",
        # what has two readings, or a zone whose offset nobody knows
        "11/25/2026 12:00:00",
        "Nov 25, 2026, 12:00:00 PM",
        "Wed Nov 25 12:00:00 CET 2026",
        "2026-11-25 12:00:00 CET",
        # words that are none
        "Mon Tue",
        "Wed, 99 Nov 2026 12:00:00",
        "Nov:",
        "2026-11-25T12:00:00²",
    ],
    ids=repr,
)
def test_what_is_no_time(value: object) -> None:
    """Rather none than a wrong one."""
    assert read_time_ms(value, latest_ms=LATEST_MS) is None


def test_a_time_is_plausible_or_none() -> None:
    """In 2001 or later, and not beyond the latest."""
    assert read_time_ms(EARLIEST_MS // 1_000, latest_ms=LATEST_MS) == EARLIEST_MS
    assert read_time_ms(EARLIEST_MS // 1_000 - 1, latest_ms=LATEST_MS) is None
    assert read_time_ms("1970-01-01T00:00:00Z", latest_ms=LATEST_MS) is None
    assert read_time_ms(LATEST_MS, latest_ms=LATEST_MS) == LATEST_MS
    assert read_time_ms(LATEST_MS + 1, latest_ms=LATEST_MS) is None


@given(
    st.datetimes(
        datetime(2001, 1, 2),  # noqa: DTZ001  # a zone is added below
        datetime(2099, 1, 1),  # noqa: DTZ001  # as above
        timezones=st.just(UTC),
    )
)
def test_all_shapes_say_the_same(time: datetime) -> None:
    """Of one second, whichever it is."""
    time = time.replace(microsecond=0)
    shapes: list[object] = [
        time.isoformat(),
        time.isoformat() + "Z",
        int(time.timestamp()),
        int(time.timestamp()) * 1_000,
        *(
            time.strftime(shape)
            for shape in (
                "%Y%m%d_%H%M%S",
                "%Y-%m-%d_%H-%M-%S",
                "%Y/%m/%d %H:%M:%S",
                "%Y%m%d%H%M%S",
                "%a, %d %b %Y %H:%M:%S +0000",
                "%a %b %d %H:%M:%S %Y",
            )
        ),
    ]
    latest_ms = 4_102_444_800_000
    read = {read_time_ms(shape, latest_ms=latest_ms) for shape in shapes}
    assert read == {int(time.timestamp()) * 1_000}


@given(st.text() | st.integers() | st.floats() | st.booleans() | st.none())
def test_anything_is_a_time_or_none(value: object) -> None:
    """Nothing raises."""
    time_ms = read_time_ms(value, latest_ms=LATEST_MS)
    assert time_ms is None or EARLIEST_MS <= time_ms <= LATEST_MS


_ANY_TIMES: st.SearchStrategy[object] = st.one_of(
    st.floats(1e9, 2e9),
    st.integers(1_000_000_000, 2_000_000_000),
    st.sampled_from([float("nan"), 1e308, 1e15, -1, 0, 1.7e12, "2026-11-25", True]),
)


@given(st.lists(_ANY_TIMES, min_size=1, max_size=4))
def test_many_times_are_read_as_each_of_them(values: list[object]) -> None:
    """None if one of them is none."""
    each = [read_time_ms(value, latest_ms=LATEST_MS) for value in values]
    expected = None if None in each else each
    assert read_times_ms(values, latest_ms=LATEST_MS) == expected


@given(st.text(alphabet="0123456789-/:._ TZ+,GMUCWedNov", max_size=40))
def test_what_looks_like_a_time_is_one_or_none(text: str) -> None:
    """Nothing raises here either."""
    time_ms = read_time_ms(text, latest_ms=LATEST_MS)
    assert time_ms is None or EARLIEST_MS <= time_ms <= LATEST_MS


def test_a_day_and_the_clock_beside_it() -> None:
    """Where the clock is one."""
    assert [is_date(text) for text in ("2026-11-25", "20261125")] == [True, True]
    assert [is_date(text) for text in ("12:00:00", "2026-11", "Nov 25 26")] == [
        False,
        False,
        False,
    ]
    assert join_clock("2026-11-25", "12:00:00") == "2026-11-25 12:00:00"
    assert join_clock("2026-11-25", 0.25) == "2026-11-25"
    assert join_clock("2026-11-25", "noon") == "2026-11-25"
