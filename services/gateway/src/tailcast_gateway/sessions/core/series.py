"""What an answer has of a session's curves, and of the catalogue of its metrics.

Pure. Which metrics were meant is decided once the entries behind the index were folded,
so that one whose first value has just come is there.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from tailcast_gateway.protocol import breaks
from tailcast_gateway.sessions.core.runs import approximate_to
from tailcast_gateway.views.thinning import MAX_FOUND_METRICS
from tailcast_index.fold import Gap, Metric, Rewind, Summary
from tailcast_index.fold.summary import TRIMMED
from tailcast_index.rollups import Series
from tailcast_index.rollups.axis import AxisName
from tailcast_streams.position import BEGINNING_CURSOR, NOTHING, Cursor, EntryID


# How many metrics one answer draws, and how many if none is named.
MAX_DRAWN = 50
DEFAULT_DRAWN = 20
# The records of a sample that are its ends, and those a metric has in a row.
_ENDS: Final = 2
_EXTREMES: Final = 2
# Of how many sessions one request draws curves.
MAX_CURVE_SESSIONS = 50
# How many rows a curve has.
MAX_ROWS = 5_000
DEFAULT_ROWS = 1_000
# How many metrics one page of a catalogue has.
MAX_CATALOGUE = 1_000
DEFAULT_CATALOGUE = 100


class Span(NamedTuple):
    """Where curves begin and end on their axis, None for their own ends."""

    low: float | None = None
    high: float | None = None


WHOLE: Final = Span()


class Chosen(NamedTuple):
    """The metrics that are drawn."""

    names: Sequence[str]
    # Those that were named and do not exist.
    unknown: Sequence[str] = ()
    # How many were left out, None if they were named.
    left_out: int | None = None


class Drawn(NamedTuple):
    """Curves, and up to where they are true."""

    series: Series
    chosen: Chosen
    # Up to where the index went, None without one, and up to where the curves go.
    indexed_to: Cursor | None
    cursor: Cursor
    # What the index says of the session, with what is behind it.
    summary: Summary
    # How many records the largest bucket has that they are drawn from.
    bucket: int


class Catalogue(NamedTuple):
    """All metrics of a session."""

    metrics: Sequence[Metric]
    # Up to where the index went, None without one.
    indexed_to: Cursor | None
    # What the index says of the session, with what is behind it.
    summary: Summary


def choose(
    known: Sequence[Metric], asked: Sequence[str] | None, *, whole: str | None = None
) -> Chosen:
    """Choose among the metrics that there are.

    Args:
        known: all of them, or those that are asked for, in their order.
        asked: those that were named; None for the first ones.
        whole: the name among them that is either one name with commas in it, or is all
            the others; None for none.
    """
    names = [one.name for one in known]
    if asked is None:
        return Chosen(names[:DEFAULT_DRAWN], (), max(0, len(names) - DEFAULT_DRAWN))
    there = set(names)
    asked = list(dict.fromkeys(asked))
    if whole is not None and len(asked) > 1:
        asked = [whole] if whole in there else [one for one in asked if one != whole]
    return Chosen(
        [one for one in asked if one in there],
        [one for one in asked if one not in there],
    )


def sampled_metrics(
    known: Sequence[Metric], asked: Sequence[str], *, points: int
) -> list[str]:
    """The metrics whose extremes are among so many records, the first by name."""
    there = {one.name for one in known}
    names = [one for one in asked if one in there]
    names = names or [one.name for one in known[:MAX_FOUND_METRICS]]
    return sorted(set(names))[: max(0, (points - _ENDS) // _EXTREMES)]


def rows_for(points: int, metrics: int) -> int:
    """How many rows have so many extremes in all."""
    return max(1, (points - _ENDS) // (_EXTREMES * max(1, metrics)))


def others_within(
    summary: Summary,
    markers: Sequence[EntryID],
    rotations: tuple[int, Sequence[EntryID]],
    *,
    after: EntryID,
    end: EntryID,
) -> list[EntryID] | None:
    """The markers and gaps between two entries; None if not all may be known."""
    if summary.emergencies > len(summary.emergency_ids):
        return None
    if summary.gap_count > len(summary.gaps):
        return None
    count, rotated = rotations
    if count > len(rotated) and after < rotated[0]:
        return None
    gaps = [gap.to for gap in summary.gaps if gap.reason != TRIMMED]
    return [id for id in (*markers, *rotated, *gaps) if after < id <= end]


def drawn_body(session: str, x: AxisName, drawn: Drawn) -> dict[str, object]:
    """Curves as clients get them."""
    body: dict[str, object] = {
        "sessionId": session,
        "x": x,
        "of": drawn.series.of,
        "bucket": drawn.bucket,
        "indexedTo": _told(drawn.indexed_to),
        "cursor": _told(drawn.cursor),
        "gaps": [_gap(one) for one in drawn.summary.gaps],
        "rewinds": [_rewind(one, x) for one in drawn.summary.rewinds],
        "series": drawn.series.curves,
        **_left_out("gapsLeftOut", drawn.summary.gap_count, drawn.summary.gaps),
        **_left_out(
            "rewindsLeftOut", drawn.summary.rewind_count, drawn.summary.rewinds
        ),
    }
    if drawn.chosen.unknown:
        body["unknown"] = drawn.chosen.unknown
    if drawn.chosen.left_out is not None:
        body["metricsLeftOut"] = drawn.chosen.left_out
    return body


def listed_body(
    session: str, listed: Catalogue, *, part: str, after: str, limit: int
) -> dict[str, object]:
    """A page of the catalogue, by name.

    Args:
        session: its name.
        listed: all its metrics.
        part: what a name has in it, whatever the case; "" for all.
        after: the last name of the page before; "" for the first page.
        limit: how many the page has at most.
    """
    wanted = part.casefold()
    found = [one for one in listed.metrics if wanted in one.name.casefold()]
    left = sorted([one for one in found if one.name > after], key=lambda one: one.name)
    page = left[:limit]
    return {
        "sessionId": session,
        "of": len(found),
        "indexedTo": _told(listed.indexed_to),
        "data": [_metric(one) for one in page],
        "cursor": page[-1].name if page else after,
        "more": len(left) > len(page),
        "leftOut": len(listed.summary.left_out.names),
        **approximate_to(listed.summary),
    }


def _gap(gap: Gap) -> dict[str, object]:
    reason = breaks.gap_reason(gap.reason)
    return breaks.gap(Cursor(gap.after, 0), Cursor(gap.to, 0), reason)


def _rewind(rewind: Rewind, x: AxisName) -> dict[str, object]:
    """A fall-back, at the first record behind it."""
    at = {"step": rewind.step, "time": rewind.time_ms, "record": rewind.records}
    return {
        "x": at[x],
        "cursor": str(Cursor(rewind.id, 0)),
        "step": rewind.step,
        "before": rewind.before,
        **({"run": rewind.lane} if rewind.lane else {}),
    }


def _left_out(name: str, count: int, told: Sequence[object]) -> dict[str, int]:
    return {name: count - len(told)} if count > len(told) else {}


def _metric(metric: Metric) -> dict[str, object]:
    return {
        "name": metric.name,
        "kind": metric.kind,
        "count": metric.count,
        "nonfinite": metric.nonfinite,
        "min": metric.min,
        "max": metric.max,
        "mean": metric.mean,
        "firstStep": metric.first_step,
        "lastStep": metric.last_step,
        "last": metric.last,
    }


def _told(cursor: Cursor | None) -> str | None:
    if cursor is None:
        return None
    return str(BEGINNING_CURSOR if cursor == NOTHING else cursor)
