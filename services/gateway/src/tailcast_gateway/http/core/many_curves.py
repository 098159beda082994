"""Reads what a request asks for that wants the curves of several sessions.

Pure. The body is JSON, and as strict as a message of the stream.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from tailcast_gateway.http.core.bodies import SeriesQueryBody
from tailcast_gateway.http.core.parameters import place_in
from tailcast_gateway.protocol.client_messages import INVALID_MESSAGE, InvalidMessage
from tailcast_gateway.sessions.core.series import Span
from tailcast_index.rollups.axis import AxisName


# The longest body: 50 sessions and 50 metrics, with names as long as can be.
MAX_BODY_BYTES = 1024 * 1024


class CurvesWanted(NamedTuple):
    """Curves of several sessions, drawn alike."""

    sessions: Sequence[str]
    # The metrics, None for the first ones of each.
    metrics: Sequence[str] | None
    points: int
    x: AxisName
    span: Span


def curves_wanted(body: bytes) -> CurvesWanted:
    """Read the body of a request. Raises InvalidMessage."""
    try:
        asked = msgspec.json.decode(body, type=SeriesQueryBody)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InvalidMessage(INVALID_MESSAGE, f"body: {error}") from None
    is_time = asked.x == "time"
    low, high = (
        None if place is msgspec.UNSET else str(place)
        for place in (asked.from_, asked.to)
    )
    span = Span(
        place_in("from", low, is_time=is_time), place_in("to", high, is_time=is_time)
    )
    return CurvesWanted(
        sessions=list(dict.fromkeys(asked.session_ids)),
        metrics=None if asked.metrics is msgspec.UNSET else asked.metrics,
        points=asked.points,
        x=asked.x,
        span=span,
    )
