"""Whether this tailer may begin a session anew that it did not append to last.

Ownership belongs to who sees the file. An owner that is gone, or gave the session up,
is succeeded at once; one that is there is asked, and has to answer in time that it sees
a file too. If it does, two machines see different files under one name: nothing is
rebuilt, it is told, and asked again. What never lives here: looking at files.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from tailcast_streams.broker import SessionWriter
from tailcast_streams.claims import Claim
from tailcast_tailer.instruments import Instruments


# So long the owner has to look and to answer; it asks for claims every second.
ANSWER_SECONDS = 10.0


@dataclass(slots=True)
class _Asked:
    """What an owner was asked."""

    claim: Claim
    # By a steady clock.
    at: float


class Claimant:
    """The claims of one tailer."""

    def __init__(
        self,
        writer: SessionWriter,
        *,
        owner: str,
        instruments: Instruments,
        clock: Callable[[], float],
    ) -> None:
        self._writer = writer
        self._owner = owner
        self._instruments = instruments
        self._clock = clock
        # Claims that are not settled, by session.
        self._asked: dict[str, _Asked] = {}

    def ask_again(self) -> None:
        """The broker was away, so that nobody could answer: time begins anew."""
        for asked in self._asked.values():
            asked.at = self._clock()

    async def may_begin_anew(self, session: str, holder: str) -> bool:
        """Whether what this tailer sees counts. Raises BrokerError.

        Args:
            session: the session whose file has other bytes here than are stored.
            holder: who owns it, by its state as it was just read.
        """
        if holder in ("", self._owner) or not await self._writer.is_present(holder):
            return True
        asked = self._asked.get(session)
        if asked is None or asked.claim.owner != holder:
            await self._ask(session, holder)
            return False
        if self._clock() - asked.at < ANSWER_SECONDS:
            return False
        found = await self._stored(session)
        if found is not None and found.token == asked.claim.token:
            if not found.is_answered:
                self._instruments.claim_unanswered(session, holder)
                return True
            self._instruments.rewrite_refused(session, holder)
        # Also where the broker forgot the claim: then nobody could answer it.
        await self._ask(session, holder)
        return False

    async def settle(self, session: str) -> None:
        """Nothing is claimed any more of a session. Raises BrokerError."""
        if session not in self._asked:
            return
        await self._writer.claims.withdraw(session, self._owner)
        del self._asked[session]

    async def _stored(self, session: str) -> Claim | None:
        for claim in await self._writer.claims.read():
            if (claim.session, claim.claimant) == (session, self._owner):
                return claim
        return None

    async def _ask(self, session: str, holder: str) -> None:
        before = self._asked.get(session)
        if before is None or before.claim.owner != holder:
            # Of an earlier life, or to an owner that is none any more.
            await self._writer.claims.withdraw(session, self._owner)
        claim = Claim(session, self._owner, holder, secrets.token_hex(8))
        await self._writer.claims.ask(claim)
        self._asked[session] = _Asked(claim, self._clock())
