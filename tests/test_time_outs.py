"""Tests that take too long end, whatever else goes on in them."""

import subprocess
import sys
from pathlib import Path
from time import sleep

import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.internal.conjecture import engine

from tests.time_outs import SMALLER_SECONDS


ROOT = Path(__file__).parent.parent
PROPERTY = """
import signal
import time
from pathlib import Path
import pytest
from hypothesis import given, strategies as st

@pytest.mark.timeout(90)
@given(st.integers(0, 10**9))
def test_one(number: int) -> None:
    with Path("{calls}").open("a") as calls:
        calls.write("x")
    {body}
"""


def run(tmp_path: Path, body: str) -> tuple[str, int]:
    """What pytest says of a property, and how many examples it had."""
    calls = tmp_path / "calls"
    test = tmp_path / "test_property.py"
    text = PROPERTY.format(body=body, calls=calls)
    test.write_text(text)
    finished = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-p", "tests.conftest", "-n", "0",
            "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path), str(test),
        ],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )  # fmt: skip  # as a command
    assert finished.returncode == 1, finished.stdout + finished.stderr
    return finished.stdout, len(calls.read_text())


def test_one_that_hangs_is_not_made_smaller(tmp_path: Path) -> None:
    """It ends with the example at which its time was over."""
    # The time is over while it sleeps.
    over = "signal.setitimer(signal.ITIMER_REAL, 0.01)"
    said, calls = run(tmp_path, f"if number > 0: {over}; time.sleep(120)")
    assert "OutOfTimeError: Timeout (>90.0s) from pytest-timeout" in said
    assert calls <= 100


def test_one_that_fails_slowly_is_told_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made smaller for so long, and told as it is then."""
    assert engine.MAX_SHRINKING_SECONDS == SMALLER_SECONDS
    monkeypatch.setattr(engine, "MAX_SHRINKING_SECONDS", 0.1)
    failed: list[int] = []

    @settings(database=None)
    @given(st.integers(0, 10**300))
    def fails(number: int) -> None:
        if number >= 10**100:
            failed.append(number)
            sleep(0.05)
            pytest.fail("too large")

    with pytest.raises(pytest.fail.Exception, match="too large"):
        fails()
    # (The clock is looked at between two examples, and the last one comes again.)
    assert len(failed) < 15
