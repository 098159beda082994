"""Numbers as producers write them: as numbers, or as texts that are wholly one.

Pure. A record stays as it was written; this is what its values count as.
"""

from math import isfinite
from typing import Final, NamedTuple, cast


# The texts of numbers that JSON cannot hold, in the spellings of Python, JavaScript and
# C, and how records have them.
NON_FINITE_TEXTS: Final = {
    "NaN": "NaN",
    "nan": "NaN",
    "NAN": "NaN",
    "-nan": "NaN",
    "Infinity": "Infinity",
    "inf": "Infinity",
    "+inf": "Infinity",
    "Inf": "Infinity",
    "INF": "Infinity",
    "-Infinity": "-Infinity",
    "-inf": "-Infinity",
    "-Inf": "-Infinity",
    "-INF": "-Infinity",
}
# A double needs 24 characters at most; longer texts are identifiers.
MAX_NUMBER_TEXT: Final = 40
# Whole numbers below it are exact as doubles, so a whole float is the same number.
_EXACT: Final = 2.0**53
# In a group of digits, as in 3,000.
_DIGITS: Final = 3
# Steps fit 64 bits, signed or not: MessagePack can hold them.
_LEAST_STEP, _MOST_STEP = -(2**63), 2**64 - 1


def as_number(text: str) -> int | float | None:
    """The finite number that a text wholly is, None if it is something else.

    `007` is none: identifiers are written so, and numbers are not.
    """
    if len(text) > MAX_NUMBER_TEXT or text.strip("0123456789.+-eE"):
        return None
    digits = text.lstrip("+-")
    if digits[:1] == "0" and digits[1:2].isdigit():
        return None
    try:
        if digits.isdigit():
            return int(text)
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None


class Step(NamedTuple):
    """A step as it was read."""

    value: int | float
    # Of how many, where the text says it: 250 of "5/250".
    total: int | None = None
    # The number before the step in a list: the epoch of `[0, 3]`.
    round: int | float | None = None


def read_step(value: object) -> Step | None:
    """A value as a step, None if it is not one.

    These are steps: 3, 3.0, "3", "3.0", "3,000", "5/250", and [0, 3], which is step 3
    of epoch 0, as NVIDIA's DLLogger has it. A whole number is whole in the result.
    """
    if isinstance(value, str):
        return _step_of_text(value)
    if isinstance(value, list):
        return _step_of_list(cast(list[object], value))
    number = _whole(value)
    return None if number is None else Step(number)


def _whole(value: object) -> int | float | None:
    """A number as a step."""
    if isinstance(value, float):
        return int(value) if abs(value) < _EXACT and value.is_integer() else value
    if isinstance(value, int) and not isinstance(value, bool):
        return value if _LEAST_STEP <= value <= _MOST_STEP else None
    return None


def _step_of_text(text: str) -> Step | None:
    if len(text) > 2 * MAX_NUMBER_TEXT:
        return None
    number, has_total, of = text.partition("/")
    value = _whole(_in_groups(number.strip()))
    if value is None:
        return None
    total = _whole(_in_groups(of.strip())) if has_total else None
    if has_total and not isinstance(total, int):
        return None
    return Step(value, cast(int | None, total))


def _in_groups(text: str) -> int | float | None:
    """A number whose digits may be in groups of three: `3,000`."""
    if "," not in text:
        return as_number(text.lstrip("0") or "0" if text.isdigit() else text)
    first, *groups = text.split(",")
    if not first or not all(len(group) == _DIGITS for group in groups):
        return None
    digits = first + "".join(groups)
    return as_number(digits) if len(first) <= _DIGITS and digits.isdigit() else None


def _step_of_list(values: list[object]) -> Step | None:
    outer, inner = [*map(_whole, values[:2])] if values[1:] else (None, None)
    return None if outer is None or inner is None else Step(inner, None, outer)
