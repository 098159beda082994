"""The follower ends, in order or not, while lines are written."""

import threading
import time

from tests.accidents.stage import Stage, joined
from tests.accidents.table import EVERYWHERE, accident


@accident(ways=EVERYWHERE)
def stopped_amid_load(stage: Stage) -> None:
    """It is stopped and started again, three times, while lines come."""
    with _Load(stage, lines=6_000):
        for _ in range(3):
            time.sleep(0.2)
            stage.stop()
            stage.start()


@accident(ways=EVERYWHERE, kills=True)
def killed_amid_lines(stage: Stage) -> None:
    """It is killed while lines come."""
    with _Load(stage, lines=6_000):
        time.sleep(1.0)
        stage.kill()
        stage.start()


@accident(kills=True, is_long=True)
def killed_amid_load(stage: Stage) -> None:
    """It is killed twice while 200,000 lines come."""
    with _Load(stage, lines=200_000):
        for _ in range(2):
            time.sleep(2.0)
            stage.kill()
            stage.start()


class _Load:
    """A thread that appends to `a.jsonl`, a hundred lines at a time."""

    def __init__(self, stage: Stage, *, lines: int) -> None:
        self._stage = stage
        self._texts = stage.lines(lines, loss=0.5)
        stage.ledger.wrote("a.jsonl", self._texts)
        self._thread = threading.Thread(target=self._write, name="load")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_error: object) -> None:
        self._thread.join()

    def _write(self) -> None:
        seconds = 4.0 / len(self._texts) * 100
        with self._stage.path("a.jsonl").open("ab", buffering=0) as file:
            for start in range(0, len(self._texts), 100):
                file.write(joined(self._texts[start : start + 100]))
                time.sleep(min(seconds, 0.02))
