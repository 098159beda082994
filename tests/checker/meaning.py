"""What gateways say of whole sessions, held against what was written.

Figures and curves are of the index and of the entries behind it, whoever keeps the
index and whatever befell it: they may take their time, and are never others than those
of the file.
"""

import json
import math
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from tests.checker.clients import Record


METRIC = "loss"
POINTS = 500
ANSWER_SECONDS = 10.0


class Unanswered(Exception):
    """Nothing is said yet; the text says why."""


def find_errors(
    urls: Sequence[str], written: Mapping[str, Sequence[Record]]
) -> Iterator[str]:
    """What the gateways at these WebSocket addresses say, and is not so.

    Raises:
        Unanswered: one of them does not answer, or says that it does not know a whole
            session yet.
    """
    for url in urls:
        for session, records in written.items():
            whole = _ask(url, "snapshot", session)
            if "indexedTo" in whole:
                raise Unanswered(f"{session} is known up to {whole['indexedTo']}")
            for what, found, expected in _figures(whole, records):
                if not _is_same(found, expected):
                    yield f"{session}: {what} is {found}, not {expected}"
            curve = _ask(url, "series", session, f"&metrics={METRIC}&points={POINTS}")
            if curve["indexedTo"] is None or curve["cursor"] != whole["cursor"]:
                raise Unanswered(f"{session} is drawn up to {curve['cursor']}")
            for what, found, expected in _curve(curve, records):
                if not _is_same(found, expected):
                    yield f"{session}: the curve's {what} is {found}, not {expected}"


def _figures(
    whole: Any, records: Sequence[Record]
) -> Iterator[tuple[str, object, object]]:
    """What a snapshot says, and what should be there."""
    yield "what is not exact", whole.keys() & {"trimmed", "approximateTo"}, set[str]()
    yield "the latest record", whole["data"], records[-1]
    yield "the first step", whole["steps"]["first"], records[0]["step"]
    yield "the last step", whole["steps"]["last"], records[-1]["step"]
    values = _values(records)
    figures = whole["metrics"][METRIC]
    yield "the last value", figures["last"], values[-1]
    yield "the least value", figures["min"], min(values)
    yield "the greatest value", figures["max"], max(values)
    yield "the mean", figures["mean"], math.fsum(values) / len(values)
    yield "the number of values", figures["count"], len(values)
    yield "the number of records", whole["records"], len(records)
    alarms = [record for record in records if "emergency" in record]
    emergencies = whole["emergencies"]
    yield "the number of emergencies", emergencies["count"], len(alarms)
    latest = emergencies["latest"]
    expected = alarms[-1] if alarms else None
    yield "the latest emergency", latest and latest["data"], expected


def _curve(
    curve: Any, records: Sequence[Record]
) -> Iterator[tuple[str, object, object]]:
    """What a curve says, and what should be there."""
    values = _values(records)
    rows = curve["series"][METRIC]
    yield "number of records", curve["of"], len(records)
    yield "gaps", curve["gaps"], []
    yield "falls", curve["rewinds"], []
    yield "number of rows", min(POINTS, len(rows["x"])), len(rows["x"])
    yield "first step", rows["x"][0], records[0]["step"]
    yield "last step", rows["x"][-1], records[-1]["step"]
    yield "number of values", sum(rows["count"]), len(values)
    yield "least value", min(rows["min"]), min(values)
    yield "greatest value", max(rows["max"]), max(values)
    pairs = zip(rows["mean"], rows["count"], strict=True)
    total = math.fsum(mean * count for mean, count in pairs)
    yield "sum", total, math.fsum(values)
    yield from _rows(rows, values)


def _rows(rows: Any, values: Sequence[float]) -> Iterator[tuple[str, object, object]]:
    """Each row of it: steps are numbers of records, and each has a value."""
    start = 0
    for x, least, greatest, count in zip(
        rows["x"], rows["min"], rows["max"], rows["count"], strict=True
    ):
        some = values[start : start + count]
        start += count
        yield f"row that ends with record {start - 1}", x, start - 1
        yield f"least value up to {x}", least, min(some, default=None)
        yield f"greatest value up to {x}", greatest, max(some, default=None)


def _values(records: Sequence[Record]) -> list[float]:
    found: list[float] = []
    for record in records:
        telemetry: Any = record["telemetry"]
        found.append(telemetry[METRIC])
    return found


def _is_same(found: object, expected: object) -> bool:
    if isinstance(found, float) and isinstance(expected, float):
        return math.isclose(found, expected, rel_tol=1e-9)
    return found == expected


def _ask(url: str, what: str, session: str, more: str = "") -> Any:
    address = f"http://{urlsplit(url).netloc}/api/{what}?sessionId={quote(session)}"
    try:
        with urllib.request.urlopen(  # noqa: S310  # ours
            address + more, timeout=ANSWER_SECONDS
        ) as answer:
            return json.load(answer)
    except (OSError, ValueError) as error:
        raise Unanswered(f"{address}: {error}") from error
