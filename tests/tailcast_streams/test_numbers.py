"""Numbers as producers write them."""

import pytest
from hypothesis import given, strategies as st

from tailcast_streams.numbers import MAX_NUMBER_TEXT, Step, as_number, read_step


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("8.700", 8.7),
        ("3e-05", 3e-05),
        ("16", 16),
        ("-0.5", -0.5),
        ("+1.5", 1.5),
        ("0", 0),
        ("0.25", 0.25),
    ],
)
def test_a_text_that_is_wholly_a_number_is_that_number(
    text: str, number: float
) -> None:
    """Some loggers format each value; whole numbers stay whole."""
    assert (as_number(text), type(as_number(text))) == (number, type(number))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "e",
        "0.1 ms",
        "1_000",
        "007",
        "-01",
        "2026-11-25",
        "1.2.3",
        "1e999",
        "nan",
        "٣",
        "1" * (MAX_NUMBER_TEXT + 1),
    ],
)
def test_another_text_is_no_number(text: str) -> None:
    """Nor is what Python's `float` would take for one: `1_000`, ` 1`, `nan`."""
    assert as_number(text) is None


@given(st.integers(-(2**63), 2**64) | st.floats(allow_nan=False, allow_infinity=False))
def test_what_python_writes_is_read_as_the_same(number: float) -> None:
    """As `str` and `json` write numbers."""
    assert as_number(str(number)) == number


@pytest.mark.parametrize(
    ("value", "step"),
    [
        (3, Step(3)),
        (3.0, Step(3)),
        (0.25, Step(0.25)),
        (2**64 - 1, Step(2**64 - 1)),
        ("3", Step(3)),
        ("003", Step(3)),
        ("000", Step(0)),
        (" 3 ", Step(3)),
        ("3.0", Step(3)),
        ("3,000", Step(3_000)),
        ("1,234,567", Step(1_234_567)),
        ("5/250", Step(5, 250)),
        ("3,000 / 10,000", Step(3_000, 10_000)),
        ([0, 3], Step(3, None, 0)),
        ([2, 3, 7], Step(3, None, 2)),
    ],
    ids=repr,
)
def test_steps_come_in_many_shapes(value: object, step: Step) -> None:
    """A whole number is whole, however it was written."""
    read = read_step(value)
    assert read is not None
    assert (read, type(read.value)) == (step, type(step.value))


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        {},
        [],
        [3],
        [0, "a"],
        ["PARAMETER", 1],
        "",
        "PARAMETER",
        "5/",
        "5/x",
        "5/2.5",
        "3,00",
        ",000",
        "a,000",
        "1,00a",
        "5 of 250",
        2**64,
        -(2**63) - 1,
        "9" * 81,
        "NaN",
    ],
    ids=repr,
)
def test_what_is_no_step(value: object) -> None:
    """Neither is a flag, nor a number beyond 64 bits."""
    assert read_step(value) is None
