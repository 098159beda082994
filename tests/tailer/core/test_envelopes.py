"""What an engine put around a line is taken away, and what it cut is joined."""

import json

import pytest

from tailcast_tailer.core.envelopes import (
    Envelope,
    Lines,
    Unwrapped,
    is_enveloped,
    unwrapped,
)


TIME = "2026-11-25T12:00:00.123456789Z"


def docker(text: str, stream: str = "stdout") -> bytes:
    """A line as Docker writes it."""
    return json.dumps({"log": text, "stream": stream, "time": TIME}).encode()


def cri(text: str, stream: str = "stdout", tag: str = "F") -> bytes:
    """A line as a CRI engine writes it."""
    return f"{TIME} {stream} {tag} {text}".encode()


def unwrap(texts: list[bytes], envelope: Envelope, **options: int) -> Unwrapped:
    """Take lines out that begin at byte 100."""
    bounds = {"max_line_bytes": 1_000, "max_lines": 100, "is_all": 0, **options}
    return unwrapped(
        texts,
        100,
        envelope,
        max_line_bytes=bounds["max_line_bytes"],
        max_lines=bounds["max_lines"],
        is_all=bool(bounds["is_all"]),
    )


@pytest.mark.parametrize(
    ("line", "envelope"),
    [
        (docker("x\n"), Envelope.DOCKER),
        (docker("x", "stderr"), Envelope.DOCKER),
        (docker("x\n")[:-1] + b',"attrs":{"tag":"a"}}', Envelope.DOCKER),
        (cri("x"), Envelope.CRI),
        (cri("", "stderr"), Envelope.CRI),
        (cri("").rstrip(), Envelope.CRI),
        (cri("x", tag="P"), Envelope.CRI),
        (cri("x", tag="F:tag"), Envelope.CRI),
        (b"2016-10-06T00:17:09.669794202+02:00 stdout F x\r", Envelope.CRI),
    ],
)
def test_lines_of_an_engine(line: bytes, envelope: Envelope) -> None:
    """Each is of one engine."""
    engines = (Envelope.DOCKER, Envelope.CRI)
    assert [one for one in engines if is_enveloped(line, one)] == [envelope]


@pytest.mark.parametrize(
    "line",
    [
        b'{"log":"x"}', b'{"log":1,"stream":"stdout","time":""}', b"junk", b"",
        docker("x\n", "other"), docker("x\n")[:-1] + b',"step":1}', b"\xff",
        b"2026-11-25 12:00:00 stdout F x", b'{"log":"\\ud800","stream":"stdout"}',
        docker("x\n")[:-1],
    ],
)  # fmt: skip  # one glance
def test_other_lines(line: bytes) -> None:
    """What has other keys, or lacks one, is no engine's."""
    assert not is_enveloped(line, Envelope.DOCKER)
    assert not is_enveloped(line, Envelope.CRI)


def test_lines_are_those_of_the_program() -> None:
    """Their places are those of the file's lines."""
    texts = [docker('{"a":"é"}\n'), b"broken", docker("\n")]
    ends = [100 + len(b"\n".join(texts[: at + 1])) + 1 for at in range(3)]
    assert unwrap(texts, Envelope.DOCKER) == Unwrapped(
        Lines(['{"a":"é"}'.encode(), b"broken", b""], ends, [*map(len, texts)]),
        ends[-1],
        is_open=False,
    )


def test_parts_are_joined_for_each_stream() -> None:
    """Each line ends where its last part does; lengths do not overlap."""
    texts = [
        cri('{"a":', tag="P"), cri("oops ", "stderr", "P"), cri("1", tag="P"),
        cri("then", "stderr"), cri("}"), cri("later", tag="P"),
    ]  # fmt: skip  # one glance
    ends = [100 + len(b"\n".join(texts[: at + 1])) + 1 for at in range(6)]
    lines, end, is_open = unwrap(texts, Envelope.CRI)
    assert lines.texts == [b"oops then", b'{"a":1}']
    assert lines.ends == [ends[3], ends[4]]
    assert lines.lengths == [ends[3] - 1 - ends[0], ends[4] - 1 - ends[3]]
    assert (end, is_open) == (ends[4], True)
    parts = [docker("a"), docker("b\n"), docker("c")]
    assert unwrap(parts, Envelope.DOCKER).lines.texts == [b"ab"]


def test_nothing_is_taken_before_its_last_part() -> None:
    """Unless none is to be awaited."""
    texts = [cri("one", tag="P"), cri("two", "stderr", "P")]
    assert unwrap(texts, Envelope.CRI) == Unwrapped(Lines([], [], []), 100, True)
    lines, end, is_open = unwrap(texts, Envelope.CRI, is_all=1)
    assert lines.texts == [b"one", b"two"]
    assert lines.ends == [end - 1, end]
    assert (end, is_open) == (102 + len(b"".join(texts)), False)


def test_a_line_in_parts_is_bounded() -> None:
    """Beyond the longest line nothing more is awaited."""
    texts = [cri("x" * 40, tag="P")] * 3
    assert unwrap(texts, Envelope.CRI, max_line_bytes=50).lines.texts == [b"x" * 80]


def test_a_number_of_lines_is_taken() -> None:
    """Those in parts are whole."""
    texts = [cri("a"), cri("b", tag="P"), cri("c"), cri("d")]
    lines, end, is_open = unwrap(texts, Envelope.CRI, max_lines=2)
    assert lines.texts == [b"a", b"bc"]
    assert (end, is_open) == (lines.ends[-1], False)
