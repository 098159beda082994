"""Which names rotation gives, and in which order."""

import pytest
from hypothesis import given, strategies as st

from tailcast_tailer.core.rotated_names import (
    dated_of,
    in_rotation_order,
    is_compressed,
    is_next,
    number_of,
    part_of_names,
    rotated_of,
    rotated_of_day,
    way_of,
)


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("x/a.jsonl.1", "x/a.jsonl"),
        ("a.log.12", "a.log"),
        ("a.jsonl.1.gz", "a.jsonl"),
        ("a.jsonl-20261128", "a.jsonl"),
        ("a.jsonl-20261128.zst", "a.jsonl"),
        ("a.jsonl.2026-11-28.bz2", "a.jsonl"),
        ("a.jsonl.3.xz", "a.jsonl"),
        ("a.jsonl-20261128-1795903000", "a.jsonl"),
        ("a.jsonl.2026-11-28", "a.jsonl"),
        ("a.jsonl.2026-11-28_14-30-00", "a.jsonl"),
        ("a.jsonl.0", "a.jsonl"),
        ("a.jsonl.2026-11-28.12", "a.jsonl"),
        ("a.jsonl", None),
        ("run.1", None),
        ("model.v2.1", None),
        ("a.jsonl.gz", None),
        (".jsonl.1", None),
        ("session_20251218_001.jsonl", None),
    ],
)
def test_names_that_only_rotation_gives(name: str, base: str | None) -> None:
    """The file is the past of another one."""
    assert rotated_of(name) == base


@pytest.mark.parametrize(
    ("name", "bases"),
    [
        # Python's TimedRotatingFileHandler with a namer, spdlog, logrotate's extension.
        ("x/a-20261128.jsonl", ["x/a.jsonl"]),
        ("a_2026-12-01.jsonl", ["a.jsonl"]),
        ("a_20261128.log", ["a.log"]),
        # loguru.
        ("a.2026-11-28_14-14-52_270992.jsonl", ["a.jsonl"]),
        # lumberjack, for zap, zerolog, slog and logrus.
        ("a-2026-12-01T10-00-00.000.jsonl", ["a.jsonl"]),
        # spdlog, log4rs, log4j2 and logback.
        ("a.1.jsonl", ["a.jsonl"]),
        ("a.0.jsonl", ["a.jsonl"]),
        ("a-1.jsonl", ["a.jsonl"]),
        # log4js with keepFileExt, winston's daily files, logback, log4j2.
        ("a.2026-12-01.jsonl", ["a.jsonl"]),
        ("a.2026-12-01.1.jsonl", ["a.jsonl", "a.2026-12-01.jsonl"]),
        ("a-2026-12-01-2.jsonl", ["a.jsonl", "a-2026-12-01.jsonl"]),
        # winston with tailable.
        ("x/a1.jsonl", ["x/a.jsonl"]),
        # rotating-file-stream.
        ("x/20261128-1405-01-a.jsonl", ["x/a.jsonl"]),
        # flexi_logger.
        ("a_r00012.log", ["a_rCURRENT.log"]),
        ("a_r2026-12-01_10-00-00.log", ["a_rCURRENT.log"]),
        ("a.jsonl", []),
        ("20261128.jsonl", []),
        ("rank0.jsonl", []),
        ("1.jsonl", []),
    ],
)
def test_names_that_runs_have_too(name: str, bases: list[str]) -> None:
    """The name alone decides nothing."""
    assert list(dated_of(name)) == bases
    assert all(part_of_names(base) in name for base in bases)


def test_the_past_of_a_days_file() -> None:
    """It may be the file that is written, and its number comes when it is full."""
    assert rotated_of_day("a.log.2026-11-28.1") == "a.log.2026-11-28"
    for name in ("a.log.2026-11-28", "a.log.1", "a.2026-11-28.1", "a.log.1.x"):
        assert rotated_of_day(name) is None


@given(st.permutations([f"a.jsonl.{number}" for number in range(1, 13)]))
def test_higher_numbers_are_older(names: list[str]) -> None:
    """However they are listed."""
    expected = [f"a.jsonl.{number}" for number in range(12, 0, -1)]
    assert in_rotation_order(names) == expected


@given(st.permutations(["a-20261127.jsonl", "a-20261128.jsonl", "a-20261201.jsonl"]))
def test_earlier_days_are_older(names: list[str]) -> None:
    """However they are listed."""
    assert in_rotation_order(names) == sorted(names)
    assert in_rotation_order(["x", "a.jsonl.1"]) == ["a.jsonl.1", "x"]
    of_one_number = ["a.jsonl.1.gz", "a.jsonl.1"]
    assert in_rotation_order(of_one_number) == of_one_number


@pytest.mark.parametrize("first", ["1", "2"])
def test_numbers_within_a_day_are_in_the_order_that_is_given(first: str) -> None:
    """log4js counts down, logback up."""
    second = str(3 - int(first))
    for shape in ("a.jsonl.2026-11-28.{}", "a.2026-11-28.{}.jsonl"):
        names = [shape.format(first), shape.format(second)]
        assert in_rotation_order(names) == names
        other = shape.format(9).replace("28", "27")
        assert in_rotation_order([*names, other]) == [other, *names]


def test_the_next_number() -> None:
    """One number counts, the last or not; all else is the same."""
    assert is_next("a.2.log", "a.1.log")
    assert is_next("a.10.2026.log", "a.9.2026.log")
    for name in ("a.3.log", "a.1.log", "a.0.log", "b.2.log", "b.1.log", "a.log"):
        assert not is_next(name, "a.1.log")
    assert not is_next("a.2.2.log", "a.1.1.log")


def test_compressed_ones_cannot_be_read() -> None:
    """By their names."""
    assert is_compressed("a.jsonl.1.gz")
    assert not is_compressed("a.jsonl.1")


def test_numbers_say_how_long_ago_it_was() -> None:
    """Names with a day say nothing of that."""
    assert number_of("a.jsonl.12.gz") == 12
    assert number_of("a.3.jsonl") == 3
    assert number_of("a.jsonl-20261128") is number_of("a.jsonl") is None


def test_names_that_are_made_alike() -> None:
    """By a number, or by a day and time that are written in the same way."""
    assert way_of("/r/a.1.jsonl") == way_of("/r/a.12.jsonl")
    assert way_of("/r/a.2026-11-28.9.jsonl") == way_of("/r/a.2026-11-28.10.jsonl")
    assert way_of("/r/a-20261128.jsonl") == way_of("/r/a-20261129.jsonl")
    ways = {
        way_of("/r/a-20261128.jsonl"),
        way_of("/r/a_20261128.jsonl"),
        way_of("/r/a.2026-11-28.jsonl"),
        way_of("/r/a.2026-11-28_14-30-00.jsonl"),
        way_of("/r/a.2026-11-28.1.jsonl"),
        way_of("/r/a.1.jsonl"),
        way_of("/r/a-1.jsonl"),
        way_of("/r/a1.jsonl"),
    }
    assert len(ways) == 8
    assert way_of("/r/a.jsonl") is None
