"""Finds silent tailers: owners of watched sessions that give no sign of life.

If a tailer is gone, or frozen, its sessions look as if nothing happened in them. So
clients are told that the feed of these sessions is stale. A silent tailer has no other
effect: the gateway stays ready.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from tailcast_gateway.instruments import Instruments
from tailcast_gateway.sessions.core.watched import Watched
from tailcast_gateway.sessions.isolation import MAX_SESSIONS
from tailcast_gateway.sessions.watchers import Watchers
from tailcast_gateway.views.subscription import Subscription
from tailcast_service.pauses import next_tick
from tailcast_streams.broker import SessionReader
from tailcast_streams.claims import contests
from tailcast_streams.exceptions import BrokerError


# A session without records for this long before its tailer fell silent has ended, so
# its tailer is not missed.
RESTING_SECONDS = 600.0
# How often tailers are listened for: clients are told within six seconds.
LISTEN_SECONDS = 1.0


class Tailers:
    """Looks whether the tailers of watched sessions are there."""

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
        # Called with the contested sessions and the tailers of each.
        self._on_contests = on_contests
        # The silent tailers, and since when they are known to be, monotonic seconds.
        self._silent_since: dict[str, float] = {}

    def are_heard(self, subscription: Subscription) -> bool:
        """Whether the tailers of all its running sessions are there."""
        if not self._silent_since:
            return True
        return not any(
            subscription.matches(watched.session)
            for watched in self._unheard(self._silent_since)
        )

    @property
    def silent(self) -> list[str]:
        """The silent tailers of watched sessions that run."""
        return sorted({one.owner for one in self._unheard(self._silent_since)})

    async def run(self) -> None:
        """Listen until cancelled, whatever the broker does."""
        while True:
            try:
                await self.listen()
            except BrokerError as error:
                self._instruments.broker_failed("tailers", error)
            await next_tick(LISTEN_SECONDS)

    async def look(self) -> None:
        """Read which tailers are there and what they contest. Raises BrokerError."""
        claims = await self._broker.claims.read()
        tailers = {name for claim in claims for name in (claim.owner, claim.claimant)}
        here = await self._broker.present(sorted(tailers)) if tailers else set[str]()
        self._on_contests(contests(claims, here))
        await self.listen(is_thorough=True)

    async def listen(self, *, is_thorough: bool = False) -> None:
        """Find out which tailers are silent. Raises BrokerError.

        Whether somebody else has taken over the files of a silent one is asked when it
        falls silent, and if `is_thorough`.
        """
        owners = {one.owner for one in self._watchers.watched.values() if one.owner}
        awake = await self._broker.awake(sorted(owners)) if owners else set[str]()
        now, known = self._clock(), self._silent_since
        silent = {owner: known.get(owner, now) for owner in owners - awake}
        # Nobody is told before it is known who has the files now.
        if is_thorough or not silent.keys() <= known.keys():
            unheard = [*self._unheard(silent)]
            for start in range(0, len(unheard), MAX_SESSIONS):
                await self._ask_again(unheard[start : start + MAX_SESSIONS])
        self._silent_since = silent
        self._instruments.tailers_silent(len(self.silent))

    def _unheard(self, silent_since: Mapping[str, float]) -> Iterable[Watched]:
        for watched in self._watchers.watched.values():
            since, active_at = silent_since.get(watched.owner), watched.active_at
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
