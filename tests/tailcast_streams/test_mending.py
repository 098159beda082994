"""What is mended in a record, and that nothing else changes."""

import json
import re

import msgspec
import pytest
from hypothesis import given, strategies as st

from tailcast_streams.mending import mended
from tailcast_streams.record import Record, parse_record


NEIGHBOURS = (
    b'"lr":1.10,"x":1e22,"p":3.14159265358979323846264338,"z":-0 , "a":1,"a":2,'
    b'"id":340282366920938463463374607431768211456,"t":"\\u00e9\\n\\"NaN","e":1E+5'
)


@pytest.mark.parametrize(
    ("token", "stored"),
    [
        (b"NaN", b'"NaN"'),
        (b"Infinity", b'"Infinity"'),
        (b"-Infinity", b'"-Infinity"'),
        (b"[NaN, NaN,-Infinity]", b'["NaN", "NaN","-Infinity"]'),
        (b"1e400", b'"Infinity"'),
        (b"-1E+400", b'"-Infinity"'),
        (b"1" + b"0" * 400 + b".5", b'"Infinity"'),
        (b"9" * 309, b'"' + b"9" * 309 + b'"'),
        (b"-" + b"7" * 5_000, b'"-' + b"7" * 5_000 + b'"'),
        (b'"\\ud800"', '"\ufffd"'.encode()),
        (b'"a\\udC00b"', '"a\ufffdb"'.encode()),
        (b'"\\ud800\\uD83D\\uDE00\\u00e9"', '"\ufffd\\uD83D\\uDE00\\u00e9"'.encode()),
        (b'"\\ud83d\\u0041"', '"\ufffd\\u0041"'.encode()),
        (b'["\\\\ud800", NaN]', b'["\\\\ud800", "NaN"]'),
    ],
)
def test_a_token_is_mended_and_its_neighbours_are_not(
    token: bytes, stored: bytes
) -> None:
    """Digits, repeated keys, escapes and white space stay."""
    line = b'{%b , "v":%b ,%b}'
    found = parse_record(line % (NEIGHBOURS, token, NEIGHBOURS))
    assert isinstance(found, Record)
    assert found.data == line % (NEIGHBOURS, stored, NEIGHBOURS)


@pytest.mark.parametrize(
    "number",
    [
        b"18446744073709551616",
        b"-9223372036854775809",
        b"340282366920938463463374607431768211456",
        b"1" * 308,
        b"-17" + b"0" * 307,
        b"1e308",
        b"1e-400",
        b"3.14159265358979323846264338",
        b"0." + b"0" * 400 + b"1",
        b"-0",
        b"1.10",
    ],
)
def test_numbers_that_a_double_holds_stay(number: bytes) -> None:
    """Whole or not, however many digits; beside a token that is mended too."""
    for line in (b'{"a":%b}' % number, b'{"a":%b,"b":NaN}' % number):
        found = parse_record(line)
        assert isinstance(found, Record)
        assert found.data == line.replace(b"NaN", b'"NaN"')


@pytest.mark.parametrize(
    "line", [b"{NaN:1}", b'{"a":-NaN}', b'{"a":NaN1}', b'{"a":+Infinity}', b"{'a':NaN}"]
)
def test_what_python_does_not_read_is_not_mended(line: bytes) -> None:
    """However near it is to JSON."""
    assert not isinstance(parse_record(line), Record)


TEXTS = st.text('aN"\\\ud800\u00e9\n[{', max_size=6)
# JSON texts of values as someone wrote them, those that are mended marked.
TOKENS = st.one_of(
    st.sampled_from([
        "1.10", "1e22", "-0", "3.14159265358979323846264338", "true", "null", "1E-7",
        "340282366920938463463374607431768211456", "9007199254740993", "  7", "[ ]",
        "«NaN»", "«Infinity»", "«-Infinity»", "«NaN»",
    ]),
    TEXTS.filter(lambda text: "\ud800" not in text).map(json.dumps),
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)  # fmt: skip  # one glance


def as_object(fields: list[str]) -> str:
    """An object of such fields."""
    return "{" + " ,".join(fields) + "}"


VALUES = st.recursive(
    TOKENS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda some: f"[{', '.join(some)}]")
        | st.lists(st.tuples(st.sampled_from("abN"), inner), max_size=3).map(
            lambda some: as_object([f'"{name}" :{one}' for name, one in some])
        )
    ),
    max_leaves=8,
)
_MARKED = re.compile("«(.*?)»")


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "NaN"]), VALUES), max_size=5))
def test_all_but_the_mended_tokens_is_byte_for_byte(
    fields: list[tuple[str, str]],
) -> None:
    """C4, P6: also keys that are repeated, and constants' names in texts."""
    line = as_object([f'"{name}":{value}' for name, value in fields])
    written, expected = _MARKED.sub(r"\1", line), _MARKED.sub(r'"\1"', line)
    found = parse_record(written.encode())
    assert isinstance(found, Record)
    assert found.data == expected.encode()
    # The same file read again gives the same bytes, and so the same cursors.
    assert mended(found.data) == found.data
    msgspec.json.decode(found.data)


@given(
    st.dictionaries(
        st.text("a\ud800\udc00\U0001f600"), st.text("a\ud800\udc00\U0001f600\\u")
    ),
    st.booleans(),
)
def test_halves_of_pairs_are_replaced_alone(
    fields: dict[str, str], with_nan: bool
) -> None:
    """Wherever they stand; what follows one may be a pair."""
    line = json.dumps({**fields, "x": float("nan") if with_nan else 1})
    found = parse_record(line.encode())
    assert isinstance(found, Record)
    # As a decoder of UTF-16 replaces them.
    text = json.loads(line, object_pairs_hook=list, parse_constant=str)
    expected = json.dumps(text, ensure_ascii=False).encode("utf-16", "surrogatepass")
    stored = json.loads(found.data, object_pairs_hook=list)
    assert json.dumps(stored, ensure_ascii=False) == expected.decode(
        "utf-16", "replace"
    )
