"""Whatever happens to files, to the view of them, to the broker and to the tailer.

A history that breaks the law is printed as calls: it becomes a test of its own, beside
those in `test_writers`, `test_views` and `test_brokers`.
"""

import errno
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.oracle.files import Kind
from tests.oracle.view import CALLS
from tests.oracle.world import World


NAMES = st.sampled_from(["a", "b", "deep/c"])
COUNTS = st.integers(0, 3)
PERCENTS = st.integers(0, 100)
SECONDS = st.sampled_from([0.05, 0.3, 1.5, 4.0, 12.0, 40.0])
# Until the next thing happens; most of the time it has been taken notice of.
PAUSES = st.sampled_from([0.0, 0.1, 0.9, 3.0])
MACHINES = st.sampled_from([0, 0, 0, 1])
ERRORS = st.sampled_from(
    [errno.ESTALE, errno.EIO, errno.ENOENT, errno.EACCES, errno.ETIMEDOUT, errno.EMFILE]
)
FAILING = st.lists(st.sampled_from(CALLS), min_size=1, max_size=5, unique=True).map(
    lambda calls: tuple(sorted(calls))
)
# What is no record, or only the beginning of one.
RESTS = st.sampled_from([b"", b"", b"", b"{", b'{"step":1', b"whole", b"\r"])
TEXTS = st.sampled_from(
    [b"\n", b"no record\n", b"[1]\n", b"  \r\n", b'{"a":\n', b"\n\n"]
)
CHANGES = st.one_of(
    st.tuples(st.just("write"), NAMES, COUNTS),
    st.tuples(st.just("rewrite"), NAMES, PERCENTS, COUNTS),
    st.tuples(st.just("replace"), NAMES, PERCENTS, COUNTS),
    st.tuples(st.just("cut"), NAMES, PERCENTS),
    st.tuples(st.just("remove"), NAMES),
    st.tuples(st.just("rotate"), NAMES, COUNTS),
    st.tuples(st.just("copy_and_cut"), NAMES, COUNTS),
)


class Oracle(RuleBasedStateMachine):
    """The tailer's world, one thing after the other."""

    # Whether files may be more than appended to.
    has_rewrites = True

    @initialize(
        kind=st.sampled_from(Kind),
        names_paths=st.booleans(),
        is_running=st.sampled_from([True, True, True, False]),
    )
    def begin(self, kind: Kind, names_paths: bool, is_running: bool) -> None:
        self.stack = ExitStack()
        base = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.world = World(Path(base).resolve(), kind, names_paths=names_paths)
        self.stack.enter_context(self.world.ruled())
        if is_running:
            self.world.start()
            self.world.pass_time(0.5)

    def teardown(self) -> None:
        with self.stack:
            self.world.end()

    # Time and tailers.

    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule(on=st.sampled_from([0, 1]))
    def start(self, on: int) -> None:
        self.world.start(on)
        self.world.pass_time(0.5)

    @rule(on=MACHINES, is_kill=st.booleans())
    def end(self, on: int, is_kill: bool) -> None:
        (self.world.kill if is_kill else self.world.stop)(on)

    @rule(seconds=st.sampled_from([0.0, 0.005, 0.3]))
    def slow_files(self, seconds: float) -> None:
        self.world.loop.thread_seconds = seconds

    # Files.

    @rule(
        name=NAMES,
        count=COUNTS,
        pad=st.sampled_from([0, 0, 0, 5_000]),
        rest=RESTS,
        then=PAUSES,
    )
    def write(self, name: str, count: int, pad: int, rest: bytes, then: float) -> None:
        self.world.write(name, count, pad=pad, rest=rest)
        self.world.pass_time(then)

    @rule(name=NAMES, text=TEXTS)
    def write_text(self, name: str, text: bytes) -> None:
        self.world.write_text(name, text)

    @precondition(lambda self: self.has_rewrites)
    @rule(change=CHANGES, then=PAUSES)
    def change(self, change: tuple[Any, ...], then: float) -> None:
        what, *arguments = change
        getattr(self.world, what)(*arguments)
        self.world.pass_time(then)

    @precondition(lambda self: self.has_rewrites)
    @rule(calls=st.integers(0, 30), change=CHANGES)
    def change_meanwhile(self, calls: int, change: tuple[Any, ...]) -> None:
        what, *arguments = change
        act = getattr(self.world, what)
        self.world.meanwhile(calls, lambda: act(*arguments))

    @rule(calls=st.integers(0, 30), name=NAMES)
    def write_meanwhile(self, calls: int, name: str) -> None:
        self.world.meanwhile(calls, lambda: self.world.write(name, 1))

    @rule(name=NAMES, seconds=SECONDS)
    def blink(self, name: str, seconds: float) -> None:
        self.world.blink(name, seconds)

    # What is seen of them.

    @rule(
        name=st.one_of(NAMES, st.just("")),
        number=ERRORS,
        calls=FAILING,
        seconds=SECONDS,
        on=MACHINES,
    )
    def fail(
        self, name: str, number: int, calls: tuple[str, ...], seconds: float, on: int
    ) -> None:
        self.world.fail(name, number, calls, seconds, on)

    @rule(name=NAMES, percent=PERCENTS, seconds=SECONDS, on=MACHINES)
    def show_size(self, name: str, percent: int, seconds: float, on: int) -> None:
        self.world.show_size(name, percent, seconds, on)

    @rule(name=NAMES, percent=PERCENTS, seconds=SECONDS, on=MACHINES)
    def read_short(self, name: str, percent: int, seconds: float, on: int) -> None:
        self.world.read_short(name, percent, seconds, on)

    @rule(
        name=NAMES,
        percents=st.tuples(st.integers(0, 150), st.integers(0, 300)),
        seconds=SECONDS,
        on=MACHINES,
    )
    def show_hole(
        self, name: str, percents: tuple[int, int], seconds: float, on: int
    ) -> None:
        self.world.show_hole(name, percents, seconds, on)

    @rule(name=NAMES, seconds=SECONDS, on=MACHINES)
    def stop_times(self, name: str, seconds: float, on: int) -> None:
        self.world.stop_times(name, seconds, on)

    @rule(devices=st.booleans(), on=MACHINES)
    def renumber(self, devices: bool, on: int) -> None:
        self.world.renumber(devices=devices, on=on)

    @rule(seconds=SECONDS, on=MACHINES)
    def delay_names(self, seconds: float, on: int) -> None:
        self.world.delay_names(seconds, on)

    @rule(seconds=SECONDS, is_there=st.booleans(), on=MACHINES)
    def unmount(self, seconds: float, is_there: bool, on: int) -> None:
        self.world.unmount(seconds, is_there=is_there, on=on)

    # The broker.

    @rule(
        seconds=SECONDS,
        what=st.sampled_from(["is_away", "is_full", "is_read_only"]),
        on=MACHINES,
    )
    def sink_fails(self, seconds: float, what: str, on: int) -> None:
        self.world.sink_faults(seconds, on, **{what: True})

    @rule(seconds=SECONDS, each=st.sampled_from([0.02, 0.4, 3.0]), on=MACHINES)
    def sink_is_slow(self, seconds: float, each: float, on: int) -> None:
        self.world.sink_faults(seconds, on, call_seconds=each)

    @rule(count=st.integers(1, 3), on=MACHINES)
    def lose_replies(self, count: int, on: int) -> None:
        self.world.lose_replies(count, on)

    @rule(
        what=st.sampled_from(
            ["remember", "remember", "roll_back", "wipe", "stream", "state"]
        ),
        name=NAMES,
    )
    def sink_forgets(self, what: str, name: str) -> None:
        if what in ("stream", "state"):
            self.world.delete(name, stream=what == "stream")
        else:
            getattr(self.world, what)()


class GrowingOnly(Oracle):
    """Files are only appended to: nothing that is seen is a rewrite."""

    has_rewrites = False


# Histories of the long form; EXAMPLES=5000 is for a night.
EXAMPLES = int(os.environ.get("EXAMPLES", "250"))
FEW = 12
STEPS = 20
LONG = (pytest.mark.long, pytest.mark.timeout(120 + 10 * EXAMPLES))


@pytest.mark.parametrize("machine", [Oracle, GrowingOnly])
@pytest.mark.parametrize(
    "examples",
    [pytest.param(FEW, id="few"), pytest.param(EXAMPLES, id="many", marks=LONG)],
)
def test_streams_are_the_files_or_say_why_not(
    machine: type[Oracle], examples: int
) -> None:
    """Each line once, in order; or a gap or a rewind says otherwise."""
    # The few are the same each time; the long form looks for others.
    bounds = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        derandomize=examples == FEW,
    )
    run_state_machine_as_test(machine, settings=bounds)
