"""Figures of sessions in a form that every encoding has. Pure."""

import sys


# How long whole numbers are that MessagePack has, whatever their sign.
_MOST_BITS = 63
# The largest whole number that a double is near to.
_LARGEST = int(sys.float_info.max)


def as_double(value: float | str | None) -> float | str | None:
    """A figure; the double that is nearest to a whole number beyond 64 bits."""
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return float(max(-_LARGEST, min(value, _LARGEST)))
    return value
