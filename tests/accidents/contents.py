"""What lines may have, and files that hold no lines of records."""

import gzip
import json

from tests.accidents.followers import Way
from tests.accidents.stage import Stage
from tests.accidents.table import EVERYWHERE, accident


ODD_RECORDS = (
    b'{"a":1e400}', b'{"a":-1e999}', b'{"a":NaN}', b'{"a":1e-400}', b'{"a":-0.0}',
    b'{"a":0.1234567890123456789012345678}', b'{"a":99999999999999999999}',
    b'{"a":1,"a":2}', b'{"a":"\\ud800"}', b'{"a":"\\u0000"}', b'{"__proto__":{"b":1}}',
    b'{"":1}', b'{"a":' + b"9" * 400 + b"}", b'{"a":' + b"9" * 5_000 + b"}",
    b'{"a":' + b"[" * 90 + b"]" * 90 + b"}", b"{}",
)  # fmt: skip  # as a table
NO_RECORDS = (
    b'{"a":"\xff\xfe"}', b"[1]", b'"text"', b"1", b"null", b'{"a":1,}', b'{"a":"\x01"}',
    b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b"[" * 10_000 + b"]" * 10_000,
)  # fmt: skip  # as a table


@accident(ways=EVERYWHERE)
def carriage_returns(stage: Stage) -> None:
    """Lines that end as Windows ends them."""
    texts = stage.lines(10)
    stage.note("a.jsonl", texts)
    with stage.path("a.jsonl").open("ab") as file:
        file.write(b"".join(text + b"\r\n" for text in texts))


@accident(ways=EVERYWHERE)
def blank_lines(stage: Stage) -> None:
    """Lines with nothing, or blanks, between the others."""
    texts = stage.lines(10)
    stage.note("a.jsonl", texts)
    with stage.path("a.jsonl").open("ab") as file:
        file.write(b"".join(text + b"\n\n  \n\t\n" for text in texts))


@accident(ways=EVERYWHERE, is_for_all=False)
def byte_order_mark(stage: Stage) -> None:
    """The mark that some editors put before the first line."""
    stage.path("a.jsonl").write_bytes(b"\xef\xbb\xbf")
    stage.append("a.jsonl", 5)


@accident(ways=EVERYWHERE, is_for_all=False)
def odd_records(stage: Stage) -> None:
    """Numbers, texts and keys at the edges of what JSON has: how many came counts."""
    stage.append("a.jsonl", 1)
    records = len(ODD_RECORDS)
    # What is stored of them is strict JSON, which is not what was written.
    with stage.path("b.jsonl").open("ab") as file:
        file.write(b"".join(text + b"\n" for text in ODD_RECORDS))
    stage.wait(lambda: _told_in(stage, "b") == records, f"{records} odd records")
    for one in stage.follower.told()["b"].told:
        json.loads(one.text or b"{}", parse_constant=_refuse)
        stage.ledger.wrote("b.jsonl", [one.text] if one.text else [])


@accident(ways=EVERYWHERE, is_for_all=False)
def lines_that_are_no_records(stage: Stage) -> None:
    """Lines that are no UTF-8, no objects, or nested without end, between others."""
    for text in NO_RECORDS:
        stage.append("a.jsonl", 1)
        with stage.path("a.jsonl").open("ab") as file:
            file.write(text + b"\n")
    stage.append("a.jsonl", 1)
    stage.wait(lambda: _rejected_in(stage, "a") >= len(NO_RECORDS), "rejections")


@accident(ways=EVERYWHERE, is_for_all=False)
def fifty_thousand_keys(stage: Stage) -> None:
    """A record of 50,000 keys."""
    stage.append("a.jsonl", 1, **{f"metric_{key}": key for key in range(50_000)})


@accident(ways=EVERYWHERE, is_for_all=False)
def compressed_with_the_name_of_lines(stage: Stage) -> None:
    """A compressed file has a name that telemetry has."""
    _other_content(stage, gzip.compress(b'{"step":1}\n' * 100))


@accident(ways=EVERYWHERE, is_for_all=False)
def pretty_printed(stage: Stage) -> None:
    """One object over several lines."""
    _other_content(stage, json.dumps({"step": 1, "loss": 0.5}, indent=2).encode())


@accident(ways=EVERYWHERE, is_for_all=False)
def sixteen_bits(stage: Stage) -> None:
    """Lines in UTF-16."""
    _other_content(stage, '{"step":1}\n{"step":2}\n'.encode("utf-16"))


def _other_content(stage: Stage, content: bytes) -> None:
    stage.append("b.jsonl", 3)
    stage.path("a.jsonl").write_bytes(content + b"\n")
    if stage.way is not Way.UP:
        stage.wait(lambda: _rejected_in(stage, "a") > 0, "a rejection")


def _told_in(stage: Stage, session: str) -> int:
    told = stage.follower.told()
    return sum(bool(one.text) for one in told[session].told) if session in told else 0


def _rejected_in(stage: Stage, session: str) -> int:
    told = stage.follower.told()
    return len(told[session].rejected) if session in told else 0


def _refuse(text: str) -> None:
    raise AssertionError(f"not strict JSON: {text}")
