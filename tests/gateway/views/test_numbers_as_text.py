"""Numbers that a producer writes as texts are numbers for filters."""

from typing import Any

import pytest

from tailcast_gateway.views.filters import parse_filter


@pytest.mark.parametrize(
    ("condition", "found", "is_match"),
    [
        ({"op": "gt", "value": 8}, "8.700", True),
        ({"op": "gt", "value": 9}, "8.700", False),
        ({"op": "lte", "value": -1e-3}, "-1e-3", True),
        ({"op": "eq", "value": 8.7}, "8.700", True),
        ({"op": "eq", "value": 8}, "8.700", False),
        ({"op": "eq", "value": 1}, True, False),
        ({"op": "neq", "value": 8.7}, "8.700", False),
        ({"op": "eq", "value": "8.7"}, "8.700", False),
        ({"op": "in", "value": [1, 8.7]}, "8.700", True),
        ({"op": "nin", "value": [1, 8.7]}, "8.700", False),
        ({"op": "in", "value": ["8.7", "x"]}, "8.700", False),
        ({"op": "in", "value": [1, "8.700"]}, "8.700", True),
        ({"op": "finite", "value": True}, "8.700", True),
        ({"op": "finite", "value": True}, "8.700 s", False),
        ({"op": "finite", "value": False}, "8.700", False),
        ({"op": "lt", "value": 9}, "007", False),
        ({"op": "lt", "value": 9}, "eight", False),
    ],
)
def test_a_text_that_is_wholly_a_number(
    condition: dict[str, Any], found: object, is_match: bool
) -> None:
    """It is one for conditions that name numbers, and a text for the others."""
    matches = parse_filter({"metric": "loss", **condition}).matches
    assert matches({"loss": found}) is is_match
