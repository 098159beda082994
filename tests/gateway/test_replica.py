"""The short tasks of a replica."""

import gc
import warnings

from tests.gateway.commands.rig import commanding


async def test_a_short_task_that_never_began() -> None:
    """It is cancelled with the replica, and what it would have done is closed."""
    begun: list[bool] = []

    async def work() -> None:
        begun.append(True)

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        async with commanding() as rig:
            rig.replica.spawn(work())
            for task in rig.replica._spawned:
                task.cancel()
        gc.collect()
    assert (begun, [str(one.message) for one in told]) == ([], [])
