"""Claims: what one tailer says to another about a session that both have a file for.

Pure. The owner of a session is the tailer that appended last. Another one whose file
has other bytes claims it; the owner answers that it sees its own, or loses it. What
keeps a stream right is the append, which compares; claims only say who may begin anew.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class Claim(NamedTuple):
    """A tailer wants a session that another one owns."""

    session: str
    claimant: str
    # Who owns the session, by its state.
    owner: str
    # What this asking is known by; each has another.
    token: str
    # The token of the latest asking that the owner answered; "" for none.
    seen: str = ""

    @property
    def is_answered(self) -> bool:
        """Whether the owner said that it sees a file, since this was asked."""
        return self.seen == self.token


class Claims(Protocol):
    """What the services ask of a broker; every call may raise `BrokerError`."""

    async def read(self) -> list[Claim]:
        """All claims that there are; usually none."""
        ...

    async def ask(self, claim: Claim) -> None:
        """Claim a session, in place of an earlier claim of the same tailer.

        What was answered before stays: the session is contested until it is withdrawn.
        """
        ...

    async def answer(self, claim: Claim) -> None:
        """Say as the owner that its file is seen."""
        ...

    async def withdraw(self, session: str, claimant: str) -> None:
        """Take a claim back, and what was answered."""
        ...


def contests(claims: Sequence[Claim], present: set[str]) -> Mapping[str, Sequence[str]]:
    """Sessions that several tailers see a file of, and who they are, the owner first.

    A claim of a tailer that is gone, or whose owner is, counts for nothing.
    """
    found: dict[str, list[str]] = {}
    for claim in sorted(claims):
        if claim.seen and {claim.owner, claim.claimant} <= present:
            found.setdefault(claim.session, [claim.owner]).append(claim.claimant)
    return found
