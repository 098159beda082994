"""A log that thousands of files cannot flood."""

import pytest
import structlog

from tailcast_service.few_lines import MOST_LINES, WITHIN_SECONDS, FewLines
from tailcast_tailer.instruments import TOLD_AT_ONCE, Instruments
from tests.tailer.single import Clock


class Kept:
    """A log that is a list."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def info(self, event: str, **fields: object) -> None:
        """Keep it."""
        self.lines.append((event, fields))

    debug = warning = error = info


def test_of_one_kind_so_many_lines_are_written_a_minute() -> None:
    """The others are counted, and told with the next one."""
    kept, clock = Kept(), Clock()
    log = FewLines(kept, clock=clock)
    for number in range(3 * MOST_LINES):
        log.info("gone", file=number)
    log.warning("something else")
    assert len(kept.lines) == MOST_LINES + 1
    assert "more" in kept.lines[MOST_LINES - 1][1]
    assert kept.lines[-1] == ("something else", {})
    clock.now += WITHIN_SECONDS
    log.error("gone", file=-1)
    untold = {"file": -1, "not_logged_before": 2 * MOST_LINES}
    assert kept.lines[-1] == ("gone", untold)
    log.info("gone", file=-2)
    assert kept.lines[-1] == ("gone", {"file": -2})
    for _ in range(3 * MOST_LINES):
        log.debug("appended")
    assert len(kept.lines) == MOST_LINES + 3 + 3 * MOST_LINES


def test_sessions_of_one_listing_are_told_as_a_number(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The first few by name."""
    structlog.contextvars.clear_contextvars()
    instruments = Instruments(clock=Clock())
    instruments.sessions_found([(f"s{number}", "/logs") for number in range(500)])
    told = capsys.readouterr().out.splitlines()
    assert len(told) == TOLD_AT_ONCE + 1
    assert f"sessions={500 - TOLD_AT_ONCE}" in told[-1]
    instruments.files_forgotten([("/logs", f"s{number}") for number in range(500)])
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert b"tailcast_tailer_files 0.0" in instruments.exposition()
