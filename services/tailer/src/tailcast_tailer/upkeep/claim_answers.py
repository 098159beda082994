"""Answers to the claims of other tailers: whether this one still sees the file.

Reads the claims every second; there are hardly ever any. A tailer that does not follow
the file, cannot see it or is too slow does not answer, and so loses the session.
"""

from collections.abc import Callable

from tailcast_service.pauses import next_tick
from tailcast_streams.broker import SessionWriter
from tailcast_streams.claims import Claim
from tailcast_streams.exceptions import BrokerError
from tailcast_tailer.following.follower import Follower
from tailcast_tailer.instruments import Instruments
from tailcast_tailer.upkeep.presence import Presence


CLAIMS_SECONDS = 1.0


class Answers:
    """The answers of one tailer."""

    def __init__(
        self,
        writer: SessionWriter,
        presence: Presence,
        *,
        owner: str,
        instruments: Instruments,
        look_at: Callable[[str], None],
        has_claimed: Callable[[str], bool],
    ) -> None:
        """Prepare.

        Args:
            look_at: has the file of a path looked at, before all others.
            has_claimed: whether this tailer has a claim on a session.
        """
        self._writer = writer
        self._presence = presence
        self._owner = owner
        self._instruments = instruments
        # Followed files, by session.
        self._watched: dict[str, Follower] = {}
        # Claims for which a file is being looked at: the sightings that it had before.
        self._before: dict[str, int] = {}
        self._look_at = look_at
        self._has_claimed = has_claimed

    def include(self, followed: object) -> None:
        """Answer for this file too."""
        if isinstance(followed, Follower):
            self._watched[followed.session] = followed

    def exclude(self, followed: object) -> None:
        """Answer no longer for this file."""
        if isinstance(followed, Follower):
            self._watched.pop(followed.session, None)

    async def run(self) -> None:
        """Answer until cancelled."""
        while True:
            await self._presence.wait_until_up()
            try:
                await self.look()
            except BrokerError as error:
                self._presence.lost(error, "claims")
            await next_tick(CLAIMS_SECONDS)

    async def look(self) -> None:
        """Answer what can be answered now. Raises BrokerError."""
        claims = await self._writer.claims.read()
        open_ = {
            claim.token: claim
            for claim in claims
            if claim.owner == self._owner and not claim.is_answered
        }
        self._before = {
            token: count for token, count in self._before.items() if token in open_
        }
        for claim in open_.values():
            await self._answer(claim)
        for claim in claims:
            if claim.claimant == self._owner and not self._has_claimed(claim.session):
                # It was made before a restart, and nobody would settle it.
                await self._writer.claims.withdraw(claim.session, self._owner)
        for claimant in {claim.claimant for claim in claims} - {self._owner}:
            await self._forget_if_gone(claimant, claims)

    async def _answer(self, claim: Claim) -> None:
        watched = self._watched.get(claim.session)
        if watched is None:
            return
        before = self._before.setdefault(claim.token, watched.sightings)
        if watched.sightings > before:
            await self._writer.claims.answer(claim)
            self._instruments.claim_answered(claim.session, claim.claimant)
        else:
            self._look_at(watched.path)

    async def _forget_if_gone(self, claimant: str, claims: list[Claim]) -> None:
        """Withdraw the claims of a tailer that is gone."""
        if await self._writer.is_present(claimant):
            return
        for claim in claims:
            if claim.claimant == claimant:
                await self._writer.claims.withdraw(claim.session, claimant)
