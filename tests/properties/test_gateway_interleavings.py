"""Whatever comes in whatever order: every client has the stream, once, in order."""

import asyncio

import pytest
from hypothesis import given, settings, strategies as st

from tests.properties.gateway_model import World, without_pauses


ACTIONS = (
    "append", "append", "append", "tail", "rewrite", "hint", "hint", "release",
    "release", "release", "release", "audit_now", "trim", "remember", "forget_tail",
    "forget_all", "pause", "resume", "subscribe", "subscribe", "come_back",
    "unsubscribe",
)  # fmt: skip  # one glance

scripts = st.lists(
    st.tuples(st.sampled_from(ACTIONS), st.integers(0, 3), st.integers(0, 7)),
    max_size=40,
)


@given(script=scripts)
@settings(max_examples=200)
def test_every_interleaving(script: list[tuple[str, int, int]]) -> None:
    """Every record once and in order, or a gap or rewind that says why not."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        without_pauses(monkeypatch)

        async def play() -> None:
            await World().run(script)

        asyncio.run(play())
