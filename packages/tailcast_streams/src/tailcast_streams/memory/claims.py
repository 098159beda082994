"""Claims in this process's memory, as a part of `MemoryBroker`."""

from collections.abc import Awaitable, Callable

from tailcast_streams.claims import Claim


class MemoryClaims:
    """`Claims` in memory."""

    def __init__(
        self,
        stored: Callable[[], dict[tuple[str, str], Claim]],
        *,
        reachable: Callable[[], Awaitable[None]],
    ) -> None:
        # Returns what is stored now, since the broker may forget.
        self._stored = stored
        self._reachable = reachable

    async def read(self) -> list[Claim]:
        await self._reachable()
        return sorted(self._stored().values())

    async def ask(self, claim: Claim) -> None:
        await self._reachable()
        key = (claim.session, claim.claimant)
        before = self._stored().get(key)
        seen = "" if before is None else before.seen
        self._stored()[key] = claim._replace(seen=seen)

    async def answer(self, claim: Claim) -> None:
        await self._reachable()
        key = (claim.session, claim.claimant)
        if (asked := self._stored().get(key)) is not None:
            self._stored()[key] = asked._replace(seen=claim.token)

    async def withdraw(self, session: str, claimant: str) -> None:
        await self._reachable()
        self._stored().pop((session, claimant), None)
