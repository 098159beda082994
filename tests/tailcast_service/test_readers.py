"""Who reads often is waited for, and nobody else."""

import asyncio

import pytest

from tailcast_service.readers import LONGEST_SECONDS, SLACK_SECONDS, Readers
from tests.patience import PATIENCE_SECONDS


class Clock:
    """A clock that stands still unless it is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Where a test wants one."""
    return Clock()


def read_every(seconds: float, clock: Clock) -> Readers:
    """What was read three times so, the last time just now."""
    readers = Readers(clock=clock)
    for pause in (0.0, seconds, seconds):
        clock.now += pause
        readers.note()
    return readers


def test_nobody_reads(clock: Clock) -> None:
    """Nor does a person who looked once."""
    readers = Readers(clock=clock)
    assert readers.patience_seconds == 0
    readers.note()
    assert readers.patience_seconds == 0


def test_as_long_as_the_next_read_takes(clock: Clock) -> None:
    """Counted from the last one."""
    readers = read_every(5.0, clock)
    assert readers.patience_seconds == 5.0 + SLACK_SECONDS
    clock.now += 4.0
    assert readers.patience_seconds == 1.0 + SLACK_SECONDS


def test_who_reads_seldom_or_no_more_is_not_waited_for(clock: Clock) -> None:
    """An end is not put off for what may never come."""
    assert read_every(LONGEST_SECONDS + 1.0, clock).patience_seconds == 0
    readers = read_every(5.0, clock)
    clock.now += 60.0
    assert readers.patience_seconds == 0


async def test_it_is_over_with_the_next_read(clock: Clock) -> None:
    """Not before, and at once if it has come meanwhile."""
    readers = read_every(5.0, clock)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await readers.wait(reads=readers.reads - 1)
        waiting = asyncio.create_task(readers.wait(reads=readers.reads))
        await asyncio.sleep(0)
        assert not waiting.done()
        readers.note()
        await waiting


async def test_it_is_over_if_nobody_reads(clock: Clock) -> None:
    """Whoever read has gone away."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        await read_every(0.01 - SLACK_SECONDS, clock).wait(reads=3)
