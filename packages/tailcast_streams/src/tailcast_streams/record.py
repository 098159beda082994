"""What a record is: one JSON object, strict enough for every reader downstream.

Pure. A line is checked here once, at the tailer; after that its bytes are spliced into
frames unseen. So what `JSON.parse`, the gateway's parser or those of other languages
could not take is mended here, token by token (`mending`), or rejected, never later.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast

import msgspec

from tailcast_streams.mending import mended
from tailcast_streams.nesting import TOO_DEEP, is_too_deep


_T = TypeVar("_T")
_V = TypeVar("_V")


class Record(NamedTuple):
    """A line that is a record."""

    # Strict JSON, UTF-8, no newline inside: the producer's own bytes if they were so.
    data: bytes
    # Whether the top-level `emergency` is an object.
    is_emergency: bool


class Invalid(NamedTuple):
    """A line that is no record, and why, in words for people."""

    reason: str


class _Shape(msgspec.Struct):
    """What is looked at in every line; the rest is only checked."""

    emergency: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_decode = msgspec.json.Decoder(_Shape).decode
_decode_any = msgspec.json.Decoder().decode
_decode_fields = msgspec.json.Decoder(dict[str, object]).decode

# Maps digits to "0" and "E" to "e", so that two substring searches find every number
# that may be too large; a regular expression takes forty times as long.
_NUMBER_SHAPE = bytes.maketrans(b"123456789E", b"000000000e")
_MANY_DIGITS = b"0" * 19
# An odd number beyond 2^53 is equal to no floating-point number.
_BETWEEN_NUMBER = 4_611_686_018_427_387_847
_BETWEEN = b",%d," % _BETWEEN_NUMBER
# No shorter whole number is beyond a double; parsers of ours take longer ones.
_HUGE = re.compile(rb"[0-9]{309}")

# Whole numbers of 64 bits, signed or not: what MessagePack holds, and encoders write.
INT64: Final = range(-(2**63), 2**64)

_STEP_TEXT = re.compile(r"\s*([0-9]{1,15})\s*(?:/\s*[0-9]+\s*)?$", re.ASCII)
_EARLIEST_SECONDS = 1e9
# Below the limit a time is in units of so many to the millisecond.
_TIME_UNITS = ((1e11, 1e-3), (1e14, 1), (1e17, 1e3), (1e20, 1e6))


def needs_care(text: bytes) -> bool:
    """Whether lines within this text must be read with `careful=True`.

    Costs far less for a whole chunk than for each line. Parsers skip strings that
    nobody asked for without checking their UTF-8, and numbers without their range.
    """
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError:
            return True
    shape = text.translate(_NUMBER_SHAPE)
    return _MANY_DIGITS in shape or b"e000" in shape or b"e+000" in shape


def parse_record(line: bytes, *, careful: bool = True) -> Record | Invalid:
    """Check one line, white space around it removed already.

    Args:
        careful: False only if `needs_care` said so of a text that holds the line.
    """
    if is_too_deep(line):
        return Invalid(TOO_DEEP)
    try:
        shape = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _mended(line)
    if careful and not _is_strict(line):
        return _mended(line)
    emergency = shape.emergency
    return Record(line, emergency is not msgspec.UNSET and bytes(emergency)[:1] == b"{")


def has_long_number(text: bytes) -> bool:
    """Whether anything in this text has 19 digits in a row."""
    return _MANY_DIGITS in text.translate(_NUMBER_SHAPE)


def decode_together(lines: Sequence[bytes]) -> list[dict[str, Any]] | None:
    """Decode lines at once, if each is a record as it stands; None if one may not be.

    What it decodes, `parse_record` takes as it is; it costs less than as many calls.

    Args:
        lines: without white space around them, of a text without a long number, none
            of them nested too deeply.
    """
    try:
        values: list[Any] = _decode_any(b"[%b]" % _BETWEEN.join(lines))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    # Lines that are no JSON may be so together: `{"a":[{}` and `{}]}`. But no line has
    # as many digits as what is put between them; so if it is found between all values
    # it was between whole values, and each line is one.
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
    """Read what Python writes and strict readers refuse."""
    try:
        # Before it is mended: `{NaN:1}` would be JSON then. Its values are not needed,
        # and Python refuses to convert numbers of more than 4,300 digits.
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
    """Where a record says that the run is."""

    # The training step, or None if no known key holds one.
    step: int | float | None
    # Unix milliseconds, or None if no known key holds a time.
    time_ms: int | None


def read_progress(
    record: bytes, *, step_keys: Sequence[str], time_keys: Sequence[str]
) -> Progress:
    """Find step and time by ordered lists of keys, at the top or one level down.

    Steps come as numbers or `"5/250"`, times as seconds,
    milliseconds, microseconds or ISO 8601; one without a zone is UTC. A number below
    1e9 is a duration (detectron2 and mmengine write seconds per iteration as `time`).
    """
    fields = _decode_fields(record)
    levels = [((), fields), *_inner(fields)]
    step = first_found(levels, step_keys, as_step)
    time = first_found(levels, time_keys, as_time_ms)
    return Progress(
        None if step is None else step.value, None if time is None else time.value
    )


class Found(NamedTuple, Generic[_T]):
    """A value that was found by an ordered list of keys, and where."""

    # The names that lead to it, the key last.
    path: tuple[str, ...]
    value: _T


def first_found(
    levels: Iterable[tuple[tuple[str, ...], Mapping[str, _V]]],
    keys: Sequence[str],
    read: Callable[[_V], _T | None],
) -> Found[_T] | None:
    """The first value that `read` takes: level by level, and there key by key.

    Args:
        levels: objects with the path to each, the top first.
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


def as_step(value: object) -> int | float | None:
    """The step that a value is, None if it is none: a whole one has 64 bits."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value in INT64 else None
    if isinstance(value, float):
        return value
    if isinstance(value, str) and (match := _STEP_TEXT.match(value)) is not None:
        return int(match[1])
    return None


def as_time_ms(value: object) -> int | None:
    """The time that a value is, Unix milliseconds; None if it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return _time_from_text(value)
    if not isinstance(value, int | float) or value < _EARLIEST_SECONDS:
        return None
    for limit, per_ms in _TIME_UNITS:
        if value < limit:
            return int(value / per_ms) if per_ms >= 1 else int(value * 1_000)
    return None


def _time_from_text(text: str) -> int | None:
    try:
        return as_time_ms(float(text))
    except ValueError:
        pass
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return int(time.timestamp() * 1_000)
