"""What all TCP connections of a gateway share: whose time is over."""

import asyncio

from tailcast_gateway.connections.edge import ENDED_AT_ONCE, Patience
from tests.patience import PATIENCE_SECONDS


async def test_a_few_are_ended_in_one_step() -> None:
    """However many came together, others have the loop in between."""
    ended: list[int] = [0]

    class Late:
        def ran_out(self) -> None:
            ended[-1] += 1

    patience = Patience(0.0)
    for _ in range(4 * ENDED_AT_ONCE):
        patience.begin(Late())
    async with asyncio.timeout(PATIENCE_SECONDS):
        while sum(ended) < 4 * ENDED_AT_ONCE:
            ended.append(0)
            await asyncio.sleep(0)
    assert max(ended) == ENDED_AT_ONCE
