"""Which names are those of parts of one run, and in which order they are read."""

import pytest
from hypothesis import given, strategies as st

from tailcast_tailer.core.part_names import PartNames, next_name, part_order


@pytest.mark.parametrize(
    ("path", "run"),
    [
        ("/r/metrics/000000.jsonl", "/r/metrics"),
        ("/r/inbox/w1/00000012.jsonl", "/r/inbox/w1"),
        ("/r/events/0-255-0123456789abcdef.jsonl", "/r/events"),
        ("/r/part-00001.ndjson", "/r"),
        ("/r/metrics.jsonl.parts/00000001.jsonl", "/r/metrics.jsonl"),
        ("/r/metrics.jsonl.parts/1.jsonl", "/r/metrics.jsonl"),
        ("/r/metrics.jsonl.parts/notes.jsonl", None),
        ("/r/metrics.jsonl", None),
        ("/r/0.jsonl", None),
        ("/r/12345678.jsonl", None),
        ("/r/20261128.jsonl", None),
        ("/r/rank_0.jsonl", None),
        ("/r/000000.log", None),
    ],
)
def test_names_of_parts(path: str, run: str | None) -> None:
    """A number that is counted; what may be a rank, a job or a day is none."""
    assert PartNames().run_of(path) == run


@pytest.mark.parametrize(
    ("name", "is_part"),
    [
        ("shard_7.jsonl", True),
        ("shard_10.jsonl", True),
        ("log.3.txt", True),
        ("000000.jsonl", True),
        ("shard_last.jsonl", False),
        ("shard_7.json", False),
        ("my_shard_7.jsonl", False),
        ("log.x.txt", False),
    ],
)
def test_names_of_parts_that_somebody_chose(name: str, is_part: bool) -> None:
    """Besides those that are known; each needs a number."""
    names = PartNames(["shard_*.jsonl", "log.[0-9].txt"])
    assert names.run_of(f"/r/{name}") == ("/r" if is_part else None)


def test_patterns_of_parts_are_patterns_of_names() -> None:
    """One that has directories would match no name."""
    with pytest.raises(ValueError, match="runs/shard_"):
        PartNames(["runs/shard_*.jsonl"])


def test_parts_of_chosen_names_are_read_in_the_order_of_their_numbers() -> None:
    """As numbers, and of all of them."""
    names = ["a1-s2-t10.jsonl", "a1-s2-t9.jsonl", "a1-s10-t1.jsonl", "a1-s9-t99.jsonl"]
    ordered = sorted(names, key=part_order)
    assert ordered == [names[1], names[0], names[3], names[2]]


@given(st.permutations([0, 9, 10, 99, 100, 99_999]))
def test_parts_are_read_in_the_order_of_their_numbers(numbers: list[int]) -> None:
    """However they are listed."""
    names = [f"{number:06d}.jsonl" for number in numbers]
    assert sorted(names, key=part_order) == sorted(names)
    spans = [f"{number}-{number + 1}-abcdef01.jsonl" for number in numbers]
    expected = [f"{number}-{number + 1}-abcdef01.jsonl" for number in sorted(numbers)]
    assert sorted(spans, key=part_order) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("000009.jsonl", "000010.jsonl"),
        ("part-00001.jsonl", "part-00002.jsonl"),
        ("9.jsonl", "10.jsonl"),
        ("0-255-abcdef01.jsonl", None),
        ("metrics.jsonl", None),
    ],
)
def test_the_next_name_is_known_where_numbers_are_counted(
    name: str, expected: str | None
) -> None:
    """So that a folder of thousands need not be listed for each."""
    assert next_name(name) == expected
