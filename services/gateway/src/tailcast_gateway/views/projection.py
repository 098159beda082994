"""Projections: records with only some of their metrics, their step and their time.

Pure. All that is kept stays in its place, exactly as it was written: numbers are not
decoded and encoded again. The index, the list of steps and times beside the records, is
made here too. Both are told by the session's index if it is known how that reads
records; else each record is looked at by itself.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from msgspec import Raw

from tailcast_gateway.protocol.limits import MAX_METRIC_CHARACTERS, MAX_METRICS
from tailcast_gateway.views.reading import Reading
from tailcast_streams.record import first_found, read_progress, step_of, time_ms_of


_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class InvalidProjection(Exception):  # it is what the client sent
    """The `metrics` are invalid; the text tells the client what to fix."""


class Index(NamedTuple):
    """The steps and times of records, in the same order."""

    steps: list[int | float | None]
    # Unix milliseconds.
    times: list[int | None]


def index(
    records: Iterable[bytes],
    reading: Reading | None = None,
    *,
    step_keys: Sequence[str],
    time_keys: Sequence[str],
) -> Index:
    """Find the steps and times of records; None where a record has none."""
    found = Index([], [])
    for record in records:
        try:
            if reading is None:
                progress = read_progress(
                    record, step_keys=step_keys, time_keys=time_keys
                )
            else:
                progress = reading.progress(record)
        except (ValueError, RecursionError):
            found.steps.append(None)
            found.times.append(None)
            continue
        found.steps.append(progress.step)
        found.times.append(progress.time_ms)
    return found


@dataclass(frozen=True, slots=True)
class Projection:
    """The metrics that are kept of each record; equal if these are the same."""

    metrics: frozenset[str]
    # The keys of step and time, in the order in which they are tried.
    step_keys: tuple[str, ...] = field(compare=False, repr=False)
    time_keys: tuple[str, ...] = field(compare=False, repr=False)
    # Each metric with the parts of its dotted path, if it has dots.
    _paths: tuple[tuple[str, tuple[str, ...]], ...] = field(compare=False, repr=False)

    @classmethod
    def of(
        cls,
        metrics: Iterable[str],
        *,
        step_keys: Sequence[str],
        time_keys: Sequence[str],
    ) -> "Projection":
        """Check what a client asked for.

        Raises:
            InvalidProjection: too many metrics, or a name that is empty or too long.
        """
        names = frozenset(metrics)
        if len(names) > MAX_METRICS:
            raise InvalidProjection(f"metrics has more than {MAX_METRICS} names")
        if any(not 0 < len(name) <= MAX_METRIC_CHARACTERS for name in names):
            limit = f"{MAX_METRIC_CHARACTERS:,}"
            raise InvalidProjection(f"metrics: a name has 1 to {limit} characters")
        paths = tuple(
            (name, tuple(name.split(".")) if "." in name else ())
            for name in sorted(names)
        )
        return cls(names, tuple(step_keys), tuple(time_keys), paths)

    def project(self, record: bytes, reading: Reading | None = None) -> bytes:
        """The record with the kept metrics; whole if it cannot be decoded."""
        try:
            top = _Object(_decode_object(record))
            if reading is None:
                self._keep_progress(top)
            else:
                for path in reading.paths:
                    _keep_path(top, path)
            self._keep_metrics(top)
            return _encode(top.kept())
        except (ValueError, RecursionError):
            return record

    def _keep_progress(self, top: "_Object") -> None:
        step = first_found(_levels(top), self.step_keys, _read_step)
        time = first_found(_levels(top), self.time_keys, _read_time)
        for found in (step, time):
            if found is not None:
                _keep_path(top, found.path)

    def _keep_metrics(self, top: "_Object") -> None:
        telemetry = top.open("telemetry")
        for name, path in self._paths:
            if name in top.fields:
                top.keep(name)
            elif telemetry is not None and name in telemetry.fields:
                telemetry.keep(name)
            elif path and not _keep_path(top, path) and telemetry is not None:
                _keep_path(telemetry, path)


class _Object:
    """One object of a record, with the fields of it that are kept."""

    __slots__ = ("_kept", "_opened", "fields")

    def __init__(self, fields: dict[str, Raw]) -> None:
        # All fields, as they were written.
        self.fields = fields
        # The names of fields that are kept whole.
        self._kept: set[str] = set()
        # The fields that were opened; None for one that is not an object.
        self._opened: dict[str, _Object | None] = {}

    def open(self, name: str) -> "_Object | None":
        """The field as an object, None if it is not one."""
        if name in self._opened:
            return self._opened[name]
        raw = self.fields.get(name)
        inner = None
        if raw is not None and bytes(raw).startswith(b"{"):
            inner = _Object(_decode_object(raw))
        self._opened[name] = inner
        return inner

    def keep(self, name: str) -> None:
        """Keep a field whole."""
        self._kept.add(name)

    def kept(self) -> dict[str, object]:
        """The kept fields, in the record's order, without objects that are empty."""
        opened = {name: one for name, one in self._opened.items() if one is not None}
        wanted = self._kept | opened.keys()
        kept: dict[str, object] = {}
        # Of thousands of fields a few are wanted.
        for name in filter(wanted.__contains__, self.fields):
            if name in self._kept:
                kept[name] = self.fields[name]
            elif part := opened[name].kept():
                kept[name] = part
        return kept


def _keep_path(start: _Object, path: Sequence[str]) -> bool:
    """Keep the field at a path; returns False if there is none."""
    *names, last = path
    at = start
    for name in names:
        inner = at.open(name)
        if inner is None:
            return False
        at = inner
    if last not in at.fields:
        return False
    at.keep(last)
    return True


def _levels(top: _Object) -> Iterator[tuple[tuple[str, ...], dict[str, Raw]]]:
    yield (), top.fields
    for name in top.fields:
        if (inner := top.open(name)) is not None:
            yield (name,), inner.fields


def _read_step(raw: Raw) -> int | float | None:
    return step_of(_decode(raw))


def _read_time(raw: Raw) -> int | None:
    return time_ms_of(_decode(raw))
