"""The work on one file is done in order, whoever still waits for it."""

import asyncio
import threading

from tailcast_tailer.files.threads import (
    HANGING_SECONDS,
    MAX_DEVICES,
    THREADS,
    FileThreads,
)
from tests.patience import PATIENCE_SECONDS


async def test_what_was_begun_is_done_before_what_comes_after() -> None:
    """Though nobody waits for it any more; what had not begun is not done."""
    files, done = FileThreads(), list[str]()
    jobs, has_begun, may_end = files.jobs(), threading.Event(), threading.Event()

    def look() -> None:
        has_begun.set()
        may_end.wait(PATIENCE_SECONDS)
        done.append("look")

    looking = asyncio.ensure_future(jobs(look))
    await asyncio.to_thread(has_begun.wait, PATIENCE_SECONDS)
    waiting = asyncio.ensure_future(jobs(lambda: done.append("another look")))
    await asyncio.sleep(0)
    for one in (looking, waiting):
        one.cancel()
    await asyncio.gather(looking, waiting, return_exceptions=True)
    released = jobs.send(lambda: done.append("release"))
    assert await files.end(0.01) == 1
    assert not done
    may_end.set()
    await asyncio.wrap_future(released)
    assert done == ["look", "release"]


async def test_files_of_one_device_wait_for_no_others() -> None:
    """Each has threads of its own, up to a bound; beyond, they are shared."""
    files, held = FileThreads(), threading.Event()
    for _ in range(THREADS + 1):
        jobs = files.jobs()
        jobs.device = 1
        jobs.send(lambda: held.wait(PATIENCE_SECONDS))
    other = files.jobs()
    other.device = 2
    assert await other(lambda: "done") == "done"
    for device in range(3, 2 * MAX_DEVICES):
        jobs = files.jobs()
        jobs.device = device
        assert await jobs(threading.current_thread) is not None
    assert files.lane(1) == 1
    assert files.lane(3 * MAX_DEVICES) is None
    held.set()
    assert await files.end(PATIENCE_SECONDS) == 0


async def test_calls_that_hang_are_counted_until_they_come_back() -> None:
    """Not those that wait for them in vain, and not one that begins after another."""
    now = 5.0
    files, may_end = FileThreads(clock=lambda: now), threading.Event()
    jobs, has_begun = files.jobs(), threading.Event()

    def hang() -> None:
        has_begun.set()
        may_end.wait(PATIENCE_SECONDS)

    hanging = jobs.send(hang)
    waiting = jobs.send(has_begun.clear)
    await asyncio.to_thread(has_begun.wait, PATIENCE_SECONDS)
    now += HANGING_SECONDS - 1
    assert files.count_hanging() == 0
    assert await files.jobs()(lambda: "done") == "done"
    now += 1
    assert files.count_hanging() == 1
    may_end.set()
    await asyncio.wrap_future(hanging)
    await asyncio.wrap_future(waiting)
    assert await files.end(PATIENCE_SECONDS) == 0
    assert files.count_hanging() == 0


async def test_many_files_are_touched_in_one_job() -> None:
    """One that has something under way is left to it; what fails is nobody else's."""
    files, may_end, done = FileThreads(), threading.Event(), list[str]()
    busy, free, bad = files.jobs(), files.jobs(), files.jobs()
    busy.send(lambda: done.append(f"busy {may_end.wait(PATIENCE_SECONDS)}"))

    def fail() -> str:
        raise OSError

    def look() -> str:
        # What is sent meanwhile waits: the file's jobs never overlap.
        free.send(lambda: done.append("release"))
        assert not done
        return "seen"

    seen = await files.many([(busy, look), (bad, fail), (free, look)])
    assert seen == [None, None, "seen"]
    assert done == ["release"]
    assert not free.is_busy
    assert not bad.is_busy
    may_end.set()
    assert await files.end(PATIENCE_SECONDS) == 0
    assert done == ["release", "busy True"]
    assert await files.many([]) == []
