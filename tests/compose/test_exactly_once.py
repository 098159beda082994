"""P1 on the stack as its users run it: whatever is killed, paused or cut off.

CHECK_SECONDS (120) is how long things are broken, CHECK_SEED (1) chooses what and when.
"""

import os

import pytest

from tests.checker.compose_stack import ComposeStack
from tests.checker.faults import RollingRestart
from tests.checker.run import Load, check


SECONDS = float(os.environ.get("CHECK_SECONDS", "120"))
SEED = int(os.environ.get("CHECK_SEED", "1"))
# Longer than any run: these clients leave only when they are sent away.
FOREVER = (86_400.0, 86_400.0)


@pytest.mark.timeout(300)
async def test_a_rolling_restart_loses_nobody_a_record(
    stack: ComposeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    """All are told (1012), and nobody who comes back as told is refused."""
    stack.scale(4)
    verdict = await check(
        stack,
        seed=SEED + 1_000,
        seconds=1,
        load=Load(clients=50, pause_seconds=0.5, stay_seconds=FOREVER),
        plan=RollingRestart(stack),
    )
    with capsys.disabled():
        print(f"\nrolling restart: {verdict}")  # noqa: T201  # silence is a result
    assert verdict.failures == [], str(verdict)
    assert set(verdict.closes) == {1012}
    assert verdict.closes[1012] >= 50
    assert not verdict.refusals


@pytest.mark.timeout(SECONDS + 400)
async def test_p1_nothing_is_lost_repeated_or_swapped_under_faults(
    stack: ComposeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every service is killed, paused and cut off, and the broker wiped once."""
    stack.scale(4)
    verdict = await check(
        stack,
        seed=SEED,
        seconds=SECONDS,
        load=Load(clients=50, pause_seconds=0.5),
    )
    with capsys.disabled():
        print(f"\nfaults: {verdict}\n{verdict.faults}")  # noqa: T201  # as above
    assert verdict.failures == [], str(verdict)
    assert "wipe broker" in verdict.faults
