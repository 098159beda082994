"""Whatever comes in whatever order: every client has the stream, once, in order."""

import asyncio
import os

import pytest
from hypothesis import example, given, settings, strategies as st

from tests.properties.gateway_model import World, without_pauses
from tests.properties.gateway_shapes import REQUESTS


ACTIONS = (
    "append", "append", "tail", "rewrite", "hint", "release", "release", "pump",
    "pump", "news", "news", "news", "audit_now", "trim", "remember", "forget_tail",
    "forget_all", "anew", "other_file", "pause", "resume", "subscribe", "subscribe",
    "come_back", "unsubscribe",
)  # fmt: skip  # one glance

# Most begin with a client that is live: what happens then is what matters.
BEGINNINGS: tuple[list[tuple[str, int, int]], ...] = (
    [],
    [("news", 0, 2), ("subscribe", 0, 0), ("pump", 0, 0), ("news", 0, 1)],
    [("subscribe", 0, 6), ("pump", 0, 0), ("news", 0, 4), ("news", 1, 4)],
    [("news", 0, 4), ("news", 0, 4), ("subscribe", 0, 2), ("subscribe", 1, 0)],
    [("subscribe", 0, 0), ("subscribe", 1, 3), ("pump", 0, 0), ("news", 0, 3)],
)

# The broker loses its last second, in which a generation had begun, and gets another
# one that ends at the very same ID; no notification tells it.
SAME_END: list[tuple[str, int, int]] = [
    ("news", 0, 2), ("subscribe", 0, 0), ("pump", 0, 0), ("news", 0, 1),
    ("rewrite", 0, 3), ("remember", 0, 0), ("append", 0, 0), ("rewrite", 0, 4),
    ("pump", 0, 0), ("forget_tail", 1, 0),
]  # fmt: skip  # one glance

# How many histories are tried of each kind; EXAMPLES=5000 is the long form.
EXAMPLES = int(os.environ.get("EXAMPLES", "300"))
# Bounds a run that hangs, in seconds.
pytestmark = pytest.mark.timeout(600 + EXAMPLES)

actions = st.tuples(st.sampled_from(ACTIONS), st.integers(0, 3), st.integers(0, 7))
views = st.tuples(
    st.sampled_from(("view", "view", "page", "resume_by_name", "acknowledge", "save")),
    st.integers(0, 1),
    st.integers(0, REQUESTS - 1),
)


def play(script: list[tuple[str, int, int]]) -> None:
    """Let a history happen."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        without_pauses(monkeypatch)
        asyncio.run(World().run(script))


@given(beginning=st.sampled_from(BEGINNINGS), script=st.lists(actions, max_size=30))
@example(beginning=SAME_END, script=[])
@example(beginning=SAME_END, script=[("tail", 0, 7), ("trim", 0, 0)])
@settings(max_examples=EXAMPLES)
def test_every_interleaving(
    beginning: list[tuple[str, int, int]], script: list[tuple[str, int, int]]
) -> None:
    """Every record once and in order, or a gap or rewind that says why not."""
    play([*beginning, *script])


@given(
    beginning=st.sampled_from(BEGINNINGS),
    script=st.lists(st.one_of(actions, actions, views), max_size=30),
)
@settings(max_examples=EXAMPLES)
def test_every_form(
    beginning: list[tuple[str, int, int]], script: list[tuple[str, int, int]]
) -> None:
    """As much of them as was asked for: filtered, projected, reduced, shown, in pages.

    From every kind of place, over either wire, and resumed by a client's name.
    """
    play([*beginning, *script])
