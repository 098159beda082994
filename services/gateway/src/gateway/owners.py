"""Which tailers are silent: owners of watched sessions whose presence has expired.

A session that its tailer cannot tell of any more looks like one that rests; so clients
are told that its feed is stale. Nothing else follows from it: a silent tailer never
makes a gateway unready.
"""

from collections.abc import Callable, Iterable

from gateway.channel import Channel
from gateway.contests import Contests
from gateway.hub import Hub
from gateway.instruments import Instruments
from gateway.subscription import Subscription
from telemetry_stream.broker import SessionReader
from telemetry_stream.claims import contests


# A session that had rested for so long when its tailer fell silent has ended, and
# nobody waits for that tailer.
RESTING_SECONDS = 600.0
# Sessions whose owner is asked for anew in one round trip.
MAX_SESSIONS = 512


class Owners:
    """Looks for the tailers of watched sessions."""

    def __init__(
        self,
        broker: SessionReader,
        hub: Hub,
        *,
        clock: Callable[[], float],
        instruments: Instruments,
    ) -> None:
        self._broker = broker
        self._hub = hub
        self._clock = clock
        self._instruments = instruments
        # Tells of sessions that have more than one.
        self._contests = Contests(hub, instruments=instruments)
        # Silent owners, and since when that is known, monotonic seconds.
        self._silent_since: dict[str, float] = {}

    def are_heard(self, subscription: Subscription) -> bool:
        """Whether every session that it wants and that runs has its tailer."""
        if not self._silent_since:
            return True
        return not any(
            subscription.matches(channel.session) for channel in self._unheard()
        )

    async def look(self) -> None:
        """Ask who is there, and who contests what. Raises BrokerError."""
        claims = await self._broker.claims.read()
        tailers = {name for claim in claims for name in (claim.owner, claim.claimant)}
        here = await self._broker.present(sorted(tailers)) if tailers else set[str]()
        self._contests.note(contests(claims, here))
        owners = {one.owner for one in self._hub.channels.values() if one.owner}
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
            len({channel.owner for channel in self._unheard()})
        )

    def _unheard(self) -> Iterable[Channel]:
        for channel in self._hub.channels.values():
            since, active_at = self._silent_since.get(channel.owner), channel.active_at
            if since is None or active_at is None:
                continue
            if active_at >= since - RESTING_SECONDS:
                yield channel

    async def _ask_again(self, channels: list[Channel]) -> None:
        names = [channel.session for channel in channels]
        heads = await self._hub.isolation.each(names, self._broker.heads)
        for channel in channels:
            head = heads.get(channel.session)
            if head is not None and head.state is not None:
                channel.owner = head.state.owner
