"""Times as producers write them, in all the shapes that were seen.

Pure. A time is plausible or none: in 2001 or later, and not beyond what the caller
calls the latest. So a duration is no time, nor is a counter. Texts without a zone are
in UTC.

| shape | example |
|---|---|
| ISO 8601 | `2026-11-25T12:00:00.123+01:00`, with a blank or `_` between, `,` for `.` |
| its zone in other words | `… UTC`, `… GMT`, `… +0000`, `+00:00Z`, `… +0000 UTC` |
| slashes, dashes | `2026/11/25 12:00:00`, `2026-11-25_12-00-00` |
| a compact calendar | `20261125_120000`, `20261125T120000Z`, `20261125120000` |
| a number, or digits | seconds, milliseconds, microseconds or nanoseconds since 1970 |
| RFC 2822, ctime | `Wed, 25 Nov 2026 12:00:00 +0000`, `Wed Nov 25 12:00:00 2026` |
| date and time apart | `2026-11-25` and `12:00:00`, by `join_clock` |
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, cast


# 2001-01-01, Unix milliseconds.
EARLIEST_MS: Final = 978_307_200_000
DAY_MS: Final = 86_400_000
# Later times are not plausible, whenever they are read: 2100-01-01.
FAR_MS: Final = 4_102_444_800_000
# No shape needs more.
MAX_TIME_TEXT: Final = 64

# Numbers below each limit, and how many milliseconds their unit has.
_UNITS: Final = ((1e11, 1e3), (1e14, 1.0), (1e17, 1e-3), (1e20, 1e-6))
# Digits of a calendar, which is no plausible number of any unit.
_LEAST_CALENDAR, _MOST_CALENDAR = 20_010_101_000_000, 99_991_231_235_959
# Those of a day.
_DAY_DIGITS: Final = 8
_NUMBERS: Final = frozenset((int, float))
# A double at 1.8e9 is exact to 0.0003 ms; what was 0.123 s before is 123 ms again.
_ROUNDING_MS: Final = 0.0005

_WORDS: Final = frozenset(
    [
        "mon",
        "tue",
        "wed",
        "thu",
        "fri",
        "sat",
        "sun",
        "jan",
        "feb",
        "mar",
        "apr",
        "may",
        "jun",
        "jul",
        "aug",
        "sep",
        "oct",
        "nov",
        "dec",
        "gmt",
        "utc",
        "ut",
        "z",
    ]
)
_UTC_ENDINGS: Final = (" UTC", " GMT", "UTC", "GMT", " Z")


def read_time_ms(value: object, *, latest_ms: int) -> int | None:
    """A value as a time, Unix milliseconds; None if it is not a plausible one.

    Args:
        latest_ms: later times are not plausible, Unix milliseconds.
    """
    time_ms: int | None = None
    if isinstance(value, str):
        time_ms = _of_text(value)
    elif isinstance(value, int | float):
        time_ms = _of_number(value)
    if time_ms is None or not EARLIEST_MS <= time_ms <= latest_ms:
        return None
    return time_ms


def read_times_ms(values: Sequence[object], *, latest_ms: int) -> list[int] | None:
    """As `read_time_ms` for each of these; None if one is not a plausible time."""
    if {*map(type, values)} <= _NUMBERS:
        numbers = cast(Sequence[float], values)
        limit, unit_ms = _UNITS[0]
        # NaN may be beside the least and the greatest of them, but not in a sum.
        if min(numbers) >= 0 and max(numbers) < limit and sum(numbers) >= 0:
            times = [int(value * unit_ms + _ROUNDING_MS) for value in numbers]
            is_plausible = min(times) >= EARLIEST_MS and max(times) <= latest_ms
            return times if is_plausible else None
    found = [read_time_ms(value, latest_ms=latest_ms) for value in values]
    return None if None in found else cast(list[int], found)


def is_date(text: str) -> bool:
    """Whether a text has a day alone, so that a field beside it may have the clock."""
    return len(text) in {8, 10} and text[:4].isdigit() and ":" not in text


def join_clock(date: str, clock: object) -> str:
    """A day with the text of a clock, `12:00:00`, if it is one; else the day alone."""
    is_clock = isinstance(clock, str) and clock[2:3] == ":"
    return f"{date} {clock}" if is_clock else date


def _of_number(value: float) -> int | None:
    if _LEAST_CALENDAR <= value <= _MOST_CALENDAR:
        return _of_digits(str(int(value)), "")
    for limit, unit_ms in _UNITS:
        if 0 <= value < limit:
            return int(value * unit_ms + _ROUNDING_MS)
    return None


def _of_text(text: str) -> int | None:
    if text[4:5] == "-":
        try:
            return _since_1970(datetime.fromisoformat(text))
        except ValueError:
            pass
    text = text.strip()
    if len(text) > MAX_TIME_TEXT or not text.isascii():
        return None
    whole, _, fraction = text.partition(".")
    if whole.isdigit() and (fraction.isdigit() or not fraction):
        return _of_digits(whole, fraction)
    if text[4:5] in {"-", "/"} and text[:4].isdigit():
        return _of_calendar(text[:10].replace("/", "-"), text[11:])
    if text[:8].isdigit() and text[8:9] in {"_", "-", "T", " "}:
        return _of_calendar(text[:8], text[9:])
    return _of_words(text)


def _of_digits(whole: str, fraction: str) -> int | None:
    if len(whole) == _DAY_DIGITS:
        return _from_iso(whole)
    if len(whole) in {14, 17, 20}:
        fraction = whole[14:] + fraction
        return _from_iso(f"{whole[:8]}T{whole[8:14]}.{fraction or '0'}")
    return _of_number(float(f"{whole}.{fraction}") if fraction else int(whole))


def _of_calendar(date: str, clock: str) -> int | None:
    """A day and what stands behind it."""
    # What Go and Java add to the zone: `m=+0.003`, `[Europe/Berlin]`.
    clock = clock.partition(" m=")[0].partition("[")[0].strip()
    for ending in _UTC_ENDINGS:
        clock = clock.removesuffix(ending)
    if clock.endswith("Z") and clock[-7:-6] in {"+", "-"}:
        clock = clock[:-1]
    if clock[2:3] == "-" and clock[5:6] == "-":
        clock = clock[:8].replace("-", ":") + clock[8:]
    has_fraction = clock.find("_")
    if has_fraction in {6, 8}:
        clock = clock.replace("_", ".", 1)
    return _from_iso(f"{date}T{clock.replace(' ', '')}" if clock else date)


def _of_words(text: str) -> int | None:
    """A time with the names of months, by the rules of electronic mail."""
    words = text.replace(",", " ").split()
    is_known = all(word[:3].lower() in _WORDS for word in words if word.isalpha())
    if ":" not in text or not is_known:
        # `PM` and most names of zones would be passed over.
        return None
    try:
        return _since_1970(parsedate_to_datetime(text))
    except (ValueError, OverflowError):
        return None


def _from_iso(text: str) -> int | None:
    try:
        return _since_1970(datetime.fromisoformat(text))
    except ValueError:
        return None


def _since_1970(time: datetime) -> int:
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return int(time.timestamp() * 1_000 + _ROUNDING_MS)
