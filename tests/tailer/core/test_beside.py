"""What stands beside the records: headers and documents."""

import json

import pytest
from hypothesis import given, strategies as st

from tailcast_tailer.core import beside as module
from tailcast_tailer.core.beside import (
    MAX_BYTES,
    Unreadable,
    header_in,
    is_beside,
    names_beside,
    read_beside,
    told_of,
)


def test_a_file_has_a_document_of_its_own_and_those_of_its_directory() -> None:
    """The one of its own comes first; it has the file's name without its ending."""
    shared = ("config.json", "args.json", "hparams.yaml")
    assert names_beside("session_001.jsonl") == ("session_001.meta.json", *shared)
    assert names_beside("train")[0] == "train.meta.json"
    assert names_beside("a.b.log")[0] == "a.b.meta.json"
    assert names_beside(".jsonl")[0] == ".jsonl.meta.json"
    assert all(map(is_beside, names_beside("a.jsonl")))
    assert not is_beside("config.jsonl")


@pytest.mark.parametrize(
    ("head", "header"),
    [
        (b'# {"run":"a"}\n{"step":1}\n', b'{"run":"a"}'),
        (b'\xef\xbb\xbf// {"run":"a"}\r\n', b'{"run":"a"}'),
        (b'# {"lr":NaN}\n', b'{"lr":"NaN"}'),
        (b'# {"run":"a"}', None),
        (b"# a comment\n", None),
        (b'{"step":1}\n', None),
        (b'INFO {"step":1}\n', None),
        (b'# {"x":"' + b"x" * MAX_BYTES + b'"}\n', None),
        (b"", None),
    ],
)
def test_a_header_is_an_object_behind_a_comment(
    head: bytes, header: bytes | None
) -> None:
    """On a first line that is whole."""
    assert header_in(head) == header


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        (
            "config.json",
            b' {\n "lr": 1.10,\n "n": [1, 2]\n}\n',
            '{"lr":1.10,"n":[1,2]}',
        ),
        ("args.json", b'\xef\xbb\xbf{"lr": NaN}', '{"lr":"NaN"}'),
        ("hparams.yaml", b"lr: 3.0e-05\nname: b\n", '{"lr":0.00003,"name":"b"}'),
        ("x.yaml", b"n: %d" % 2**70, f'{{"n":"{2**70}"}}'),
        ("x.yml", b"when: 2026-11-25\n1: [a, null]\n", None),
        ("x.yaml", b"a: .nan\nb: -.inf\nc: .inf\nd: yes\n", None),
        ("x.yaml", b"a: !!set {b}\n", '{"a":"{\'b\'}"}'),
    ],
)
def test_a_document_is_one_object(name: str, data: bytes, told: str | None) -> None:
    """As JSON on one line; what JSON cannot say is a text."""
    found = read_beside(name, data)
    assert b"\n" not in found
    if told is not None:
        assert found.decode() == told
    known = {
        "x.yml": {"when": "2026-11-25", "1": ["a", None]},
        "x.yaml": {"a": "NaN", "b": "-Infinity", "c": "Infinity", "d": True},
    }
    if told is None:
        assert json.loads(found) == known[name]


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("config.json", b"[1]", "not a JSON object"),
        ("config.json", b"{", "not JSON"),
        ("config.json", b"", "not JSON"),
        ("config.json", b" " * (MAX_BYTES + 1), "more than 65536 bytes"),
        ("hparams.yaml", b"- 1\n", "not a JSON object"),
        ("hparams.yaml", b"", "not a JSON object"),
        ("hparams.yaml", b"a: &x [1]\nb: *x\n", "references"),
        ("hparams.yaml", b"a: !!python/object:os.system x\n", "plain YAML"),
        ("hparams.yaml", b"a: [\n", "plain YAML"),
        ("hparams.yaml", b"a: !!int x\n", "plain YAML"),
        ("hparams.yaml", b"? [a, b]\n: 1\n", "plain YAML"),
        ("hparams.yaml", b"a: b\n--- \nc: d\n", "plain YAML"),
        ("hparams.yaml", b"a: " + b"[" * 200 + b"]" * 200, "too deeply"),
        ("hparams.yaml", b"\xff", "not UTF-8"),
        ("hparams.yaml", b'a: "\\ud800"', "plain YAML"),
        ("hparams.yaml", b"a: \x00", "plain YAML"),
    ],
)
def test_what_is_no_document_says_why(name: str, data: bytes, why: str) -> None:
    """For people, in one line."""
    with pytest.raises(Unreadable, match=why) as error:
        read_beside(name, data)
    assert "\n" not in str(error.value)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_document_or_not(data: bytes) -> None:
    """Nothing else comes of them."""
    for name in ("config.json", "hparams.yaml"):
        try:
            found = read_beside(name, data)
        except Unreadable:
            continue
        else:
            assert isinstance(json.loads(found), dict)


def test_what_is_told_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The most telling first: the file's own document, its header, the others."""
    names = names_beside("a.jsonl")
    documents = {"config.json": b"{1}", "a.meta.json": b"{2}", "hparams.yaml": b"{3}"}
    told = told_of(b"{0}", documents, {"args.json": "why"}, names)
    assert list(told) == [
        "file:a.meta.json", "header", "file:config.json", "file:hparams.yaml",
        "left_out",
    ]  # fmt: skip
    assert json.loads(told["left_out"]) == {"args.json": "why"}
    assert list(told_of(b"{0}", {}, {}, names)) == ["header"]
    assert told_of(None, {}, {}, names) == {}
    monkeypatch.setattr(module, "MAX_TOLD_BYTES", 6)
    told = told_of(b"{0}", documents, {}, names)
    assert list(told) == ["file:a.meta.json", "header", "left_out"]
    assert json.loads(told["left_out"]).keys() == {"config.json", "hparams.yaml"}
