"""How fast records come: an exponentially weighted mean. Pure; times are arguments.

The tailer stores the mean at the last append. A reader lets it fade by the time since
then; otherwise a session that has stopped would seem to go on.
"""

import math


# The time over which the mean is taken: records this old count about a third.
RATE_SECONDS = 60.0


def rate_after(rate: float, *, seconds: float, records: int) -> float:
    """The mean after `records` more came in `seconds`, records per second.

    Without a time (a session's first records, or a clock that was set back) they count
    as if they came within `RATE_SECONDS`.
    """
    if seconds <= 0:
        return rate + records / RATE_SECONDS
    kept = math.exp(-seconds / RATE_SECONDS)
    return rate * kept + records / seconds * (1 - kept)


def rate_at(rate: float, *, updated_ms: int, now_ms: int) -> float:
    """The mean now, if it was stored at `updated_ms` and nothing came since then."""
    return rate * math.exp(-max(0, now_ms - updated_ms) / 1_000 / RATE_SECONDS)
