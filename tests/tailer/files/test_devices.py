"""Which files the event loop may look at itself."""

import time

import pytest

from tailcast_tailer.files import devices, file_system
from tailcast_tailer.files.devices import (
    KNOWN_SECONDS,
    PROMPT_SECONDS,
    SLOW_SECONDS,
    Devices,
    Patience,
)
from tailcast_tailer.files.file_system import is_local
from tests.tailer.single import Clock


class Mounts:
    """What the kernel says is mounted."""

    def __init__(self, text: str | None) -> None:
        self._text = text

    def read_text(self, **_: str) -> str:
        """All of it."""
        if self._text is None:
            raise FileNotFoundError
        return self._text


@pytest.mark.parametrize(
    ("mounts", "is_so"),
    [
        ("1 0 8:1 / / rw - ext4 /dev/sda rw", True),
        ("1 0 0:9 / / rw - nfs4 host:/ rw", False),
        ("1 0 0:9 / / rw - fuse.sshfs host: rw", False),
        ("", False),
        (None, False),
    ],
)
def test_local_is_what_is_known_to_be(
    monkeypatch: pytest.MonkeyPatch, mounts: str | None, *, is_so: bool
) -> None:
    """Not what is nowhere told of."""
    monkeypatch.setattr(file_system, "_MOUNTS", Mounts(mounts))
    assert is_local("/a/b") is is_so


def test_a_device_is_asked_here_once_it_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And as long as nobody waits for it; what it is may change with its number."""
    clock, local = Clock(), {"/here/a"}
    monkeypatch.setattr(devices, "is_local", local.__contains__)
    known = Devices(clock=clock)
    assert not known.are_prompt(None)
    assert not known.are_prompt(1)
    known.meet(1, "/here/a")
    known.meet(2, "/there/a")
    assert known.are_prompt(1)
    assert not known.are_prompt(2)
    known.was_slow(1)
    assert not known.are_prompt(1)
    clock.now += SLOW_SECONDS
    assert known.are_prompt(1)
    known.meet(1, "/there/a")
    assert not known.are_prompt(1)
    known.meet(1, "/here/a")
    assert not known.are_prompt(1)
    clock.now += KNOWN_SECONDS
    known.meet(1, "/here/a")
    assert known.are_prompt(1)


def test_only_who_waits_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever takes the processor is not the file system's doing."""
    now, waits = 0.0, 7
    monkeypatch.setattr(devices, "perf_counter", lambda: now)
    monkeypatch.setattr(devices, "_waits", lambda: waits)
    patience = Patience()
    now += 2 * PROMPT_SECONDS
    assert not patience.seconds()
    patience.begin()
    waits += 1
    assert not patience.seconds()
    now += 2 * PROMPT_SECONDS
    assert patience.seconds() == pytest.approx(2 * PROMPT_SECONDS)
    patience.begin()
    now += 2 * PROMPT_SECONDS
    assert not patience.seconds()


def test_a_wait_is_seen() -> None:
    """By what the kernel counts of this thread."""
    patience = Patience()
    time.sleep(2 * PROMPT_SECONDS)
    assert patience.seconds() > PROMPT_SECONDS
