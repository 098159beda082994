"""What a snapshot shows of a session."""

import json

import pytest

from tailcast_gateway.sessions.core.told import shown_metrics
from tailcast_index.fold import Metric


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (7, 7),
        (-(2**63) + 1, -(2**63) + 1),
        (2**128, 2.0**128),
        (-(10**308) * 9, -1.7976931348623157e308),
        ("NaN", "NaN"),
        (None, None),
    ],
)
def test_figures_that_not_every_encoding_has_are_doubles(
    value: float | str | None, shown: float | str | None
) -> None:
    """Whole numbers beyond 64 bits are near enough; the records have them exactly."""
    number = None if isinstance(value, str) else value
    one = Metric("m", 0, "int", value or 0, number, number, 1.0, 1, 0, None, None)
    figures = json.loads(shown_metrics([one]))["m"]
    assert (figures["min"], figures["max"]) == (number and shown, number and shown)
    assert figures["last"] == (shown or 0)
