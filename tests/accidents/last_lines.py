"""Ends of files: halves, missing newlines, holes, and lines that are too long."""

import mmap
import os
import time

from tests.accidents.stage import Stage, joined
from tests.accidents.table import EVERYWHERE, accident


MEGABYTE = 1_000_000


@accident(ways=EVERYWHERE)
def half_line_then_rest(stage: Stage) -> None:
    """A line comes in two pieces, a while between them."""
    _in_pieces(stage, seconds=1.0)


@accident(is_long=True, is_for_all=False)
def half_line_for_40_seconds(stage: Stage) -> None:
    """As above, and the writer hangs."""
    _in_pieces(stage, seconds=40)


def _in_pieces(stage: Stage, *, seconds: float) -> None:
    stage.append("a.jsonl", 30)
    [text] = stage.lines(1)
    with stage.path("a.jsonl").open("ab", buffering=0) as file:
        file.write(text[:7])
        stage.wait_until_told()
        time.sleep(seconds)
        stage.note("a.jsonl", [text])
        file.write(text[7:] + b"\n")
    stage.append("a.jsonl", 2)


@accident(ways=EVERYWHERE)
def no_newline_then_newline(stage: Stage) -> None:
    """A whole object rests without its newline, which then comes."""
    stage.append("a.jsonl", 29)
    texts = stage.lines(1)
    with stage.path("a.jsonl").open("ab", buffering=0) as file:
        file.write(texts[0])
        stage.wait_until_told()
        time.sleep(0.5)
        stage.note("a.jsonl", texts)
        file.write(b"\n")
    stage.append("a.jsonl", 1)


@accident(ways=EVERYWHERE)
def no_newline_for_ever(stage: Stage) -> None:
    """The last line's newline never comes."""
    stage.append("a.jsonl", 29)
    texts = stage.lines(1)
    stage.note("a.jsonl", texts)
    with stage.path("a.jsonl").open("ab") as file:
        file.write(texts[0])


@accident(ways=EVERYWHERE, kills=True)
def half_line_over_a_kill(stage: Stage) -> None:
    """The follower is killed while half a line is there; the rest comes meanwhile."""
    stage.append("a.jsonl", 25)
    [text] = stage.lines(1)
    with stage.path("a.jsonl").open("ab", buffering=0) as file:
        file.write(text[:7])
        stage.wait_until_told()
        stage.kill()
        stage.note("a.jsonl", [text])
        file.write(text[7:] + b"\n")
    stage.append("a.jsonl", 4)
    stage.start()


@accident(ways=EVERYWHERE)
def line_of_1_2_MB(stage: Stage) -> None:  # noqa: N802  # as it is called
    """A line beyond what a line may have."""
    stage.append("a.jsonl", 2)
    stage.append("a.jsonl", 1, pad="x" * 1_200_000)
    stage.append("a.jsonl", 2)


@accident(ways=EVERYWHERE)
def line_of_20_MB(stage: Stage) -> None:  # noqa: N802  # as it is called
    """A line far beyond what a line may have."""
    stage.append("a.jsonl", 2)
    stage.append("a.jsonl", 1, pad="x" * 20 * MEGABYTE)
    stage.append("a.jsonl", 2)


@accident(ways=EVERYWHERE)
def long_line_in_pieces(stage: Stage) -> None:
    """A line of 5 MB, a megabyte at a time."""
    stage.append("a.jsonl", 2)
    [text] = stage.lines(1, pad="x" * 5 * MEGABYTE)
    stage.note("a.jsonl", [text])
    with stage.path("a.jsonl").open("ab", buffering=0) as file:
        for start in range(0, len(text), MEGABYTE):
            file.write(text[start : start + MEGABYTE])
            time.sleep(0.05)
        file.write(b"\n")
    stage.append("a.jsonl", 2)


@accident(ways=EVERYWHERE)
def nul_tail_filled_later(stage: Stage) -> None:
    """A file's size comes before its bytes, as network file systems show it."""
    stage.append("a.jsonl", 26)
    texts = stage.lines(4)
    path = stage.path("a.jsonl")
    start = path.stat().st_size
    os.truncate(path, start + len(joined(texts)))
    stage.wait_until_told()
    time.sleep(0.5)
    stage.note("a.jsonl", texts)
    with path.open("r+b") as file:
        file.seek(start)
        file.write(joined(texts))


@accident(ways=EVERYWHERE)
def hole_that_stays(stage: Stage) -> None:
    """NULs stay in the file, and lines come behind them."""
    stage.append("a.jsonl", 10)
    path = stage.path("a.jsonl")
    os.truncate(path, path.stat().st_size + 4_096)
    stage.append("a.jsonl", 5)


@accident(ways=EVERYWHERE)
def hole_of_3_MB(stage: Stage) -> None:  # noqa: N802  # as it is called
    """The copy is cut back under a writer that keeps its place: 3 MB of NULs."""
    _hole(stage, MEGABYTE * 3)


@accident(ways=EVERYWHERE)
def hole_of_300_kB(stage: Stage) -> None:  # noqa: N802  # as it is called
    """As above, with less than a line may have."""
    _hole(stage, 300_000)


def _hole(stage: Stage, size: int) -> None:
    pad = "x" * 900
    texts = stage.lines(size // 1_000, pad=pad)
    stage.note("a.jsonl", texts)
    path = stage.path("a.jsonl")
    with path.open("wb", buffering=0) as file:
        file.write(joined(texts))
        stage.wait_until_told()
        os.truncate(path, 0)
        for _ in range(5):
            more = stage.lines(1)
            stage.note("a.jsonl", more)
            file.write(joined(more))
            time.sleep(0.05)


@accident(ways=EVERYWHERE)
def space_given_beforehand(stage: Stage) -> None:
    """A file of NULs is filled a line at a time."""
    path = stage.path("a.jsonl")
    texts = stage.lines(4)
    path.write_bytes(b"\0" * len(joined(texts)))
    with path.open("r+b", buffering=0) as file:
        for text in texts:
            stage.note("a.jsonl", [text])
            file.write(text + b"\n")
            time.sleep(0.3)


@accident(ways=EVERYWHERE, is_for_all=False)
def slots_filled_out_of_order(stage: Stage) -> None:
    """Places of one size, written in another order than they have."""
    texts = stage.lines(6)
    size = len(texts[0]) + 1
    path = stage.path("a.jsonl")
    stage.note("a.jsonl", texts)
    with path.open("wb", buffering=0) as file:
        for place in (0, 2, 1, 5, 4, 3):
            os.pwrite(file.fileno(), texts[place] + b"\n", place * size)
            time.sleep(0.3)


@accident(ways=EVERYWHERE)
def written_by_a_map(stage: Stage) -> None:
    """The writer has the file in its memory."""
    texts = stage.lines(20)
    data = joined(texts)
    path = stage.path("a.jsonl")
    stage.note("a.jsonl", texts)
    path.write_bytes(b"\0" * len(data))
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        for start in range(0, len(data), 50):
            memory[start : start + 50] = data[start : start + 50]
            time.sleep(0.02)


@accident(ways=EVERYWHERE)
def mtime_stands_still(stage: Stage) -> None:
    """Lines come, and the modification time stays as it was."""
    stage.append("a.jsonl", 10)
    stage.wait_until_told()
    path = stage.path("a.jsonl")
    before = path.stat()
    for _ in range(5):
        stage.append("a.jsonl", 2)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        time.sleep(0.05)


@accident(ways=EVERYWHERE)
def mtime_of_2001(stage: Stage) -> None:
    """A line comes into a file that claims to be old."""
    stage.append("a.jsonl", 10)
    stage.wait_until_told()
    os.utime(stage.path("a.jsonl"), (1_000_000_000, 1_000_000_000))
    stage.wait_until_told()
    stage.append("a.jsonl", 5)


@accident(ways=EVERYWHERE)
def two_writers_appending(stage: Stage) -> None:
    """Two append to one file, each line whole."""
    path = stage.path("a.jsonl")
    with path.open("ab", 0) as one, path.open("ab", 0) as other:
        for _ in range(100):
            for file in (one, other):
                texts = stage.lines(1)
                stage.note("a.jsonl", texts)
                file.write(joined(texts))


@accident(ways=EVERYWHERE, is_for_all=False)
def two_writers_without_append(stage: Stage) -> None:
    """Two write over each other, each where it believes that the file ends."""
    path = stage.path("a.jsonl")
    written: list[bytes] = []
    with path.open("wb", 0) as one, path.open("r+b", 0) as other:
        for _ in range(10):
            for number, file in enumerate((one, other)):
                texts = stage.lines(1, of=number, pad="x" * 40)
                stage.ledger.wrote(f"writer {number}", texts, is_due=False)
                file.write(texts[0].ljust(100) + b"\n")
                written += texts
                time.sleep(0.05)
    # What is left at the end is what must come.
    left = [one.rstrip() for one in path.read_bytes().splitlines()]
    for text in left:
        lines = stage.ledger.lines[text]
        stage.ledger.lines[text] = [one._replace(is_due=True) for one in lines]
