"""Rotation: by the real logrotate, by Python's handler, by hand."""

import logging
import logging.handlers
import os
import shutil
import subprocess
import time
from collections.abc import Callable

from tests.accidents.stage import Stage, joined
from tests.accidents.table import EVERYWHERE, accident


LOGROTATE = "logrotate"
# Where it is, which is not in everybody's PATH.
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


def find_program(name: str) -> str | None:
    """Where a program is that may be for administrators."""
    return shutil.which(name) or shutil.which(name, path=SBIN)


def logrotate(stage: Stage, *directives: str, name: str = "a.jsonl") -> None:
    """Rotate a file now."""
    program = find_program(LOGROTATE)
    assert program is not None
    directory = stage.beside
    configuration = directory / "logrotate.conf"
    lines = ["rotate 9", "missingok", *directives]
    body = "\n".join(f"    {line}" for line in lines)
    configuration.write_text(f'"{stage.path(name)}" {{\n{body}\n}}\n')
    configuration.chmod(0o644)
    subprocess.run(
        [program, "--force", "--state", directory / "logrotate.state", configuration],
        check=True,
        capture_output=True,
    )


@accident(ways=EVERYWHERE, needs=LOGROTATE)
def copytruncate(stage: Stage) -> None:
    """Logrotate copies the file and cuts it; the writer appends."""
    stage.append("a.jsonl", 30)
    stage.wait_until_told()
    logrotate(stage, "copytruncate")
    stage.append("a.jsonl", 5)


@accident(ways=EVERYWHERE, needs=LOGROTATE)
def copytruncate_writer_without_append(stage: Stage) -> None:
    """As above, with a writer that keeps its place: a hole is left before it."""
    with stage.path("a.jsonl").open("wb", buffering=0) as file:
        for count in (30, 5):
            texts = stage.lines(count)
            stage.note("a.jsonl", texts)
            file.write(joined(texts))
            stage.wait_until_told()
            if count == 30:  # the first time
                logrotate(stage, "copytruncate")


@accident(ways=EVERYWHERE, needs=LOGROTATE)
def logrotate_create(stage: Stage) -> None:
    """Renamed, a new one made; the writer puts two more into the old one."""
    stage.append("a.jsonl", 30)
    with stage.path("a.jsonl").open("ab", buffering=0) as file:
        stage.wait_until_told()
        logrotate(stage, "create")
        time.sleep(1.0)
        texts = stage.lines(2)
        stage.note("a.jsonl", texts)
        file.write(joined(texts))
    time.sleep(0.5)
    stage.append("a.jsonl", 5)


@accident(ways=EVERYWHERE, needs=LOGROTATE)
def logrotate_dateext(stage: Stage) -> None:
    """The old one's name gets the date."""
    _rotated_by_logrotate(stage, "create", "dateext")


@accident(ways=EVERYWHERE, needs=LOGROTATE)
def logrotate_compress(stage: Stage) -> None:
    """The old one is compressed at once; its rotated name lives for milliseconds."""
    _rotated_by_logrotate(stage, "create", "compress")


@accident(ways=EVERYWHERE, needs=LOGROTATE)
def logrotate_keeps_extension(stage: Stage) -> None:
    """The old one is `a.1.jsonl`, a name that telemetry has."""
    _rotated_by_logrotate(stage, "create", "extension .jsonl")


def _rotated_by_logrotate(stage: Stage, *directives: str) -> None:
    stage.append("a.jsonl", 30)
    stage.wait_until_told()
    stage.append("a.jsonl", 3)
    logrotate(stage, *directives)
    stage.append("a.jsonl", 5)


@accident(ways=EVERYWHERE)
def rotated_with_the_time(stage: Stage) -> None:
    """Loguru's way: the old one's name has the time before its extension."""
    stage.append("a.jsonl", 30)
    stage.wait_until_told()
    stage.append("a.jsonl", 3)
    path = stage.path("a.jsonl")
    path.rename(path.with_name("a.2026-11-28_14-14-52_270992.jsonl"))
    stage.append("a.jsonl", 5)


@accident()
def rotating_handler_once(stage: Stage) -> None:
    """Python's handler rotates once."""
    with _Handler(stage, max_bytes=1_000) as write:
        write(54)


@accident()
def rotating_handler_fast(stage: Stage) -> None:
    """It rotates eight times within a second."""
    with _Handler(stage, max_bytes=6_000) as write:
        for _ in range(26):
            write(10, pad="x" * 160)
            time.sleep(0.04)


@accident(is_long=True)
def rotating_handler_each_12_s(stage: Stage) -> None:
    """It rotates each twelve seconds, as it does in many a training."""
    with _Handler(stage, max_bytes=6_000) as write:
        for _ in range(65):
            write(5, pad="x" * 80)
            time.sleep(1.0)


@accident(ways=EVERYWHERE)
def rotating_handler_overwrites(stage: Stage) -> None:
    """It keeps one old file: the next rotation writes over it."""
    with _Handler(stage, max_bytes=3_000, backups=1) as write:
        for _ in range(6):
            write(18, pad="x" * 40)
            stage.wait_until_told()


@accident(ways=EVERYWHERE)
def rotated_while_down(stage: Stage) -> None:
    """Rotated while nobody follows, after lines that nobody has seen."""
    stage.append("a.jsonl", 30)
    stage.wait_until_told()
    stage.stop()
    stage.append("a.jsonl", 5)
    path = stage.path("a.jsonl")
    path.rename(path.with_name("a.jsonl.1"))
    stage.append("a.jsonl", 5)
    stage.start()


@accident(needs=LOGROTATE, is_for_all=False)
def logrotate_before_the_first_line(stage: Stage) -> None:
    """An empty file is renamed; its writer goes on in it, another in the new one."""
    with stage.path("a.jsonl").open("ab", buffering=0) as file:
        stage.append("b.jsonl", 1)
        stage.wait_until_told()
        logrotate(stage, "create", "ifempty")
        for _ in range(2):
            texts = stage.lines(1)
            stage.note("a.jsonl", texts)
            file.write(joined(texts))
            time.sleep(0.5)
        stage.append("a.jsonl", 5)
        stage.wait_until_told()


@accident(ways=EVERYWHERE, is_for_all=False)
def cut_then_rotated_while_down(stage: Stage) -> None:
    """Cut to nothing while somebody follows; then lines, and a rotation, unseen."""
    stage.append("a.jsonl", 30)
    stage.wait_until_told()
    path = stage.path("a.jsonl")
    os.truncate(path, 0)
    stage.wait_until_cut()
    stage.stop()
    stage.append("a.jsonl", 5)
    path.rename(path.with_name("a.jsonl.1"))
    stage.append("a.jsonl", 5)
    stage.start()


class _Handler:
    """Python's `RotatingFileHandler` on `a.jsonl`, by what programs write to it."""

    def __init__(self, stage: Stage, *, max_bytes: int, backups: int = 9) -> None:
        self._stage = stage
        self._handler = logging.handlers.RotatingFileHandler(
            stage.path("a.jsonl"), maxBytes=max_bytes, backupCount=backups
        )

    def __enter__(self) -> Callable[..., None]:
        return self._write

    def __exit__(self, *_error: object) -> None:
        self._handler.close()

    def _write(self, count: int, **fields: object) -> None:
        for text in self._stage.lines(count, **fields):
            self._stage.note("a.jsonl", [text])
            record = logging.LogRecord(
                "", logging.INFO, "", 0, text.decode(), None, None
            )
            self._handler.emit(record)
