"""What a file is, as its first bytes tell: a run, or something else beside it.

Pure. Asked only of files that nobody named: what a pattern or a command names is
followed whatever it holds. A verdict that says "waiting" is asked for again when the
file has grown or rests.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from itertools import islice
from typing import NamedTuple, cast

import msgspec

from tailcast_streams.nesting import TOO_DEEP
from tailcast_streams.record import Invalid, parse_record, step_of, time_ms_of
from tailcast_tailer.core.beside import TOLD_BESIDE, is_beside
from tailcast_tailer.core.envelopes import Envelope, is_enveloped, unwrapped
from tailcast_tailer.core.formats import format_of
from tailcast_tailer.core.forms import BYTE_ORDER_MARK
from tailcast_tailer.core.patterns import LINE_EXTENSIONS


# How much of a file is looked at.
SNIFFED_BYTES = 65_536
# Records in it that are looked at.
HEAD_RECORDS = 50
# Fewer records than this are no data set.
DATA_RECORDS = 20
# How deep a step or a time may lie.
MOST_LEVELS = 4
# A text of this many characters is content rather than a label.
LONG_TEXT = 32
# Configuration, whatever a line of it may look like.
_CONFIGURATION = (".yaml", ".yml", ".toml", ".ini", ".cfg")
# The keys of a program's log: none of them measures anything.
_LOG_KEYS = frozenset(
    {
        "asctime", "caller", "component", "created", "datetime", "event", "filename",
        "file", "func", "funcName", "function", "level", "levelname", "levelno",
        "line", "lineno", "logger", "message", "module", "msecs", "msg", "name", "pid",
        "process", "severity", "source", "stack", "target", "thread", "threadName",
        "time", "timestamp", "ts", "version",
    }
)  # fmt: skip  # a list of names
_LOG_SPEAKS = frozenset({"level", "levelname", "severity"})


class Nature(Enum):
    """Whether a file is followed."""

    RUN = "run"
    # It does not show yet what it is.
    WAITING = "waiting"
    LEFT_OUT = "left out"


class Judged(NamedTuple):
    """A verdict, and the reason in words for people."""

    nature: Nature
    reason: str = ""


_RUN = Judged(Nature.RUN)


def judge_head(
    head: bytes,
    name: str,
    *,
    is_whole: bool,
    is_resting: bool,
    has_grown: bool,
    step_keys: Sequence[str],
    time_keys: Sequence[str],
) -> Judged:
    """Tell from a file's first bytes whether it is a run.

    Args:
        head: its first bytes, `SNIFFED_BYTES` at most.
        name: the last part of its path.
        is_whole: whether that is all there is of it.
        is_resting: whether it has not changed for a while.
        has_grown: whether it was seen to grow since it was there.
        step_keys: where records have their step.
        time_keys: where records have their time.
    """
    is_named_so = name.endswith(LINE_EXTENSIONS)
    reason = None if is_named_so else _other_format(head, name)
    if reason is not None:
        return Judged(Nature.LEFT_OUT, reason)
    lines = _lines(head, is_whole=is_whole, is_resting=is_resting)
    found = (record for line in lines if (record := _record_in(line)) is not None)
    records = [*islice(found, HEAD_RECORDS)]
    if not records:
        if is_named_so and (lines or not is_whole):
            # Its lines are rejected, and the rejections say why.
            return _RUN
        return _without_records(lines, is_whole=is_whole, is_resting=is_resting)
    fields = [*map(_fields_of, records)]
    if _is_log(fields):
        return Judged(Nature.LEFT_OUT, "a log: its lines have level and message only")
    if any(_has_progress(one, step_keys, time_keys, MOST_LEVELS) for one in fields):
        return _RUN
    is_alone = len(records) == 1 and not is_named_so
    return _without_progress(
        fields, is_alone=is_alone, is_resting=is_resting, has_grown=has_grown
    )


def _other_format(head: bytes, name: str) -> str | None:
    if is_beside(name):
        return TOLD_BESIDE
    if name.endswith(_CONFIGURATION):
        return "configuration"
    return format_of(head)


def _without_progress(
    fields: Sequence[Mapping[str, object]],
    *,
    is_alone: bool,
    is_resting: bool,
    has_grown: bool,
) -> Judged:
    """Records without a step and a time: measurements, data, or configuration."""
    if not any(fields):
        return Judged(Nature.WAITING, "an empty object")
    if has_grown:
        return _RUN
    if is_alone:
        return Judged(Nature.WAITING, "one object: configuration, or results")
    if len(fields) < DATA_RECORDS or not all(map(_is_content, fields)):
        return _RUN
    if is_resting:
        return Judged(Nature.LEFT_OUT, "data: its lines have no step and no time")
    return Judged(Nature.WAITING, "no step and no time in its lines yet")


def _without_records(
    lines: Sequence[bytes], *, is_whole: bool, is_resting: bool
) -> Judged:
    if not is_whole:
        return Judged(Nature.LEFT_OUT, "none of its first lines is a record")
    if not lines:
        return Judged(Nature.WAITING, "no whole line in it yet")
    if is_resting:
        return Judged(Nature.LEFT_OUT, "none of its lines is a record")
    return Judged(Nature.WAITING, "no line of it is a record yet")


def _lines(head: bytes, *, is_whole: bool, is_resting: bool) -> list[bytes]:
    """The lines that are whole, not blank, without a container's envelopes."""
    text = head.removeprefix(BYTE_ORDER_MARK)
    lines = text.split(b"\n")
    rest = lines.pop()
    if is_whole and is_resting:
        lines.append(rest)
    stripped = [line for text in lines if (line := text.strip())]
    for envelope in (Envelope.DOCKER, Envelope.CRI):
        if stripped and is_enveloped(stripped[0], envelope):
            inner = unwrapped(
                stripped,
                0,
                envelope,
                max_line_bytes=SNIFFED_BYTES,
                max_lines=len(stripped),
                is_all=True,
            )
            return [line for text in inner.lines.texts if (line := text.strip())]
    return stripped


def _record_in(line: bytes) -> bytes | None:
    """The record that a line is, or that stands behind a prefix; None without one."""
    for text in (line, line[max(line.find(b"{"), 0) :]):
        found = parse_record(text)
        if not isinstance(found, Invalid):
            return found.data
        if found.reason == TOO_DEEP:
            # One that is rejected for its depth alone is a line of records all the
            # same; nothing is known of what it holds.
            return b'{"step":0}'
    return None


def _fields_of(record: bytes) -> Mapping[str, object]:
    return cast(Mapping[str, object], msgspec.json.decode(record))


def _has_progress(
    fields: Mapping[str, object],
    step_keys: Sequence[str],
    time_keys: Sequence[str],
    levels: int,
) -> bool:
    """Whether a step or a time is in it, at the top or within."""
    if any(step_of(fields.get(key)) is not None for key in step_keys):
        return True
    if any(time_ms_of(fields.get(key)) is not None for key in time_keys):
        return True
    inner = [
        cast(Mapping[str, object], value)
        for value in fields.values()
        if isinstance(value, dict)
    ]
    return levels > 1 and any(
        _has_progress(value, step_keys, time_keys, levels - 1) for value in inner
    )


def _is_log(fields: Sequence[Mapping[str, object]]) -> bool:
    return all(one.keys() <= _LOG_KEYS for one in fields) and any(
        one.keys() & _LOG_SPEAKS for one in fields
    )


def _is_content(fields: Mapping[str, object]) -> bool:
    """Whether it is text rather than measurements."""
    values = [*fields.values()]
    has_number = any(isinstance(value, int | float) for value in values)
    is_long = any(
        isinstance(value, str) and len(value) >= LONG_TEXT for value in values
    )
    return is_long or not has_number
