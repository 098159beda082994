"""A file system that does not answer is told, and nothing else waits for it."""

import os
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from tailcast_streams.memory.broker import MemoryBroker
from tailcast_tailer.files import file_system, session_file
from tests.tailer.harness import (
    eventually,
    lines,
    running,
    session_path,
    texts,
    wait_for_records,
)


async def test_a_tailer_whose_files_hang_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`/readyz` says so, a gauge too; both until the calls have come back."""
    monkeypatch.setattr("tailcast_tailer.files.threads.HANGING_SECONDS", 0.5)
    may_go_on = threading.Event()

    def open_slowly(path: str, flags: int) -> int:
        if "hung" in path:
            may_go_on.wait()
        return os.open(path, flags)

    names = {name: getattr(os, name) for name in dir(os) if not name.startswith("_")}
    for module in (file_system, session_file):
        monkeypatch.setattr(
            module, "os", SimpleNamespace(**names | {"open": open_slowly})
        )
    for name in ("hung", "other"):
        session_path(tmp_path, name).write_bytes(lines(1))
    adapter = MemoryBroker()
    async with running(adapter, tmp_path) as tailer:

        async def says(reason: str) -> bool:
            return tailer.why_not_ready() == reason

        def hanging() -> float | None:
            return tailer.instruments.registry.get_sample_value(
                "tailcast_tailer_hanging_calls"
            )

        try:
            await wait_for_records(adapter, "other", texts(1))
            await eventually(
                lambda: says("a file system does not answer; calls that hang: 1")
            )
            assert hanging() == 1
        finally:
            may_go_on.set()
        await wait_for_records(adapter, "hung", texts(1))
        await eventually(lambda: says(""))
        assert hanging() == 0
