import asyncio
import gc
import subprocess
import sys

import pytest

from tailcast_service.memory import collect_after
from tests.patience import PATIENCE_SECONDS


ASK = """
import gc
from tailcast_service.memory import collect_rarely, keep_what_is_loaded
collect_rarely()
keep_what_is_loaded()
frozen, looks = gc.get_freeze_count(), []
gc.callbacks.append(lambda phase, info: looks.append(phase))
kept = [[] for _ in range(10_000)]
print(frozen > 1_000, len(looks), gc.isenabled())
"""


def test_pages_of_records_pass_without_a_collection() -> None:
    """What was loaded is looked at no more, and the collector stays on for the rest."""
    finished = subprocess.run(
        [sys.executable, "-c", ASK],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    assert finished.stdout.split() == ["True", "0", "True"]


@pytest.mark.parametrize("how", ["begun", "too late", "cancelled"])
async def test_the_collector_rests_until_a_service_has_begun(how: str) -> None:
    """For so long at most; and whatever ends that, it works on."""
    begun = asyncio.Event()
    most_seconds = 0.01 if how == "too late" else PATIENCE_SECONDS
    resting = asyncio.create_task(collect_after(begun, most_seconds=most_seconds))
    await asyncio.sleep(0)
    try:
        assert not gc.isenabled()
        if how == "begun":
            begun.set()
        elif how == "cancelled":
            resting.cancel()
        await asyncio.wait([resting])
        assert gc.isenabled()
    finally:
        gc.unfreeze()
