"""Another program writes over keys of one session: the others are served as before."""

import json
from typing import Any

import httpx
import pytest
import redis
from starlette.routing import Route

from tailcast_streams.keys import Keys
from tests.indexer.rig import running, until_indexed
from tests.integration.gateway_rig import (
    PATIENCE_SECONDS,
    Gateway,
    Rig,
    Watcher,
    numbered,
    watching,
)
from tests.red_team.spoiling import WAYS, key_of, spoil


# What it answers is the same over any broker.
pytestmark = pytest.mark.one_broker

# Each key of a session, by the name of the method of `Keys` that spells it.
KEYS = (
    "stream", "state", "rejected", "about", "edits", "index", "metrics", "places",
    "places_by_time", "rollup",
)  # fmt: skip  # one name a line would hide what they are
# One session for each way, and others that are spoiled as the first one is.
SPOILED = tuple(f"sp-{number}" for number in range(len(WAYS)))
UNLIKE = SPOILED[: len(set(WAYS))]
SOUND = ("fine-1", "fine-2")


@pytest.fixture
async def keys(rig: Rig) -> Keys:
    """Sessions with all that is stored of such; those to be spoiled moved last."""
    for name in (*SOUND, *SPOILED):
        alarm = {"step": 3, "emergency": {"reason": f"of {name}"}}
        await rig.writer(name).append(*numbered(0, 3), alarm)
        await rig.broker.descriptions.edit(name, {"notes": b'"seen"'})
    async with running(rig.broker):
        await until_indexed(rig.broker, *SOUND, *SPOILED)
    return Keys(rig.prefix)


def addresses(gateway: Gateway, session: str) -> list[str]:
    """What can be asked of a session: each route there is that reads."""
    routes = [route for route in gateway.app.routes if isinstance(route, Route)]
    asked = {
        route.path
        for route in routes
        if "GET" in (route.methods or ()) and route.path.startswith("/api/")
    }
    query = f"sessionId={session}&cursor=1-10-00000000"
    return sorted(
        f"{path.replace('{session:session}', session)}?{query}"
        if "{" not in path and path == "/api/record"
        else f"{path.replace('{session:session}', session)}"
        f"{'' if '{' in path else f'?sessionId={session}'}"
        for path in asked
    )


async def check_answers(gateway: Gateway) -> None:
    """Of the others all is answered; of this one what can be, or why not."""
    async with httpx.AsyncClient(
        base_url=gateway.url, timeout=PATIENCE_SECONDS
    ) as client:
        for path in addresses(gateway, SOUND[0]):
            answer = await client.get(path)
            assert answer.status_code in {200, 400, 404}, (path, answer.text)
        for path in [one for name in UNLIKE for one in addresses(gateway, name)]:
            answer = await client.get(path)
            assert answer.status_code in {200, 400, 404, 503}, (path, answer.text)
            body = answer.json()
            if answer.status_code == 503:
                assert body["code"] in {"session_unavailable", "unavailable"}, body
                assert body["code"] == "session_unavailable" or "indexed" in str(body)
        rows = (await client.get("/api/sessions")).json()["sessions"]
        assert {row["sessionId"] for row in rows} == {*SPOILED, *SOUND}
        found = (await client.get("/api/emergencies")).json()
        of = {one["sessionId"] for one in found["data"]}
        assert set(SOUND) <= of
        assert set(SPOILED) <= of or found["behind"]
        asked = {"sessionIds": [SOUND[0], *SPOILED, SOUND[1]]}
        curves = await client.post("/api/series", json=asked)
        lines = [json.loads(line) for line in curves.text.splitlines()]
        assert [line["sessionId"] for line in lines] == asked["sessionIds"]
        assert "code" not in lines[0]
        assert "code" not in lines[-1]
        codes = {line["code"] for line in lines if "code" in line}
        assert codes <= {"session_unavailable", "unavailable", "not_found"}
        for accept in ("application/x-ndjson", "application/json"):
            answer = await client.get(
                f"/api/records?sessionId={SOUND[1]}", headers={"accept": accept}
            )
            assert answer.status_code == 200


async def check_messages(rig: Rig, gateway: Gateway) -> None:
    """A client of all sessions gets all of the others, and what it asks of them."""
    async with watching(gateway) as watcher:
        await watcher.subscribe(
            sessionIds=["*", *SPOILED], snapshot=True, replay=5, emergencies=9, id=1
        )
        for name in SOUND:
            await rig.writer(name).append({"step": 4, "of": name})
        await until_had(watcher, [{"step": 4, "of": name} for name in SOUND])
        for kind in ("snapshot", "sessions"):
            await watcher.send(type=kind, id=kind)
            answer = await watcher.until(kind, id=kind)
            shown = answer["snapshots" if kind == "snapshot" else "sessions"]
            assert {one["sessionId"] for one in shown} == {*SPOILED, *SOUND}
        await watcher.send(type="heartbeat", id="beat")
        await watcher.until("heartbeat", id="beat")
    async with watching(gateway) as watcher:
        for name in (*SPOILED, *SOUND):
            for kind in ("subscribe", "history", "snapshot"):
                await watcher.send(type=kind, sessionId=name, id=f"{kind} {name}")
                while (answer := await watcher.read()).get("id") != f"{kind} {name}":
                    pass
                if answer["type"] == "error":
                    assert name in SPOILED
                    assert answer["code"] == "session_unavailable"
                    assert answer["sessionId"] == name
                    assert answer["retryAfterMs"] > 0


async def until_had(watcher: Watcher, wanted: list[dict[str, Any]]) -> None:
    """Until a client has had these records."""
    while not all(record in watcher.records for record in wanted):
        await watcher.next()


@pytest.mark.parametrize("kind", KEYS)
async def test_a_spoiled_key_hurts_its_own_session(
    rig: Rig, keys: Keys, client: "redis.Redis", kind: str
) -> None:
    """Before a gateway has read it, and when it has; however many there are."""
    async with rig.serving() as early, watching(early) as watcher:
        await watcher.subscribe(sessionIds=["*"])
        for name, way in zip(SPOILED, WAYS, strict=True):
            spoil(client, key_of(keys, kind, name), way)
        await check_answers(early)
        for name in SOUND:
            await rig.writer(name).append({"step": 4, "now": name})
        await until_had(watcher, [{"step": 4, "now": name} for name in SOUND])
        assert early.replica.is_ready
    async with rig.serving() as late:
        await check_answers(late)
        await check_messages(rig, late)
        await late.until_ready()
