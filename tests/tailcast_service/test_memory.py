import subprocess
import sys


ASK = """
import gc
from tailcast_service.memory import hold_back_collector
hold_back_collector()
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
        timeout=30,
    )
    assert finished.stdout.split() == ["True", "0", "True"]
