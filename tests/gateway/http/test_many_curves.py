"""What a request for the curves of several sessions asks for."""

import pytest

from tailcast_gateway.http.core.many_curves import CurvesWanted, curves_wanted
from tailcast_gateway.protocol.client_messages import InvalidMessage
from tailcast_gateway.sessions.core.series import DEFAULT_ROWS, WHOLE, Span


def test_each_session_is_drawn_once() -> None:
    """In the order in which they are named first, by the defaults."""
    wanted = curves_wanted(b'{"sessionIds":["b","a","b"]}')
    assert wanted == CurvesWanted(["b", "a"], None, DEFAULT_ROWS, "step", WHOLE)


def test_places_are_numbers_or_times() -> None:
    """As in a query."""
    wanted = curves_wanted(
        b'{"sessionIds":["a"],"metrics":["a,b"],"x":"time","points":7,'
        b'"from":5,"to":"2025-12-18T01:30:00Z"}'
    )
    assert wanted == CurvesWanted(["a"], ["a,b"], 7, "time", Span(5, 1_766_021_400_000))


@pytest.mark.parametrize(
    "body",
    [b"\xff", b"[" * 9_000, b'{"sessionIds":"a"}', b'{"sessionIds":["a"],"points":0}'],
)
def test_what_is_none_is_refused(body: bytes) -> None:
    """With where it is wrong."""
    with pytest.raises(InvalidMessage, match="body: "):
        curves_wanted(body)
