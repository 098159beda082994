"""P1: whatever is killed, a resuming client has exactly the files' lines, in order."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.brokers import BrokerServer
from tests.checker.faults import GatewayKills
from tests.checker.run import Load, check
from tests.checker.stack import ProcessStack


# Longer than any run, seconds: such clients never leave by themselves.
STAYING = (86_400.0, 86_400.0)


@pytest.mark.parametrize(
    ("kind", "seed"),
    # What each broker does when it is killed, tests of brokers and tailers say too.
    [("valkey", 1), pytest.param("redis", 2, marks=pytest.mark.long)],
)
async def test_p1_nothing_is_lost_repeated_or_swapped_under_kills(
    own_brokers: Callable[[str], BrokerServer], tmp_path: Path, kind: str, seed: int
) -> None:
    """P5: all services and the broker are killed and paused, the broker wiped.

    What is said of whole sessions then is what the files hold, too.
    """
    stack = ProcessStack(own_brokers(kind), tmp_path, indexers=2)
    try:
        verdict = await check(stack, seed=seed, seconds=15)
    finally:
        stack.stop()
    assert verdict.failures == [], str(verdict)
    assert "wipe broker" in verdict.faults


async def test_p1_what_a_run_takes_back_is_taken_back_under_kills(
    own_brokers: Callable[[str], BrokerServer], tmp_path: Path
) -> None:
    """P2: they cut their files back to checkpoints and go on, whoever is away then.

    Clients have what the files hold in the end; so have figures and curves.
    """
    stack = ProcessStack(own_brokers("valkey"), tmp_path, indexers=2)
    try:
        verdict = await check(stack, seed=3, seconds=15, load=Load(cuts=0.005))
    finally:
        stack.stop()
    assert verdict.failures == [], str(verdict)
    assert verdict.cuts > 0


async def test_p1_a_storm_of_clients_that_come_back_loses_none_a_record(
    own_brokers: Callable[[str], BrokerServer], tmp_path: Path
) -> None:
    """One of three gateways is killed, and as soon as it is back another one.

    Nobody is refused but by 503, and nobody's connection is ended but by the kills.
    `make storm` does it with more clients, for longer.
    """
    stack = ProcessStack(own_brokers("valkey"), tmp_path, gateways=3)
    kills = GatewayKills(stack, random.Random(4), seconds=8, pause=0.5)
    try:
        verdict = await check(
            stack,
            seed=4,
            seconds=1,
            load=Load(clients=60, pause_seconds=0.5, stay_seconds=STAYING),
            plan=kills,
        )
    finally:
        stack.stop()
    assert verdict.failures == [], str(verdict)
    assert verdict.connections > 60
    assert set(verdict.closes) == {1006}
    assert set(verdict.refusals) <= {503}
