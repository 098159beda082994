"""What changes is told at once, by the kernel, whatever it is called."""

import asyncio
import errno
import os
import shutil
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tailcast_tailer.core.watches import Notification, Observed, Watches
from tailcast_tailer.files.threads import FileThreads
from tailcast_tailer.finding import hints as hints_module
from tailcast_tailer.finding.hints import Hints, reason_of
from tailcast_tailer.finding.inotify import Inotify, has_inotify
from tailcast_tailer.instruments import Instruments
from tests.tailer.harness import PATIENCE_SECONDS, append, eventually


needs_inotify = pytest.mark.skipif(not has_inotify(), reason="no inotify here")


class Told:
    """What was told of some paths."""

    def __init__(self, hints: Hints) -> None:
        self.hints = hints
        self.paths: asyncio.Queue[set[str]] = asyncio.Queue()

    async def until(self, path: Path) -> None:
        """Until this is told."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while str(path) not in await self.paths.get():
                pass

    async def follow(self) -> None:
        """Keep what is told."""
        async for paths in self.hints.changes():
            self.paths.put_nowait(paths)


@asynccontextmanager
async def watching(
    *watched: Path, instruments: Instruments | None = None
) -> AsyncGenerator[Told]:
    """The hints of some paths, once they work."""
    files = FileThreads()
    hints = Hints(
        [str(path) for path in watched],
        instruments=instruments or Instruments(),
        jobs=files.jobs(),
    )
    told = Told(hints)
    task = asyncio.create_task(told.follow())

    async def are_working() -> bool:
        assert not task.done(), task
        return hints.are_working

    await eventually(are_working)
    try:
        yield told
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await files.end(PATIENCE_SECONDS) == 0


async def test_notifications_end_with_who_guards_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A watch that nobody guards any more is told, and begun anew."""
    failures: list[str] = []
    instruments = Instruments()
    monkeypatch.setattr(instruments, "hints_failed", failures.append)
    files = FileThreads()
    hints = Hints([str(tmp_path)], instruments=instruments, jobs=files.jobs())
    look, looks = hints._identities, 0

    def fail_once() -> dict[str, object]:
        nonlocal looks
        looks += 1
        if looks == 2:
            raise LookupError("a bad guard")
        return look()

    monkeypatch.setattr(hints, "_identities", fail_once)
    change = asyncio.ensure_future(anext(hints.changes()))

    async def has_told() -> bool:
        return failures == ["a bad guard"]

    await eventually(has_told)
    change.cancel()
    await asyncio.gather(change, return_exceptions=True)
    assert await files.end(PATIENCE_SECONDS) == 0


@needs_inotify
async def test_a_name_that_is_no_utf_8_ends_nothing(tmp_path: Path) -> None:
    """It is told as any other, and so is what comes after it."""
    good, bad = tmp_path / "a.jsonl", tmp_path / "b" / os.fsdecode(b"caf\xe9.log")
    bad.parent.mkdir()
    async with watching(tmp_path) as told:
        for _ in range(3):
            append(bad, b"{}\n")
            await told.until(bad)
            append(good, b"{}\n")
            await told.until(good)
        assert told.hints.are_working


@needs_inotify
async def test_what_is_in_a_new_directory_is_told(tmp_path: Path) -> None:
    """Though it was written before anybody could watch it; and what comes later."""
    async with watching(tmp_path) as told:
        path = tmp_path / "a" / "b" / "c.jsonl"
        append(path, b"{}\n")
        await told.until(path)
        append(path, b"{}\n")
        await told.until(path)


@needs_inotify
async def test_a_directory_that_moves_is_known_by_its_new_name(tmp_path: Path) -> None:
    """What leaves the tree is told no more."""
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    elsewhere.mkdir()
    append(root / "a" / "b" / "c.jsonl", b"{}\n")
    async with watching(root) as told:
        (root / "a").rename(root / "z")
        moved = root / "z" / "b" / "c.jsonl"
        await told.until(moved)
        append(moved, b"{}\n")
        await told.until(moved)
        (root / "z" / "b").rename(elsewhere / "b")
        await told.until(root / "z" / "b")
        append(elsewhere / "b" / "c.jsonl", b"{}\n")
        append(root / "d.jsonl", b"{}\n")
        await told.until(root / "d.jsonl")
        assert told.paths.empty()


@needs_inotify
async def test_a_directory_behind_a_link_is_told_by_the_link(tmp_path: Path) -> None:
    """One that is there at the start, and one that comes; circles end."""
    root, real = tmp_path / "root", tmp_path / "real"
    append(real / "sub" / "a.jsonl", b"{}\n")
    (real / "sub" / "round").symlink_to(real)
    root.mkdir()
    (root / "first").symlink_to(real)
    async with watching(root) as told:
        append(real / "sub" / "a.jsonl", b"{}\n")
        await told.until(root / "first" / "sub" / "a.jsonl")
        (root / "second").symlink_to(real)
        await told.until(root / "second" / "sub" / "a.jsonl")
        append(real / "sub" / "a.jsonl", b"{}\n")
        await told.until(root / "second" / "sub" / "a.jsonl")


@needs_inotify
async def test_a_file_that_is_named_is_told_alone(tmp_path: Path) -> None:
    """However it is replaced, and wherever it leads; its neighbours are not."""
    file, link = tmp_path / "a" / "a.jsonl", tmp_path / "b" / "b.jsonl"
    real = tmp_path / "c" / "c.jsonl"
    for path in (file, real):
        append(path, b"{}\n")
    link.parent.mkdir()
    link.symlink_to(real)
    async with watching(file, link) as told:
        append(file, b"{}\n")
        await told.until(file)
        append(real, b"{}\n")
        await told.until(link)
        append(file.parent / "other", b"{}\n")
        append(file.parent / "new", b"{}\n{}\n")
        (file.parent / "new").rename(file)
        await told.until(file)
        while not told.paths.empty():
            assert told.paths.get_nowait() <= {str(file), str(link)}


@needs_inotify
async def test_another_directory_in_the_place_of_one_is_watched(
    tmp_path: Path,
) -> None:
    """And all that is in it is told: it may have been written before."""
    root = tmp_path / "root"
    append(root / "a.jsonl", b"{}\n")
    async with watching(root) as told:
        shutil.rmtree(root)
        append(tmp_path / "new" / "b.jsonl", b"{}\n")
        (tmp_path / "new").rename(root)
        await told.until(root / "b.jsonl")
        append(root / "b.jsonl", b"{}\n")
        await told.until(root / "b.jsonl")


@needs_inotify
async def test_after_a_loss_all_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's queue has an end."""
    instruments = Instruments()
    for name in ("a", "b/c"):
        append(tmp_path / name, b"{}\n")
    async with watching(tmp_path, instruments=instruments) as told:
        take = Watches.take

        def overflowed(self: Watches, some: Iterable[Notification]) -> Observed:
            taken = take(self, some)
            monkeypatch.setattr(Watches, "take", take)
            return taken._replace(have_lost=True)

        monkeypatch.setattr(Watches, "take", overflowed)
        append(tmp_path / "a", b"{}\n")
        await told.until(tmp_path / "b" / "c")
    lost = instruments.registry.get_sample_value("tailcast_tailer_hints_lost_total")
    assert lost == 1.0


@needs_inotify
async def test_a_bound_of_the_kernel_is_told_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is to be raised; the watch is tried again."""
    failures: list[str] = []
    instruments = Instruments()
    monkeypatch.setattr(instruments, "hints_failed", failures.append)
    monkeypatch.setattr(hints_module, "HINTS_RETRY_SECONDS", (0.01, 0.01))
    real = Inotify.add

    def full(self: Inotify, path: str, *, only_directories: bool = True) -> int | None:
        if len(failures) < 2:
            raise OSError(errno.ENOSPC, "raise fs.inotify.max_user_watches")
        return real(self, path, only_directories=only_directories)

    monkeypatch.setattr(Inotify, "add", full)
    async with watching(tmp_path, instruments=instruments) as told:
        assert len(failures) == 2
        assert "fs.inotify.max_user_watches" in failures[0]
        append(tmp_path / "a", b"{}\n")
        await told.until(tmp_path / "a")


async def test_without_inotify_watchfiles_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on other systems than Linux."""
    monkeypatch.setattr(hints_module, "has_inotify", lambda: False)
    async with watching(tmp_path) as told:
        path = tmp_path / "a.jsonl"
        task = asyncio.create_task(told.until(path))

        async def is_told() -> bool:
            # It begins to watch at some time after it was asked to.
            append(path, b"{}\n")
            return task.done()

        await eventually(is_told)


def test_the_first_of_several_errors_is_the_reason() -> None:
    """Not that there were several."""
    group = ExceptionGroup("unhandled", [ExceptionGroup("more", [OSError("full")])])
    assert reason_of(group) == "full"
    assert reason_of(LookupError()) == "LookupError"
