"""How fast records come: an exponentially weighted mean. Pure; time is an argument.

The tailer stores the mean as it was at the last append; whoever shows it lets it fade
by the time since then, or a session that stopped would seem to go on.
"""

import math


# The time over which the mean is taken: what is older by so much counts a third.
RATE_SECONDS = 60.0


def rate_after(rate: float, *, seconds: float, records: int) -> float:
    """The mean after so many records came in so many seconds, records per second.

    Without a time (a session's first records, a clock that was set back) they count as
    if they came within the time of the mean.
    """
    if seconds <= 0:
        return rate + records / RATE_SECONDS
    kept = math.exp(-seconds / RATE_SECONDS)
    return rate * kept + records / seconds * (1 - kept)


def rate_at(rate: float, *, updated_ms: int, now_ms: int) -> float:
    """The mean now, of one stored at `updated_ms`, if nothing came since then."""
    return rate * math.exp(-max(0, now_ms - updated_ms) / 1_000 / RATE_SECONDS)
