"""Claims: messages between two tailers that both have a file for the same session.

Pure. The owner of a session is the tailer that appended last. Another tailer whose file
has other bytes claims the session. The owner answers that it sees its own file, or it
loses the session. Claims only decide which tailer may begin the stream again. The
stream is protected by the append, which compares.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class Claim(NamedTuple):
    """A tailer wants a session that another one owns."""

    session: str
    claimant: str
    # The owner of the session, by its state.
    owner: str
    # The name of this request; each request has another one.
    token: str
    # The token of the latest request that the owner has answered; "" for none.
    seen: str = ""

    @property
    def is_answered(self) -> bool:
        """Whether the owner has answered this request: it sees its file."""
        return self.seen == self.token


class Claims(Protocol):
    """The claims in a broker; every call may raise `BrokerError`."""

    async def read(self) -> list[Claim]:
        """Read all claims; usually there are none."""
        ...

    async def ask(self, claim: Claim) -> None:
        """Claim a session, in place of an earlier claim of the same tailer.

        The earlier answer stays: the session is contested until the claim is withdrawn.
        """
        ...

    async def answer(self, claim: Claim) -> None:
        """Answer as the owner that it sees its file."""
        ...

    async def withdraw(self, session: str, claimant: str) -> None:
        """Withdraw a claim, with its answer."""
        ...


def contests(claims: Sequence[Claim], present: set[str]) -> Mapping[str, Sequence[str]]:
    """The contested sessions, each with its tailers, the owner first.

    An owner stands alone where its own file is written anew too often. A claim does not
    count if its claimant or its owner is not present.
    """
    found: dict[str, list[str]] = {}
    for claim in sorted(claims):
        if claim.seen and {claim.owner, claim.claimant} <= present:
            tailers = found.setdefault(claim.session, [claim.owner])
            if claim.claimant not in tailers:
                tailers.append(claim.claimant)
    return found
