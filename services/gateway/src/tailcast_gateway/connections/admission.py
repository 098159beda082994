"""Refusals of new connections, with a delay after which the client may come again.

A connection is refused before it is accepted. Programs wait longer and longer after a
refusal, but a client that was accepted and then closed would come back at once. Delays
vary by chance, so that clients that were refused together do not come back together.
The connections are counted in `upkeep`.
"""

import math
import random
from dataclasses import dataclass
from typing import Final

from tailcast_gateway.connections.core.handshakes import Answer, json_answer
from tailcast_gateway.protocol.client_messages import (
    TOO_OFTEN,
    UNAVAILABLE,
    ErrorCode,
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why new connections are refused now."""

    # The reason for people, in the answer.
    text: str
    # After how long the client may come again: the shortest and the longest delay.
    least_seconds: float
    most_seconds: float
    # The status over HTTP, and the code of an `error`.
    status: int = 503
    code: ErrorCode = UNAVAILABLE

    def delay_ms(self) -> int:
        """A random delay, milliseconds."""
        seconds = random.uniform(self.least_seconds, self.most_seconds)  # noqa: S311  # jitter
        return int(seconds * 1_000)

    def answer(self, at_least: float = 0.0) -> Answer:
        """The answer over HTTP, as all errors have it; `at_least` is as below."""
        return json_answer(
            self.status, self.code, self.text, **self.retry_after(at_least)
        )

    def retry_after(self, at_least: float = 0.0) -> dict[str, str]:
        """A random delay as a header of HTTP, in whole seconds."""
        return {"retry-after": str(math.ceil(at_least + self.delay_ms() / 1_000))}


# There is room when some client leaves; that may take a while.
FULL: Final = Refusal("too many connections", 5.0, 15.0)
# There is room when one of the same address or subject leaves ...
CROWDED: Final = Refusal(
    "too many connections from this address", 5.0, 15.0, 429, TOO_OFTEN
)
ALIKE: Final = Refusal("too many connections with this sub", 5.0, 15.0, 429, TOO_OFTEN)
# ... or when a moment has passed.
HASTY: Final = Refusal(
    "too many new connections from this address", 1.0, 5.0, 429, TOO_OFTEN
)
# There is room when clients leave, or another replica takes the client.
SCARCE: Final = Refusal("too little memory is left", 5.0, 15.0)
# Another replica takes the clients, or this one when it has restarted within seconds.
ENDING: Final = Refusal("shutting down", 1.0, 3.0)
# There is room when some of those that guess have been answered.
GUESSING: Final = Refusal("too many wrong tokens at once", 1.0, 5.0)
# The broker may be back at any time.
AWAY: Final = Refusal("the broker is away", 1.0, 3.0)
# Others have their turns, which they have had for long.
BUSY: Final = Refusal("others are served", 1.0, 5.0)
# The session is made anew by whoever owns what of it cannot be read.
UNREADABLE: Final = Refusal("the session cannot be read now", 3.0, 8.0)
# There is room when another export ends.
EXPORTING: Final = Refusal("too many exports at once", 1.0, 5.0, 429, TOO_OFTEN)
# An indexer reads the session when it gets to it.
UNINDEXED: Final = Refusal("the session is long and not indexed yet", 1.0, 5.0)
