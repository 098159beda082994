import json

import pytest

from tailcast_gateway.protocol.lines import one_line


@pytest.mark.parametrize("separator", ["\x85", "\u2028", "\u2029"])
def test_no_reader_of_lines_ends_a_line_within_a_record(separator: str) -> None:
    """The record stays what it is."""
    record = {"text": f"a{separator}é{separator}"}
    line = one_line(json.dumps(record, ensure_ascii=False).encode()).decode()
    assert line.splitlines() == [line]
    assert json.loads(line) == record


def test_a_return_between_tokens_is_a_blank() -> None:
    """All else stays byte for byte."""
    assert one_line(b'{"a":\r1}') == b'{"a": 1}'
    plain = '{"text":"é, ü, \u2027"}'.encode()
    assert one_line(plain) == plain
