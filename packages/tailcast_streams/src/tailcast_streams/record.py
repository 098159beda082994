"""What a record is: one JSON object, strict enough for every later reader.

Pure. The tailer checks each line here once; afterwards its bytes are put into frames
without another check. So a line that `JSON.parse`, the gateway's parser or those of
other languages could not read is mended here, token by token (`mending`), or rejected.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast

import msgspec

from tailcast_streams.mending import mended
from tailcast_streams.nesting import TOO_DEEP, is_too_deep
from tailcast_streams.numbers import read_step
from tailcast_streams.times import FAR_MS, read_time_ms


_T = TypeVar("_T")
_V = TypeVar("_V")


class Record(NamedTuple):
    """A line that is a record."""

    # Strict JSON in UTF-8 without a newline; the producer's own bytes, if possible.
    data: bytes
    # Whether the top-level `emergency` is an object.
    is_emergency: bool


class Invalid(NamedTuple):
    """A line that is not a record, and why, in words for people."""

    reason: str


class _Shape(msgspec.Struct):
    """The field that is decoded in every line; the others are only checked."""

    emergency: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_decode = msgspec.json.Decoder(_Shape).decode
_decode_any = msgspec.json.Decoder().decode
_decode_fields = msgspec.json.Decoder(dict[str, object]).decode

# Maps digits to "0" and "E" to "e", so that three substring searches find every number
# that may be too large; a regular expression takes forty times as long. They search
# from the end: a letter is compared first then, and digits are more frequent.
_NUMBER_SHAPE = bytes.maketrans(b"123456789E", b"000000000e")
_MANY_DIGITS = b"0" * 19
_MAY_BE_LARGE = (_MANY_DIGITS, b"e000", b"e+000")
# No floating-point number is equal to an odd number beyond 2^53.
_BETWEEN_NUMBER = 4_611_686_018_427_387_847
_BETWEEN = b",%d," % _BETWEEN_NUMBER
# A shorter whole number fits a double; our parser would accept longer ones.
_HUGE = re.compile(rb"[0-9]{309}")

# Whole numbers of 64 bits, signed or not: MessagePack can hold them.
INT64: Final = range(-(2**63), 2**64)


def needs_care(text: bytes) -> bool:
    """Whether lines within this text must be read with `careful=True`.

    This costs far less for a whole chunk than for each line. It is needed since the
    parser skips fields without checking the UTF-8 of strings and the range of numbers.
    """
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError:
            return True
    shape = text.translate(_NUMBER_SHAPE)
    return any(shape.rfind(number) >= 0 for number in _MAY_BE_LARGE)


def parse_record(line: bytes, *, careful: bool = True) -> Record | Invalid:
    """Check one line, white space around it removed already.

    Args:
        careful: False only if `needs_care` is False for a text that has the line.
    """
    if is_too_deep(line):
        return Invalid(TOO_DEEP)
    try:
        shape = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _mended(line)
    if careful and not _is_strict(line):
        return _mended(line)
    return Record(line, _is_emergency(shape))


def _is_emergency(shape: _Shape) -> bool:
    emergency = shape.emergency
    return emergency is not msgspec.UNSET and bytes(emergency)[:1] == b"{"


def has_long_number(text: bytes) -> bool:
    """Whether anything in this text has 19 digits in a row."""
    return text.translate(_NUMBER_SHAPE).rfind(_MANY_DIGITS) >= 0


def emergencies_among(lines: Sequence[bytes], *, careful: bool) -> list[int] | None:
    """Which of these lines are emergencies, by their places, if each is a record.

    None if one may not be. `parse_record` would accept each of these lines unchanged.

    Args:
        lines: as in `decode_together`; long numbers count only if that is used.
        careful: as in `parse_record`. True takes eight times as long.
    """
    if careful:
        records = decode_together(lines)
        if records is None:
            return None
        return [
            at for at, one in enumerate(records) if type(one.get("emergency")) is dict
        ]
    try:
        shapes = [*map(_decode, lines)]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return [at for at, shape in enumerate(shapes) if _is_emergency(shape)]


def decode_together(lines: Sequence[bytes]) -> list[dict[str, Any]] | None:
    """Decode lines together if each is a record; None if one may not be.

    `parse_record` would accept each of these lines unchanged; this costs less.

    Args:
        lines: the lines, without white space around them. None of them may have a long
            number or be nested too deeply.
    """
    try:
        values: list[Any] = _decode_any(b"[%b]" % _BETWEEN.join(lines))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    # Lines that are not JSON may be JSON together: `{"a":[{}` and `{}]}`. But no line
    # has as many digits as the number that is put between them. So if that number is
    # between all values, each line is one whole value.
    records, between = values[::2], values[1::2]
    if len(records) != len(lines) or between.count(_BETWEEN_NUMBER) != len(between):
        return None
    return records if {*map(type, records)} <= {dict} else None


def _is_strict(line: bytes) -> bool:
    if _HUGE.search(line):
        return False
    try:
        _decode_any(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def _mended(line: bytes) -> Record | Invalid:
    """Read a line that Python accepts and strict readers refuse."""
    try:
        # Check the line before it is mended: `{NaN:1}` would be valid afterwards. Its
        # values are not needed, and Python refuses numbers of more than 4,300 digits.
        json.loads(line.decode(), parse_int=str, parse_float=str, parse_constant=str)
    except UnicodeDecodeError:
        return Invalid("not UTF-8")
    except ValueError as error:
        return Invalid(f"not JSON: {error}")
    data = mended(line)
    fields = _decode_any(data)
    if not isinstance(fields, dict):
        return Invalid("not a JSON object")
    emergency = cast(dict[str, object], fields).get("emergency")
    return Record(data, isinstance(emergency, dict))


class Progress(NamedTuple):
    """The step and time of a record."""

    # The training step, or None if no known key holds one.
    step: int | float | None
    # Unix milliseconds, or None if no known key holds a time.
    time_ms: int | None


def read_progress(
    record: bytes, *, step_keys: Sequence[str], time_keys: Sequence[str]
) -> Progress:
    """Find step and time by ordered lists of keys, at the top or one level down.

    What counts as a step and as a time is in `numbers` and `times`. It is told of one
    record alone; of a session's records `tailcast_index` chooses one key.
    """
    fields = _decode_fields(record)
    levels = [((), fields), *_inner(fields)]
    step = first_found(levels, step_keys, step_of)
    time = first_found(levels, time_keys, time_ms_of)
    return Progress(
        None if step is None else step.value, None if time is None else time.value
    )


class Found(NamedTuple, Generic[_T]):
    """A value that was found by an ordered list of keys, with its path."""

    # The names of the fields that lead to it, the key last.
    path: tuple[str, ...]
    value: _T


def first_found(
    levels: Iterable[tuple[tuple[str, ...], Mapping[str, _V]]],
    keys: Sequence[str],
    read: Callable[[_V], _T | None],
) -> Found[_T] | None:
    """The first value that `read` accepts: level by level, and there key by key.

    Args:
        levels: the objects, each with its path, the top first.
        keys: the keys, in the order in which they are tried.
        read: returns the value of a field, None if it does not accept it.
    """
    for path, level in levels:
        for key in keys:
            if key in level and (value := read(level[key])) is not None:
                return Found((*path, key), value)
    return None


def _inner(
    fields: dict[str, object],
) -> list[tuple[tuple[str, ...], dict[str, object]]]:
    return [
        ((name,), cast(dict[str, object], value))
        for name, value in fields.items()
        if isinstance(value, dict)
    ]


def step_of(value: object) -> int | float | None:
    """A value as a step, None if it is not one."""
    step = read_step(value)
    return None if step is None else step.value


def time_ms_of(value: object) -> int | None:
    """A value as a time, whenever it is read, Unix milliseconds; None if it is none."""
    return read_time_ms(value, latest_ms=FAR_MS)
