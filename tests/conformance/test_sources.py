"""What tailers know of paths: all adapters keep it, and answer it, alike."""

import pytest

from tailcast_streams.memory import sources as sources_memory
from tailcast_streams.redis import sources as sources_redis
from tailcast_streams.sources import Overview, Root, Source, SourceState
from tests.conformance.conftest import Adapter


OWNER = "one:/logs {a}"
ROOT = Root("/logs/telemetry", ("**/*.jsonl",), 3, "nothing there", "write a line")
OVERVIEW = Overview(OWNER, {SourceState.FOLLOWED: 2}, 2, (ROOT,), 1_764_000_000_000)
FOLLOWED = Source("/logs/a é\n.jsonl", SourceState.FOLLOWED, "a é\n")
REFUSED = Source(
    "/logs/!b.jsonl", SourceState.REFUSED, reason='begins with "!"', mend="rename it"
)


async def test_what_a_tailer_says_is_read(adapter: Adapter) -> None:
    """Paths with all that is said of them, and the overview; of nobody else's."""
    sources = adapter.sources
    assert await sources.overviews() == []
    assert await sources.read(OWNER, limit=10) == []

    await sources.publish(OVERVIEW, {one.path: one for one in (FOLLOWED, REFUSED)})
    other = Overview("a nother", {})
    await sources.publish(other, {})

    assert await sources.overviews() == [other, OVERVIEW]
    assert await sources.read(OWNER, limit=10) == [REFUSED, FOLLOWED]
    assert await sources.read("a nother", limit=10) == []


async def test_only_what_changed_is_said_again(adapter: Adapter) -> None:
    """What is not named stays, None takes a path away, and the rest is replaced."""
    sources = adapter.sources
    waiting = Source("/logs/c", SourceState.WAITING, reason="Permission denied")
    paths = {one.path: one for one in (FOLLOWED, REFUSED, waiting)}
    await sources.publish(OVERVIEW, paths)
    later = OVERVIEW._replace(counts={SourceState.FOLLOWED: 2})
    followed = waiting._replace(state=SourceState.FOLLOWED, reason="")

    replaced = await sources.publish(
        later, {waiting.path: followed, REFUSED.path: None}
    )

    assert replaced == OVERVIEW
    assert await sources.overviews() == [later]
    assert await sources.read(OWNER, limit=10) == [FOLLOWED, followed]


async def test_pages_go_on_behind_a_path(adapter: Adapter) -> None:
    """In the order of the paths, of the states that are asked for, all in the end."""
    sources, number = adapter.sources, 2_345
    states = tuple(SourceState)
    known = [
        Source(f"/logs/{number:05}", states[number % 4], reason="x" * (number % 90))
        for number in range(number)
    ]
    await sources.publish(OVERVIEW, {one.path: one for one in reversed(known)})

    found: list[Source] = []
    while page := await sources.read(
        OWNER, after=found[-1].path if found else "", limit=1_000
    ):
        found += page
    assert found == known

    page = await sources.read(
        OWNER,
        after="/logs/00100",
        states={SourceState.REFUSED, SourceState.LEFT_OUT},
        limit=3,
    )
    assert page == [known[102], known[103], known[106]]


async def test_what_is_forgotten_is_gone(adapter: Adapter) -> None:
    """A tailer that begins leaves nothing of what an earlier one said."""
    sources = adapter.sources
    await sources.publish(OVERVIEW, {FOLLOWED.path: FOLLOWED})
    await sources.forget(OWNER)
    assert await sources.overviews() == []

    assert await sources.publish(OVERVIEW, {REFUSED.path: REFUSED}) is None

    assert await sources.read(OWNER, limit=10) == [REFUSED]


async def test_it_expires_unless_it_is_said_anew(
    adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tailer that is gone tells nobody of files any more."""
    for module in (sources_memory, sources_redis):
        monkeypatch.setattr(module, "SOURCES_KEPT_SECONDS", 0)
    await adapter.sources.publish(OVERVIEW, {FOLLOWED.path: FOLLOWED})
    assert await adapter.sources.overviews() == []
    assert await adapter.sources.read(OWNER, limit=10) == []
