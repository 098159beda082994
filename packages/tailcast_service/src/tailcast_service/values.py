"""The types of settings: how a person writes a size, a duration, a list, an address.

Each type reads text, and writes a value as a person would. The settings themselves are
not known here.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Annotated, cast
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, PlainSerializer


__all__ = [
    "ByteSize",
    "CommaList",
    "Duration",
    "PathList",
    "PathText",
    "SecretText",
    "SecretUrl",
    "format_byte_size",
    "format_duration",
    "join_commas",
    "lower_case",
    "mask_url",
    "parse_byte_size",
    "parse_duration",
    "read_list",
    "split_commas",
    "write_list",
]

BYTE_UNITS = {
    "": 1,
    "b": 1,
    "k": 1000,
    "kb": 1000,
    "kib": 1024,
    "m": 1000**2,
    "mb": 1000**2,
    "mib": 1024**2,
    "g": 1000**3,
    "gb": 1000**3,
    "gib": 1024**3,
    "t": 1000**4,
    "tb": 1000**4,
    "tib": 1024**4,
}
SECOND_UNITS: dict[str, int | Fraction] = {
    "ms": Fraction(1, 1000),
    "": 1,
    "s": 1,
    "m": 60,
    "min": 60,
    "h": 3600,
    "d": 86_400,
}

_QUANTITY = re.compile(r"(\d[\d_]*(?:\.\d+)?|\.\d+)\s*([A-Za-z]*)")
_MASK = "***"


def parse_byte_size(value: object) -> int:
    """Whole bytes from `64MiB`, `1 GB`, `1_000` or a whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    amount = _parse_quantity(value, BYTE_UNITS)
    if amount is None or amount.denominator != 1:
        raise ValueError("write a size as 64MiB, 1GB or 1000")
    return int(amount)


def format_byte_size(size: int) -> str:
    """The size with the largest binary unit that divides it."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        factor = BYTE_UNITS[unit.lower()]
        if size >= factor and size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)


def parse_duration(value: object) -> float:
    """Seconds from `20s`, `7d`, `100ms`, `0.1` or a number."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds: float | None = float(value)
    else:
        quantity = _parse_quantity(value, SECOND_UNITS)
        seconds = None if quantity is None else float(quantity)
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        raise ValueError("write a duration as 20s, 100ms, 5m, 2h or 7d")
    return seconds


def format_duration(seconds: float) -> str:
    """The duration with the largest unit that divides it."""
    for unit in ("d", "h", "m"):
        factor = SECOND_UNITS[unit]
        if seconds >= factor and seconds % factor == 0:
            return f"{seconds / factor:g}{unit}"
    return f"{seconds:g}s"


def read_list(text: str) -> tuple[str, ...] | None:
    """The texts of a JSON list of texts; None if it is not one.

    Every list may be written so, since names may contain the characters that otherwise
    separate them.
    """
    if not text.lstrip().startswith("["):
        return None
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list):
        return None
    items = cast(list[object], found)
    texts = tuple(item for item in items if isinstance(item, str))
    return texts if len(texts) == len(items) else None


def write_list(texts: Sequence[str]) -> str:
    """A JSON list in ASCII, which `read_list` can read, whatever the texts are."""
    return json.dumps(list(texts))


def split_commas(value: object) -> object:
    """The texts of a JSON list, or of a comma-separated one; else the value itself.

    In comma-separated text, empty parts and white space around parts are left out.
    """
    if not isinstance(value, str):
        return value
    if (texts := read_list(value)) is not None:
        return texts
    return tuple(part for part in (piece.strip() for piece in value.split(",")) if part)


def join_commas(texts: Sequence[str]) -> str:
    """The list as a person would write it: with commas if these can be read back."""
    joined = ",".join(texts)
    return joined if split_commas(joined) == tuple(texts) else write_list(texts)


def split_paths(value: object) -> object:
    """The paths of a JSON list, or the text as one path; else the value itself."""
    if not isinstance(value, str):
        return value
    texts = read_list(value)
    return (value,) if texts is None else texts


def check_not_empty(value: str) -> str:
    """The text, if it is not empty; unlike a minimal length, for names in any bytes."""
    if not value:
        raise ValueError("must not be empty")
    return value


def lower_case(value: object) -> object:
    """Text in lower case, since people also write words in capitals."""
    return value.lower() if isinstance(value, str) else value


def check_url(value: str) -> str:
    """The text if it looks like `scheme://…`."""
    if not re.match(r"[a-z][a-z0-9+.-]*://.", value):
        raise ValueError("write an address as redis://host:6379/0")
    return value


def mask_url(url: str) -> str:
    """The address without its password, and without the values of its query.

    Libraries read passwords and keys of a query, by names that are theirs to choose.
    """
    try:
        password = urlsplit(url).password
    except ValueError:
        return _MASK
    if password:
        url = re.sub(r"(://[^/?#]*?:)[^/?#]*@", rf"\g<1>{_MASK}@", url, count=1)
    address, mark, query = url.partition("?")
    if not re.match(r"[a-z][a-z0-9+.-]*://", address):
        return url
    return address + mark + re.sub(r"=[^&;]+", f"={_MASK}", query)


def mask_secret(secret: str) -> str:
    """Whether there is a secret, and nothing of it."""
    return _MASK if secret else ""


def _parse_quantity(
    value: object, units: Mapping[str, int | Fraction]
) -> Fraction | None:
    """The exact quantity; None if the value is not one."""
    if not isinstance(value, str):
        return None
    match = _QUANTITY.fullmatch(value.strip())
    if match is None or match[2].lower() not in units:
        return None
    return Fraction(match[1].replace("_", "")) * units[match[2].lower()]


# Whole bytes.
ByteSize = Annotated[
    int, BeforeValidator(parse_byte_size), PlainSerializer(format_byte_size)
]
# Seconds.
Duration = Annotated[
    float, BeforeValidator(parse_duration), PlainSerializer(format_duration)
]
CommaList = Annotated[
    tuple[str, ...], BeforeValidator(split_commas), PlainSerializer(join_commas)
]
# Paths have no separator, since a file's name may contain any character.
PathList = Annotated[
    tuple[str, ...], BeforeValidator(split_paths), PlainSerializer(write_list)
]
# A name in a file system.
PathText = Annotated[str, AfterValidator(check_not_empty)]
# An address that may contain a password, and is shown without it.
SecretUrl = Annotated[str, AfterValidator(check_url), PlainSerializer(mask_url)]
# A secret, of which nothing is shown.
SecretText = Annotated[str, PlainSerializer(mask_secret)]
