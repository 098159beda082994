"""The session IDs that are offered for one that does not exist.

The list of sessions is read for this at most every few seconds, whoever asks. So many
who ask for what does not exist cost no more than one; those beyond a number in a second
are offered nothing.
"""

from collections.abc import Callable, Sequence
from itertools import islice

from tailcast_gateway.sessions.core.similar import similar_to
from tailcast_gateway.sessions.stored import Stored
from tailcast_gateway.views.grant import Grant


# How long a list is used, how many of its latest names, and how often in a second.
NAMES_SECONDS = 10.0
MAX_NAMES = 2_000
MAX_ANSWERS = 10


class Similar:
    """Offers names; one for a replica."""

    def __init__(self, stored: Stored, *, clock: Callable[[], float]) -> None:
        self._stored = stored
        self._clock = clock
        # The latest names, and when they were read.
        self._names: Sequence[str] = ()
        self._read_at = float("-inf")
        # The second that runs now, and how often it was asked in it.
        self._second = 0.0
        self._asked = 0

    async def to(self, session: str, grant: Grant) -> list[str]:
        """The names most like this one that a grant allows. Raises BrokerError."""
        now = self._clock()
        if now - self._second >= 1:
            self._second, self._asked = now, 0
        self._asked += 1
        if self._asked > MAX_ANSWERS:
            return []
        if now - self._read_at >= NAMES_SECONDS:
            latest = await self._stored.latest()
            self._names, self._read_at = list(islice(latest, MAX_NAMES)), now
        return similar_to(session, [*filter(grant.allows, self._names)])
