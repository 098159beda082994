"""Sizes, durations and addresses are read as people write them."""

import pytest
from hypothesis import given, strategies as st

from tailcast_service.values import (
    format_byte_size,
    format_duration,
    join_commas,
    mask_url,
    parse_byte_size,
    parse_duration,
    split_commas,
    split_paths,
    write_list,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64MiB", 64 * 1024**2),
        ("1_000", 1000),
        ("1GB", 10**9),
        ("1.5 kib", 1536),
        ("12b", 12),
        ("0", 0),
        (77, 77),
    ],
)
def test_sizes_take_units(text: object, size: int) -> None:
    """Binary and decimal units, underscores, spaces and fractions are understood."""
    assert parse_byte_size(text) == size


@pytest.mark.parametrize("text", ["", "MiB", "-1", "1.5", "8XB", "1__x", True, None])
def test_what_is_no_size_is_refused(text: object) -> None:
    """A size is a whole number of bytes with a known unit."""
    with pytest.raises(ValueError, match="write a size as"):
        parse_byte_size(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20s", 20.0),
        ("7d", 604_800.0),
        ("100ms", 0.1),
        ("0.1", 0.1),
        (".5h", 1800.0),
        (3, 3.0),
    ],
)
def test_durations_take_units(text: object, seconds: float) -> None:
    """A duration without a unit is in seconds."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "fast", "-1s", "1y", "nan", float("inf"), True])
def test_what_is_no_duration_is_refused(text: object) -> None:
    """A duration is a finite number that is not negative, with a known unit."""
    with pytest.raises(ValueError, match="write a duration as"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=2**60))
def test_a_size_is_written_as_it_is_read(size: int) -> None:
    """Reading what was written gives the same size."""
    assert parse_byte_size(format_byte_size(size)) == size


@given(st.integers(min_value=0, max_value=10**6))
def test_a_duration_is_written_as_it_is_read(milliseconds: int) -> None:
    """Reading what was written gives the same duration, to six digits."""
    seconds = milliseconds / 1000
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, 1e-5)


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("redis://h:6379/0", "redis://h:6379/0"),
        ("redis://u:p@h/0", "redis://u:***@h/0"),
        ("redis://:p%40x@h", "redis://:***@h"),
        ("redis://u:a@b@h", "redis://u:***@h"),
        ("redis+cluster://u:p@a:1,b:2", "redis+cluster://u:***@a:1,b:2"),
        ("redis://[broken", "***"),
        ("redis://h:1?password=p&db=2", "redis://h:1?password=***&db=***"),
        ("redis://u:p@h:1/0?a=b;c=d", "redis://u:***@h:1/0?a=***;c=***"),
        ("what?=that", "what?=that"),
    ],
)
def test_passwords_are_masked(url: str, masked: str) -> None:
    """An address is shown without its secrets, else unchanged."""
    assert mask_url(url) == masked


def test_lists_are_separated_by_commas() -> None:
    """Spaces around parts and empty parts do not count."""
    assert split_commas(" a/*.jsonl, b ,,") == ("a/*.jsonl", "b")


@given(st.lists(st.text()))
def test_lists_come_back_as_they_went(texts: list[str]) -> None:
    """Whatever is in the names, what is no UTF-8 too."""
    names = (*texts, "\udcff", "a,b", ":", " c ")
    assert split_commas(join_commas(names)) == names
    assert split_paths(write_list(names)) == names


def test_a_path_is_taken_as_it_stands() -> None:
    """Unless it is a list: no character separates paths."""
    for text in ("/a:/b", "/a,b", "[a]", '["a",1]', "["):
        assert split_paths(text) == (text,)
