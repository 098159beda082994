"""Whether this tailer may begin a session anew that it did not append to last.

A session is owned by a tailer that sees its file. If the owner is gone or gave the
session up, this tailer succeeds it at once. If the owner is present, it is asked, and
has to answer in time that it sees a file too. If it does, two machines have different
files under one name: nothing is rebuilt, a warning is logged, and the owner is asked
again. A tailer whose own file has to wait claims the session from itself, so that who
watches it is told. What never lives here: looking at files.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from tailcast_streams.broker import SessionWriter
from tailcast_streams.claims import Claim
from tailcast_tailer.instruments import Instruments


# How long the owner has to look and to answer; it reads the claims every second.
ANSWER_SECONDS = 10.0


@dataclass(slots=True)
class _Asked:
    """A claim that was sent to an owner."""

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
        """Restart the time to answer: the broker was away, and no owner could."""
        for asked in self._asked.values():
            asked.at = self._clock()

    async def may_begin_anew(self, session: str, holder: str) -> bool:
        """Whether the session may be rebuilt from our file. Raises BrokerError.

        Args:
            session: the session whose file has other bytes here than are stored.
            holder: the owner in the state that was just read.
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

    def has_claimed(self, session: str) -> bool:
        """Whether a claim on a session is not settled."""
        return session in self._asked

    async def wait(self, session: str) -> None:
        """Say that our own file has to wait. Raises BrokerError."""
        if session in self._asked:
            return
        token = secrets.token_hex(8)
        claim = Claim(session, self._owner, self._owner, token, token)
        self._asked[session] = _Asked(claim, self._clock())
        await self._writer.claims.ask(claim)
        await self._writer.claims.answer(claim)

    async def settle(self, session: str) -> None:
        """Withdraw the claim on a session, if there is one. Raises BrokerError."""
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
            # It was made before a restart, or to a former owner.
            await self._writer.claims.withdraw(session, self._owner)
        claim = Claim(session, self._owner, holder, secrets.token_hex(8))
        self._asked[session] = _Asked(claim, self._clock())
        await self._writer.claims.ask(claim)
