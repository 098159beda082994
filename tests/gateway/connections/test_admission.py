"""Who is refused is told when to come again, each another time."""

import pytest

from tailcast_gateway.connections.admission import (
    AWAY,
    ENDING,
    EXPORTING,
    FULL,
    Refusal,
)


@pytest.mark.parametrize("refusal", [AWAY, ENDING, EXPORTING, FULL])
def test_delays_are_within_bounds_and_differ(refusal: Refusal) -> None:
    """Those who were refused together do not come back together."""
    least, most = refusal.least_seconds, refusal.most_seconds
    delays = [refusal.delay_ms() for _ in range(50)]
    assert all(least * 1_000 <= delay <= most * 1_000 for delay in delays)
    assert len(set(delays)) > 1
    seconds = [int(refusal.retry_after()["retry-after"]) for _ in range(50)]
    assert all(least <= one <= most for one in seconds)
    assert len(set(seconds)) > 1
