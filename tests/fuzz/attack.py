"""Attacks a gateway for a time: conversation after conversation, checked after each."""

import contextlib
import socket
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, given, seed as seeded, settings

from tests.brokers import BrokerServer
from tests.fuzz.hostile import converse
from tests.fuzz.inputs import Conversation, conversations
from tests.fuzz.target import Target


# Conversations of one round of hypothesis; the time is looked at between rounds.
ROUND = 100
# Connections that are left open behind; the oldest goes when one more comes.
LEFT_OPEN = 20
# What a process may gain once it has been attacked for a while: its windows and caches
# have bounds that a short run does not reach.
MAX_GROWTH_BYTES = 64 * 1024 * 1024


class Outcome(NamedTuple):
    """What an attack came to."""

    conversations: int
    # What the gateway held after the first round, and what it gained since.
    memory_bytes: int
    growth_bytes: int


def attack(broker: BrokerServer, *, seconds: float, seed: int) -> Outcome:
    """Attack a gateway of its own. Raises AssertionError with what brought it down."""
    with tempfile.TemporaryDirectory(prefix="tailcast-fuzz-") as directory:
        target = Target(broker.url, Path(directory))
        with target.running():
            return _attack(target, seconds=seconds, seed=seed)


def _attack(target: Target, *, seconds: float, seed: int) -> Outcome:
    end = time.monotonic() + seconds
    count = memory = 0
    with contextlib.ExitStack() as stack:
        left_open: deque[socket.socket] = deque()
        stack.callback(_close, left_open)
        while not memory or time.monotonic() < end:
            _round(target, left_open, seed + count)
            count += ROUND
            memory = memory or target.memory_bytes
        target.check()
        growth = target.memory_bytes - memory
    assert growth < MAX_GROWTH_BYTES, f"memory grew by {growth:,} bytes"
    return Outcome(count, memory, growth)


def _close(sockets: deque[socket.socket]) -> None:
    for one in sockets:
        one.close()


def _round(target: Target, left_open: deque[socket.socket], seed: int) -> None:
    @seeded(seed)
    @settings(
        max_examples=ROUND,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.large_base_example,
        ],
    )
    @given(conversations())
    def run(conversation: Conversation) -> None:
        one = converse(target.port, conversation)
        if one is not None:
            left_open.append(one)
        if len(left_open) > LEFT_OPEN:
            left_open.popleft().close()
        target.write_and_see()
        assert target.new_failures() == []

    run()
