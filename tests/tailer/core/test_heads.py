"""What a file is, as its first bytes tell."""

import pytest

from tailcast_streams.defaults import STEP_KEYS, TIME_KEYS
from tailcast_tailer.core.heads import SNIFFED_BYTES, Nature, judge_head


LONG = "x" * 40
DOCKER = b'{"log":"%b\\n","stream":"stdout","time":"2026-11-28T10:00:00.1Z"}\n'
RUN, WAITING, LEFT_OUT = Nature.RUN, Nature.WAITING, Nature.LEFT_OUT


def judged(
    head: bytes, name: str = "a.log", *, rests: bool = True, grown: bool = False
) -> Nature:
    """The verdict on a file that is no larger than what is looked at."""
    return judge_head(
        head,
        name,
        is_whole=len(head) < SNIFFED_BYTES,
        is_resting=rests,
        has_grown=grown,
        step_keys=STEP_KEYS,
        time_keys=TIME_KEYS,
    ).nature


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b'{"step":1}\n', RUN),
        (b'\xef\xbb\xbf\n\n {"step":1,"a":NaN}\r\n', RUN),
        (b"Loading\nepoch 1\n" + b'{"step":1}\n', RUN),
        (b'2026-11-28T10:00:00Z stdout F {"step":1}\n', RUN),
        (DOCKER % b"Loading" + DOCKER % b'{\\"step\\":1}', RUN),
        (DOCKER % b"Loading", LEFT_OUT),
        (b'{"record":{"extra":{"step":1},"time":{"timestamp":1.8e9}}}\n', RUN),
        (b'{"time":1800000000,"a":"b"}\n', RUN),
        (b'{"loss":0.5}\n{"loss":0.4}\n', RUN),
        (b'{"step":' + b"[" * 200 + b"]" * 200 + b"}\n", RUN),
        # Without a newline, at rest.
        (b'{"step":1}', RUN),
        (b"", WAITING),
        (b"{}\n{}\n", WAITING),
        (b'{"<eos>":5000}\n', WAITING),
        (b"# model\n", LEFT_OUT),
        (b"{\n", LEFT_OUT),
        (b"[1]\n", LEFT_OUT),
        (b"\x1f\x8b\x08", LEFT_OUT),
        (b"\xff\xfe{\0", LEFT_OUT),
        (b"x" * SNIFFED_BYTES, LEFT_OUT),
        (b'{"q":"%b","a":1}\n' % LONG.encode() * 20, LEFT_OUT),
        (b'{"q":"a"}\n{"q":"b"}\n', RUN),
        (b'{"level":"info","msg":"a","time":"2026-11-28T10:00:00Z"}\n', LEFT_OUT),
    ],
    ids=range(23),
)
def test_a_file_without_the_extension_of_lines(head: bytes, expected: Nature) -> None:
    """Any of its first lines makes it a run."""
    assert judged(head) is expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b'{"loss":0.5}\n', RUN),
        # Rejections say what is wrong with such lines.
        (b"text\n", RUN),
        (b"\x1f\x8b\x08\n", RUN),
        (b"x" * SNIFFED_BYTES, RUN),
        (b"", WAITING),
        (b'{"step":', WAITING),
        (b'{"hello":"world"}\n', RUN),
        (b'{"instruction":"Say hi","output":"hi"}\n' * 20, LEFT_OUT),
        (b'{"label":1,"text":"%b"}\n' % LONG.encode() * 20, LEFT_OUT),
    ],
    ids=range(9),
)
def test_a_file_with_the_extension_of_lines(head: bytes, expected: Nature) -> None:
    """It is a run, unless it looks like data."""
    is_partial = head == b'{"step":'
    assert judged(head, "a.jsonl", rests=not is_partial) is expected


@pytest.mark.parametrize("extension", ["yaml", "yml", "toml", "ini", "cfg"])
def test_configuration_is_never_a_run(extension: str) -> None:
    """Though a line of it may look like a record."""
    assert judged(b'{"step":1}\n', f"model.{extension}") is LEFT_OUT


def test_what_may_become_a_run_is_waited_for() -> None:
    """Until it rests; and what grows while it is watched is a run."""
    text, data = b"Loading\n", b'{"text":"%b"}\n' % LONG.encode()
    assert judged(text, rests=False) is WAITING
    assert judged(data * 20, rests=False) is WAITING
    assert judged(data * 20, grown=True) is RUN
    assert judged(b'{"a":1}\n', grown=True) is RUN
    # A line that is not whole yet decides nothing.
    assert judged(b'{"step":1}', rests=False) is WAITING


def test_what_a_run_says_of_itself_is_no_run() -> None:
    """Whatever steps are in it."""
    for name in ("config.json", "args.json", "hparams.yaml", "a.meta.json"):
        assert judged(b'{"step":1}\n', name) is LEFT_OUT
