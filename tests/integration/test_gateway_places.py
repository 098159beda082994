"""From any place that a client can have been given, what comes is what was added.

For each kind of channel, each place, and each thing that can happen meanwhile.
"""

import json
from contextlib import AsyncExitStack
from itertools import product
from typing import Any

import pytest

from tailcast_streams.entries import Document
from tests.integration.gateway_rig import Rig, Watcher, numbered, watching


SESSION, EMERGENCIES = "a", "!emergencies"
# How many are there when the client gets its place, and how many of them it has then.
PLACES = {"null": (0, 0), "beginning": (3, 0), "middle": (3, 2), "head": (3, 3)}
# How many are added while it is away, and whether another gateway serves it then.
ABSENCES = {
    "nothing": (0, False),
    "one": (1, False),
    "many": (5, False),
    "another gateway": (1, True),
}


async def _add(rig: Rig, channel: str, start: int, stop: int) -> None:
    if channel == SESSION:
        if start < stop:
            await rig.writer(SESSION).append(*numbered(start, stop))
        return
    for number in range(start, stop):
        data = json.dumps({"step": number}).encode()
        path = f"emergency/{number}.json"
        await rig.broker.add_document(
            Document(path, str(number), data, "", is_news=True)
        )


async def _next_steps(watcher: Watcher, channel: str, count: int) -> list[int]:
    """The steps of the next records, or documents, with the cursor of each."""
    found: list[int] = []
    kind = "telemetry" if channel == SESSION else "emergency"
    while len(found) < count:
        message = await watcher.until(kind)
        data = message["data"]
        records: list[dict[str, Any]] = data if kind == "telemetry" else [data]
        found += [record["step"] for record in records]
    return found


async def _place(
    rig: Rig, watcher: Watcher, channel: str, there: int, had: int
) -> dict[str, Any]:
    """Cursors, and the time that belongs to them, of a client that had so many."""
    await watcher.subscribe(sessionIds=[SESSION, "b"], **{"from": "now"})
    told = await watcher.until("positions")
    cursors: dict[str, Any] = {EMERGENCIES: told["cursors"].get(EMERGENCIES)}
    if channel == SESSION:
        cursors[SESSION] = told["cursors"].get(SESSION)
    await _add(rig, channel, 0, had)
    if had:
        assert await _next_steps(watcher, channel, had) == list(range(had))
        cursors[channel] = watcher.cursors[channel]
    await _add(rig, channel, had, there)
    return {"cursors": cursors, "at": told["at"]}


@pytest.mark.parametrize(
    ("channel", "place", "absence"),
    [*product((SESSION, EMERGENCIES), PLACES, ABSENCES)],
)
async def test_what_comes_is_what_was_added(
    rig: Rig, channel: str, place: str, absence: str
) -> None:
    """Nothing is missed, and nothing comes twice."""
    there, had = PLACES[place]
    added, is_other = ABSENCES[absence]
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(rig.serving())
        second = await stack.enter_async_context(rig.serving()) if is_other else first
        async with watching(first) as watcher:
            resume = await _place(rig, watcher, channel, there, had)
        await _add(rig, channel, there, there + added)
        async with watching(second) as back:
            await back.subscribe(sessionIds=[SESSION, "b"], **resume)
            # One more shows that there was nothing else.
            await _add(rig, channel, there + added, there + added + 1)
            wanted = list(range(had, there + added + 1))
            assert await _next_steps(back, channel, len(wanted)) == wanted
