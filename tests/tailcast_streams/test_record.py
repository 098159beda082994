"""What counts as a record, and what is mended in one."""

import json
import math

import msgspec
import pytest
from hypothesis import given, strategies as st

from tailcast_streams.record import (
    Invalid,
    Progress,
    Record,
    decode_together,
    emergencies_among,
    has_long_number,
    needs_care,
    parse_record,
    read_progress,
)


def parsed(line: bytes) -> Record:
    """The record that a line is, the same with the chunk's check as with its own."""
    record = parse_record(line)
    assert isinstance(record, Record)
    assert parse_record(line, careful=needs_care(line)) == record
    return record


def reason(line: bytes) -> str:
    """Why a line is none."""
    invalid = parse_record(line)
    assert isinstance(invalid, Invalid)
    assert parse_record(line, careful=needs_care(line)) == invalid
    return invalid.reason


def lists(levels: int) -> bytes:
    """An object with lists within each other, so many levels in all."""
    return b'{"b":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b'{"a": 1.50, "b": [1, 2e5], "c": {"d": null}}',
        b'{"a":18446744073709551615,"b":-9223372036854775808}',
        b'{"a":18446744073709551616,"b":-9223372036854775809}',
        b'{"a":0.1000000000000000055511151231257827}',
        b'{"pair":"\\ud83d\\ude00","e000":1,"n":1e-999}',
        '{"näme":"日本"}'.encode(),
        b'{"n":12345678901234567890,"pair":"\\ud83d\\ude00"}',
    ],
)
def test_strict_json_stays_as_it_was_written(line: bytes) -> None:
    """Not one byte changes."""
    assert parsed(line).data == line


@pytest.mark.parametrize(
    ("line", "stored"),
    [
        (b'{"a": NaN}', b'{"a": "NaN"}'),
        (b'{"a":[Infinity,-Infinity]}', b'{"a":["Infinity","-Infinity"]}'),
        (b'{"a":1e999,"b":-1e999}', b'{"a":"Infinity","b":"-Infinity"}'),
        (b'{"a":NaN,"n":7,"f":2.5}', b'{"a":"NaN","n":7,"f":2.5}'),
        (b'{"a":"\\ud800"}', '{"a":"\ufffd"}'.encode()),
        (b'{"a":"\\udc00", "b":NaN}', '{"a":"\ufffd", "b":"NaN"}'.encode()),
    ],
)
def test_what_strict_readers_refuse_becomes_a_string(
    line: bytes, stored: bytes
) -> None:
    """C4, P6: NaN, infinities, numbers that overflow, half pairs."""
    assert parsed(line).data == stored


def test_a_number_of_any_length_is_taken() -> None:
    """Beyond a double, which most readers refuse, its digits are a text."""
    digits = b"9" * 5_000
    assert parsed(b'{"a":' + digits + b"}").data == b'{"a":"' + digits + b'"}'


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"", "not JSON"),
        (b"junk", "not JSON"),
        (b'{"a":1', "not JSON"),
        (b'{"a":1} {"b":2}', "not JSON"),
        (b"[]", "not a JSON object"),
        (b"[NaN]", "not a JSON object"),
        (b"1", "not a JSON object"),
        (b"NaN", "not a JSON object"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "not UTF-8"),
        (b'{"a":1}\x00', "not JSON"),
        (lists(101), "nested too deeply: more than 100 levels"),
        (lists(200_000), "nested too deeply: more than 100 levels"),
        (lists(101).replace(b"[]", b"[NaN]"), "nested too deeply"),
        (lists(101)[:-1], "nested too deeply"),
    ],
)
def test_other_lines_are_rejected_with_the_reason(line: bytes, why: str) -> None:
    """In words for people."""
    assert reason(line).startswith(why)


@pytest.mark.parametrize("inside", [b"", b"NaN", b'"[[[["', b"1e400"])
def test_a_hundred_levels_are_a_record(inside: bytes) -> None:
    """Its own object the first, whatever else is in it."""
    line = lists(100).replace(b"[]", b"[%b]" % inside)
    assert parsed(line).data.startswith(line[:100])


@pytest.mark.parametrize(
    ("line", "is_emergency"),
    [
        (b'{"emergency":{"reason":"nan"}}', True),
        (b'{"emergency": {"value":NaN}}', True),
        (b'{"emergency":true}', False),
        (b'{"telemetry":{"emergency":{}}}', False),
        (b'{"emergency":null,"loss":NaN}', False),
    ],
)
def test_an_emergency_is_an_object_at_the_top(line: bytes, is_emergency: bool) -> None:
    """A flag, or one further down, is telemetry."""
    assert parsed(line).is_emergency is is_emergency


@pytest.mark.parametrize(
    "lines",
    [
        [b"{}"],
        [b'{"a":1}', b' {"b":[1,2,{}]}', '{"é":"ü"}'.encode(), b'{"a":1e308}'],
    ],
)
def test_records_are_decoded_together(lines: list[bytes]) -> None:
    """As each would be."""
    expected = [msgspec.json.decode(line) for line in lines]
    assert decode_together(lines) == expected


@pytest.mark.parametrize(
    "lines",
    [
        [b'{"a":1}', b"[]"],
        [b'{"a":1}', b'{"b":NaN}'],
        [b'{"a":"\xff"}'],
        [b'{"a":"\\ud800"}', b"{}"],
        [b'{"a":1e999}'],
        [b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"],
        # Together they would be JSON, and as many values as lines.
        [b'{"a":[{}', b"{}]}", b"{},{}"],
        [b'{"a":[{}', b"{}]},7,{}"],
        [b'{"a":[{}', b"{}]},4.611686018427388e18,{}"],
        [b"{}]", b"[{}"],
        [b"{},{}", b"{}"],
        [b'{"a":"', b'"}'],
    ],
)
def test_lines_that_are_not_all_records_are_left_to_be_read_apart(
    lines: list[bytes],
) -> None:
    """Nothing is taken for a record that is none by itself, or needs mending."""
    assert decode_together(lines) is None


@given(st.lists(st.sampled_from(
    [b"{}", b'{"a":[{}', b"{}]}", b"{},{}", b"{}]", b"[{}", b'{"a":{}', b"}", b"7,{}",
     b"{},7", b'{"a":[7', b"7]}", b'{"a":"', b'"}']
), min_size=1, max_size=6))  # fmt: skip  # parts of JSON, one glance
def test_what_is_decoded_together_are_records_each(lines: list[bytes]) -> None:
    """However the parts would fit together."""
    records = decode_together(lines)
    if records is not None:
        assert records == [msgspec.json.decode(line) for line in lines]
        assert all(parse_record(line) == Record(line, False) for line in lines)


@pytest.mark.parametrize("careful", [False, True])
@given(lines=st.lists(st.sampled_from(
    [b"{}", b'{"loss":1e-5,"n":[1]}', b'{"emergency":{}}', b'{"emergency": {"a":1}}',
     b'{"emergency":false}', b'{"emergency":1,"emergency":{}}',
     b'{"emergency":{},"emergency":1}', b'{"\\u0065mergency":{}}',
     b'{"t":{"emergency":{}}}', b"[]", b"{},{}", b'{"a":NaN}', b'{"a":"\\ud800"}',
     b'{"a":[{}', b"{}]}", b"7", b"", b'{"a":"\xff"}', b'{"a":1e999}', b'{"a":1E+999}']
), max_size=6))  # fmt: skip  # one glance
def test_lines_that_are_checked_together_are_what_each_is(
    lines: list[bytes], careful: bool
) -> None:
    """The same records and emergencies, or they are left to be read apart."""
    text = b"\n".join(lines)
    assert not has_long_number(text)
    emergencies = emergencies_among(lines, careful=careful or needs_care(text))
    found = [parse_record(line) for line in lines]
    if emergencies is not None:
        assert found == [
            Record(line, at in emergencies) for at, line in enumerate(lines)
        ]
    else:
        assert any(
            isinstance(one, Invalid) or one.data != line
            for one, line in zip(found, lines, strict=True)
        )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), json_values), st.booleans())
def test_whatever_python_writes_comes_out_strict(
    fields: dict[str, object], ascii_only: bool
) -> None:
    """P6: every record decodes by the gateway's parser, and is all finite."""
    line = json.dumps(fields, ensure_ascii=ascii_only).encode("utf-8", "replace")

    stored = parsed(line).data

    assert b"\n" not in stored
    msgspec.json.decode(stored)
    json.loads(stored, parse_constant=pytest.fail, parse_float=_finite)


def _finite(text: str) -> float:
    number = float(text)
    assert math.isfinite(number)
    return number


@given(st.binary(max_size=60))
def test_garbage_is_never_an_error(line: bytes) -> None:
    """Any bytes are a record or an invalid line."""
    found = parse_record(line)
    assert parse_record(line, careful=needs_care(line)) == found


STEP_KEYS = ("step", "global_step", "global_step/max_steps", "iteration")
TIME_KEYS = ("timestamp", "time_us", "time_ms", "time", "Time")


@pytest.mark.parametrize(
    ("record", "step"),
    [
        (b'{"step":42}', 42),
        (b'{"step":1.5}', 1.5),
        (b'{"global_step/max_steps":"5/250"}', 5),
        (b'{"step":" 7 "}', 7),
        (b'{"step":true,"iteration":3}', 3),
        (b'{"step":"PARAMETER"}', None),
        (b'{"data":{"step":9}}', 9),
        (b'{"data":{"step":9},"iteration":1}', 1),
        (b'{"step":18446744073709551616,"iteration":1}', 1),
        (b'{"loss":1}', None),
    ],
)
def test_a_step_is_found_by_the_first_key_that_holds_one(
    record: bytes, step: float | None
) -> None:
    """At the top level, then one level down."""
    assert read_progress(record, step_keys=STEP_KEYS, time_keys=()).step == step


@pytest.mark.parametrize(
    ("record", "time_ms"),
    [
        (b'{"timestamp":1766021400}', 1_766_021_400_000),
        (b'{"timestamp":1766021400.25}', 1_766_021_400_250),
        (b'{"time_ms":1766021400123}', 1_766_021_400_123),
        (b'{"time_us":1766021400123456}', 1_766_021_400_123),
        (b'{"time":1766021400123456789}', 1_766_021_400_123),
        (b'{"timestamp":"2025-12-18T01:30:00.000Z"}', 1_766_021_400_000),
        (b'{"timestamp":"2025-12-18T01:30:00"}', 1_766_021_400_000),
        (b'{"timestamp":"2025-12-18T02:30:00+01:00"}', 1_766_021_400_000),
        (b'{"timestamp":"1766021400"}', 1_766_021_400_000),
        (b'{"time":0.254}', None),
        (b'{"time":1e25}', None),
        (b'{"timestamp":"0:00:13"}', None),
        (b'{"timestamp":false}', None),
        (b'{"timestamp":[1]}', None),
    ],
)
def test_a_time_is_found_in_any_unit(record: bytes, time_ms: int | None) -> None:
    """A duration is no time; a time without a zone is UTC."""
    found = read_progress(record, step_keys=(), time_keys=TIME_KEYS)
    assert found == Progress(None, time_ms)
