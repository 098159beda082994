"""Files that are one emergency each: told once, or told that they cannot be read."""

import json
import os
import time
from pathlib import Path

from tests.accidents.followers import Way
from tests.accidents.stage import Stage
from tests.accidents.table import accident


ONLY_THERE = (Way.LOG_DIR,)
MEGABYTE = 1_000_000


def _path(stage: Stage, name: str) -> Path:
    path = stage.base / "emergency" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _is_due(stage: Stage, name: str, text: bytes) -> None:
    stage.ledger.documents[f"emergency/{name}"].append(text)


def _document(number: int, **fields: object) -> bytes:
    document = {"level": "critical", "number": number, **fields}
    return json.dumps(document, separators=(",", ":")).encode()


def _write(stage: Stage, name: str, number: int, **fields: object) -> None:
    text = _document(number, **fields)
    _is_due(stage, name, text)
    _path(stage, name).write_bytes(text)


def _write_unreadable(stage: Stage, content: bytes) -> None:
    _is_due(stage, "a.json", b"")
    _path(stage, "a.json").write_bytes(content)


@accident(ways=ONLY_THERE, is_for_all=False)
def emergency_in_pieces(stage: Stage) -> None:
    """Twenty bytes at a time."""
    text = _document(1, pad="x" * 100)
    _is_due(stage, "a.json", text)
    with _path(stage, "a.json").open("ab", buffering=0) as file:
        for start in range(0, len(text), 20):
            file.write(text[start : start + 20])
            time.sleep(0.3)


@accident(ways=ONLY_THERE, is_for_all=False)
def emergency_renamed_in(stage: Stage) -> None:
    """Written elsewhere, and renamed."""
    text = _document(1)
    _is_due(stage, "a.json", text)
    (stage.beside / "new").write_bytes(text)
    (stage.beside / "new").rename(_path(stage, "a.json"))


@accident(ways=ONLY_THERE, is_for_all=False)
def emergency_overwritten(stage: Stage) -> None:
    """Another one under the same name."""
    _write(stage, "a.json", 1)
    stage.wait_until_told()
    _write(stage, "a.json", 2)


@accident(ways=ONLY_THERE, is_for_all=False)
def emergency_of_the_same_size_and_mtime(stage: Stage) -> None:
    """Another one in place, as long, and the time put back."""
    _write(stage, "a.json", 1)
    stage.wait_until_told()
    path = _path(stage, "a.json")
    before = path.stat()
    _write(stage, "a.json", 2)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@accident(ways=ONLY_THERE, is_for_all=False)
def emergency_of_an_odd_name(stage: Stage) -> None:
    """A name with a line end."""
    _write(stage, "a\nb.json", 1)


@accident(ways=ONLY_THERE, is_for_all=False)
def emergency_whose_name_is_no_text(stage: Stage) -> None:
    """A name that is not UTF-8."""
    _is_due(stage, "\\xff.json", _document(1))
    _path(stage, os.fsdecode(b"\xff.json")).write_bytes(_document(1))


@accident(ways=ONLY_THERE, is_for_all=False)
def emergency_of_2_MB(stage: Stage) -> None:  # noqa: N802  # as it is called
    """A stack trace of two megabytes."""
    _write(stage, "a.json", 1, trace="x" * 2 * MEGABYTE)


@accident(ways=ONLY_THERE, is_for_all=False, is_long=True)
def emergency_never_valid(stage: Stage) -> None:
    """It never becomes a document."""
    _write_unreadable(stage, b'{"level":"crit')


@accident(ways=ONLY_THERE, is_for_all=False, is_long=True)
def emergency_empty(stage: Stage) -> None:
    """It stays empty."""
    _write_unreadable(stage, b"")


@accident(ways=ONLY_THERE, is_for_all=False, is_long=True)
def emergency_is_a_list(stage: Stage) -> None:
    """It is no object."""
    _write_unreadable(stage, b"[1, 2]")


@accident(ways=ONLY_THERE, is_for_all=False, is_long=True)
def emergency_in_sixteen_bits(stage: Stage) -> None:
    """It is UTF-16."""
    _write_unreadable(stage, '{"level":"critical"}'.encode("utf-16"))


@accident(ways=ONLY_THERE, is_for_all=False, is_long=True)
def emergency_of_two_documents(stage: Stage) -> None:
    """It has two objects."""
    _write_unreadable(stage, b'{"level":"critical"}\n{"level":"critical"}\n')


@accident(ways=ONLY_THERE, is_for_all=False, is_long=True)
def emergency_of_11_MB(stage: Stage) -> None:  # noqa: N802  # as it is called
    """It is longer than one may be."""
    _write_unreadable(stage, _document(1, trace="x" * 11 * MEGABYTE))


@accident(ways=ONLY_THERE, is_for_all=False)
def emergencies_become_pipes(stage: Stage) -> None:
    """Four that were read are replaced by pipes; all else goes on."""
    names = [f"{number}.json" for number in range(4)]
    for number, name in enumerate(names):
        _write(stage, name, number)
    stage.wait_until_told()
    for name in names:
        os.mkfifo(stage.beside / name)
        (stage.beside / name).rename(_path(stage, name))
    time.sleep(0.5)
    stage.append("a.jsonl", 5)
