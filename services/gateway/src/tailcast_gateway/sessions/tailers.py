"""Which tailers are silent: owners of watched sessions whose presence has expired.

A session that its tailer cannot tell of any more looks like one that rests; so clients
are told that its feed is stale. Nothing else follows from it: a silent tailer never
makes a gateway unready.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from tailcast_gateway.instruments import Instruments
from tailcast_gateway.sessions.core.watched import Watched
from tailcast_gateway.sessions.isolation import MAX_SESSIONS
from tailcast_gateway.sessions.watchers import Watchers
from tailcast_gateway.views.subscription import Subscription
from tailcast_streams.broker import SessionReader
from tailcast_streams.claims import contests


# A session that had rested for so long when its tailer fell silent has ended, and
# nobody waits for that tailer.
RESTING_SECONDS = 600.0


class Tailers:
    """Looks for the tailers of watched sessions."""

    def __init__(
        self,
        broker: SessionReader,
        watchers: Watchers,
        *,
        on_contests: Callable[[Mapping[str, Sequence[str]]], None],
        clock: Callable[[], float],
        instruments: Instruments,
    ) -> None:
        self._broker = broker
        self._watchers = watchers
        self._clock = clock
        self._instruments = instruments
        # Is told which sessions have more than one, and which these are.
        self._on_contests = on_contests
        # Silent owners, and since when that is known, monotonic seconds.
        self._silent_since: dict[str, float] = {}

    def are_heard(self, subscription: Subscription) -> bool:
        """Whether every session that it wants and that runs has its tailer."""
        if not self._silent_since:
            return True
        return not any(
            subscription.matches(watched.session) for watched in self._unheard()
        )

    async def look(self) -> None:
        """Ask who is there, and who contests what. Raises BrokerError."""
        claims = await self._broker.claims.read()
        tailers = {name for claim in claims for name in (claim.owner, claim.claimant)}
        here = await self._broker.present(sorted(tailers)) if tailers else set[str]()
        self._on_contests(contests(claims, here))
        owners = {one.owner for one in self._watchers.watched.values() if one.owner}
        present = await self._broker.present(sorted(owners))
        now = self._clock()
        self._silent_since = {
            owner: self._silent_since.get(owner, now) for owner in owners - present
        }
        # Another tailer may have taken their files over.
        unheard = list(self._unheard())
        for start in range(0, len(unheard), MAX_SESSIONS):
            await self._ask_again(unheard[start : start + MAX_SESSIONS])
        self._instruments.tailers_silent(
            len({watched.owner for watched in self._unheard()})
        )

    def _unheard(self) -> Iterable[Watched]:
        for watched in self._watchers.watched.values():
            since, active_at = self._silent_since.get(watched.owner), watched.active_at
            if since is None or active_at is None:
                continue
            if active_at >= since - RESTING_SECONDS:
                yield watched

    async def _ask_again(self, several: list[Watched]) -> None:
        names = [watched.session for watched in several]
        heads = await self._watchers.isolation.each(names, self._broker.heads)
        for watched in several:
            head = heads.get(watched.session)
            if head is not None and head.state is not None:
                watched.owner = head.state.owner
