"""Nobody reads what the token in force does not allow, by any route or message.

Both tables name all there are: whoever adds a route or a message adds a row.
"""

import base64
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest
from starlette.routing import Route
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tailcast_gateway.http.core.credentials import BEARER_PROTOCOL
from tailcast_gateway.protocol.client_messages import SUPPORTED
from tests.integration.gateway_rig import Gateway, Rig, Watcher, numbered, watching
from tests.integration.tokens import bearer, by_tokens, hasten, token
from tests.red_team.requests import UPGRADE, asked, request


MINE: Final = "mine/a"
# What is in its records, and nowhere else.
SECRET_WORD: Final = "moonstone"

ALL: Final = "all"
# By the state of the token: the statuses of a route that shows one session, of one
# that lists, of one for whoever may read all, and of one that shows nothing of any.
ONE: Final = {"none": 401, "wrong": 401, "expired": 401, "foreign": 404, "right": 200}
LIST: Final = {**ONE, "foreign": 200}
WHOLE: Final = {**ONE, "foreign": 403, "right": 403, ALL: 200}
OPEN: Final = dict.fromkeys(ONE, 200)
# Where a browser without its cookie is sent away.
SIGN_IN: Final = {**dict.fromkeys(ONE, 303), "foreign": 200, "right": 200}
GONE: Final = dict.fromkeys(ONE, 404)

_NAME: Final = quote(MINE, safe="")
_QUERY: Final = f"sessionId={_NAME}"
_EDIT: Final = '{"tags":["x"]}'
_ACK: Final = '{"who":"ann"}'
_CURVES: Final = json.dumps({"sessionIds": [MINE]})

# Each route, as (method, path): what is asked there, with which body, what is answered.
ROUTES: Final[dict[tuple[str, str], tuple[str, str, Mapping[str, int]]]] = {
    ("GET", "/"): ("/", "", SIGN_IN),
    ("GET", "/login"): ("/login", "", OPEN),
    ("POST", "/login"): ("/login", '{"token":"x"}', dict.fromkeys(ONE, 401)),
    ("POST", "/logout"): ("/logout", "", dict.fromkeys(ONE, 204)),
    ("GET", "/healthz"): ("/healthz", "", OPEN),
    ("GET", "/readyz"): ("/readyz", "", OPEN),
    ("GET", "/metrics"): ("/metrics", "", GONE),
    ("GET", "/docs"): ("/docs", "", OPEN),
    ("GET", "/openapi.json"): ("/openapi.json", "", OPEN),
    ("GET", "/asyncapi.json"): ("/asyncapi.json", "", OPEN),
    ("GET", "/api/sessions"): ("/api/sessions", "", LIST),
    ("GET", "/api/emergencies"): ("/api/emergencies", "", LIST),
    ("GET", "/api/status"): ("/api/status", "", LIST),
    ("GET", "/api/sources"): ("/api/sources", "", WHOLE),
    ("GET", "/api/snapshot"): (f"/api/snapshot?{_QUERY}", "", ONE),
    ("GET", "/api/records"): (f"/api/records?{_QUERY}", "", ONE),
    ("GET", "/api/record"): (f"/api/record?{_QUERY}&cursor=CURSOR", "", ONE),
    ("GET", "/api/rejected"): (f"/api/rejected?{_QUERY}", "", ONE),
    ("GET", "/api/series"): (f"/api/series?{_QUERY}", "", ONE),
    ("GET", "/api/metrics"): (f"/api/metrics?{_QUERY}", "", ONE),
    ("POST", "/api/series"): ("/api/series", _CURVES, LIST),
    ("GET", "/api/sessions/{session:session}"): (f"/api/sessions/{_NAME}", "", ONE),
    ("GET", "/api/sessions/{session:session}/records"): (
        f"/api/sessions/{_NAME}/records", "", ONE,
    ),
    ("GET", "/api/sessions/{session:session}/rejected"): (
        f"/api/sessions/{_NAME}/rejected", "", ONE,
    ),
    ("GET", "/api/sessions/{session:session}/series"): (
        f"/api/sessions/{_NAME}/series", "", ONE,
    ),
    ("GET", "/api/sessions/{session:session}/metrics"): (
        f"/api/sessions/{_NAME}/metrics", "", ONE,
    ),
    ("PATCH", "/api/sessions"): (f"/api/sessions?{_QUERY}", _EDIT, ONE),
    ("PATCH", "/api/sessions/{session:session}"): (
        f"/api/sessions/{_NAME}", _EDIT, ONE,
    ),
    ("POST", "/api/emergencies/ack"): ("/api/emergencies/ack?id=ID", _ACK, ONE),
    ("DELETE", "/api/emergencies/ack"): ("/api/emergencies/ack?id=ID", "", ONE),
    ("POST", "/api/emergencies/{id:session}/ack"): (
        "/api/emergencies/ID/ack", _ACK, ONE,
    ),
    ("DELETE", "/api/emergencies/{id:session}/ack"): (
        "/api/emergencies/ID/ack", "", ONE,
    ),
    ("GET", "/sse/telemetry"): (f"/sse/telemetry?{_QUERY}&from=start", "", ONE),
}  # fmt: skip  # a row each

# Each message: what is sent, and the type or the code of the answer to a client that
# has not said who it is, to a foreigner, and to one that may read the session.
MESSAGES: Final[dict[str, tuple[dict[str, Any], str, str, str]]] = {
    "subscribe": ({"sessionId": MINE}, "not_authenticated", "not_authorized",
                  "subscribed"),
    "unsubscribe": ({"sessionId": MINE}, "not_authenticated", "unsubscribed",
                    "unsubscribed"),
    "heartbeat": ({}, "not_authenticated", "heartbeat", "heartbeat"),
    "ack": ({"sessionId": MINE, "cursor": "1-9-00000000"}, "not_authenticated",
            "invalid_message", "invalid_message"),
    "auth": ({"token": "x"}, "not_authenticated", "not_authenticated",
             "not_authenticated"),
    "history": ({"sessionId": MINE}, "not_authenticated", "not_authorized", "history"),
    "sessions": ({}, "not_authenticated", "sessions", "sessions"),
    "snapshot": ({"sessionId": MINE}, "not_authenticated", "not_authorized",
                 "snapshot"),
}  # fmt: skip  # a row each


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused is refused at once."""
    hasten(monkeypatch)


@pytest.fixture
async def guarded(rig: Rig) -> AsyncIterator[Gateway]:
    """A gateway with a session that only some may read."""
    await rig.writer(MINE).append(
        {"step": 1, "telemetry": {"phi": 0.5}, "note": SECRET_WORD},
        {"step": 2, "emergency": {"reason": SECRET_WORD}},
    )
    async with rig.serving(authenticating=by_tokens) as gateway:
        yield gateway


TOKENS: Final = {
    "none": "",
    "wrong": token(secret="another secret of thirty-two characters"),  # a test's
    "expired": token(seconds=-31.0),
    "foreign": token("other/*", scope="read write"),
    "right": token("mine/*", scope="read write"),
    ALL: token(scope="read write"),
}


def headers_of(state: str) -> dict[str, str]:
    """The headers that bring the token of a state."""
    return bearer(TOKENS[state]) if TOKENS[state] else {}


async def placed(gateway: Gateway, text: str) -> str:
    """An address with the cursor of a record, and the ID of an emergency."""
    async with httpx.AsyncClient(headers=headers_of(ALL)) as client:
        records = await client.get(f"{gateway.url}/api/records?{_QUERY}&limit=1")
        listed = await client.get(f"{gateway.url}/api/emergencies")
    (emergency,) = listed.json()["data"]
    id = quote(emergency["id"], safe="")
    return text.replace("CURSOR", records.json()["cursor"]).replace("ID", id)


async def answer_of(
    gateway: Gateway, method: str, path: str, body: str, state: str
) -> tuple[int, str]:
    """The status of an answer, and the beginning of its body."""
    headers = headers_of(state) | ({"content-type": "application/json"} if body else {})
    async with (
        httpx.AsyncClient(headers=headers) as client,
        client.stream(method, f"{gateway.url}{path}", content=body or None) as response,
    ):
        text = ""
        async for part in response.aiter_text():
            text += part
            if path.startswith("/sse"):
                break
        return response.status_code, text


async def test_the_tables_name_all_there_is(guarded: Gateway) -> None:
    """A route or a message that has no row fails here (CVE-2026-0545)."""
    app = guarded.app
    routes = {
        (method, route.path)
        for route in app.routes
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"
    }
    assert routes == ROUTES.keys()
    assert {kind.__struct_config__.tag for kind in SUPPORTED} == MESSAGES.keys()


async def test_routes(guarded: Gateway) -> None:
    """With no, a wrong, an expired, a foreign and the right token."""
    for (method, route), (path, body, expected) in ROUTES.items():
        address = await placed(guarded, path)
        for state, status in expected.items():
            found, text = await answer_of(guarded, method, address, body, state)
            assert found == status, (method, route, state, text)
            if state not in ("right", ALL):
                assert SECRET_WORD not in text, (method, route, state)
                # It has the names that it was asked for.
                assert MINE not in text or body == _CURVES, (method, route, state)


async def test_a_session_that_is_not_allowed_does_not_exist(guarded: Gateway) -> None:
    """The same answer as for one that there is not, and none in what is listed."""
    for path in ("snapshot", "records", "rejected", "series", "metrics"):
        answers = [
            await answer_of(
                guarded, "GET", f"/api/{path}?sessionId={name}", "", "foreign"
            )
            for name in (_QUERY, "sessionId=mine%2Fnone", "sessionId=other%2Fnone")
        ]
        assert answers[0] == answers[1] == answers[2]
    _, listed = await answer_of(guarded, "GET", "/api/sessions", "", "foreign")
    assert json.loads(listed) == {"sessions": [], "cursor": None, "more": False}


async def test_reading_is_not_changing(guarded: Gateway) -> None:
    """Without the scope write nothing is changed."""
    headers = bearer(token("mine/*"))
    async with httpx.AsyncClient(headers=headers, base_url=guarded.url) as client:
        edited = await client.patch(f"/api/sessions?{_QUERY}", json={"tags": ["x"]})
        path = await placed(guarded, "/api/emergencies/ack?id=ID")
        seen = await client.post(path, json={"who": "ann"})
    assert (edited.status_code, seen.status_code) == (403, 403)
    assert edited.json()["code"] == seen.json()["code"] == "not_authorized"


@asynccontextmanager
async def client_of(gateway: Gateway, state: str) -> AsyncGenerator[Watcher]:
    """A connected client with the token of a state."""
    async with watching(gateway, additional_headers=headers_of(state)) as watcher:
        yield watcher


@pytest.mark.parametrize("state", ["none", "foreign", "right"])
async def test_messages(guarded: Gateway, state: str) -> None:
    """Before and after a client has said who it is."""
    for kind, (fields, *expected) in MESSAGES.items():
        async with client_of(guarded, state) as watcher:
            await watcher.send(type=kind, id=7, **fields)
            answer = await watcher.next()
        assert answer["id"] == 7
        found = answer["code"] if answer["type"] == "error" else answer["type"]
        wanted = expected[["none", "foreign", "right"].index(state)]
        assert found == wanted, (kind, answer)
        if state != "right" and found in ("sessions", "heartbeat"):
            assert MINE not in json.dumps(answer)


async def test_no_handshake_with_a_token_that_does_not_count(guarded: Gateway) -> None:
    """It is refused before the upgrade, whichever way it is parsed."""
    for state in ("wrong", "expired"):
        headers = (*UPGRADE, f"Authorization: Bearer {TOKENS[state]}")
        text = request("/ws/telemetry", *headers, hosts=("localhost",))
        for in_pieces in (False, True):
            status, body = await asked(guarded.port, text, in_pieces=in_pieces)
            assert (status, json.loads(body)["code"]) == (401, "not_authenticated")


async def test_a_token_as_a_subprotocol(guarded: Gateway) -> None:
    """For browsers; it is never given back, and stands beside a real one."""
    text = base64.urlsafe_b64encode(TOKENS["right"].encode()).decode().rstrip("=")
    offered: list[Any] = ["tailcast.v1.json", f"{BEARER_PROTOCOL}{text}"]
    async with watching(guarded, subprotocols=offered) as watcher:
        assert watcher.connection.subprotocol == "tailcast.v1.json"
        await watcher.subscribe(sessionId=MINE)
    with pytest.raises(InvalidStatus) as refused:
        await connect(guarded.ws_url, subprotocols=offered[1:])
    assert refused.value.response.status_code == 400


async def test_no_token_in_an_address(guarded: Gateway) -> None:
    """It would be logged, kept and sent on (CVE-2023-1387)."""
    for name in ("token", "access_token", "auth_token", "authorization"):
        path = f"/api/sessions?{name}={TOKENS[ALL]}"
        assert (await answer_of(guarded, "GET", path, "", "none"))[0] == 401


async def test_paths_that_are_written_otherwise(guarded: Gateway) -> None:
    """Whatever the router makes of a path, it is not open (CVE-2026-27880)."""
    for path in (
        "//api/sessions",
        "/%61pi/sessions",
        "/api//sessions",
        "/healthz/../api/sessions",
        "/healthz%2f..%2fapi%2fsessions",
        "/API/sessions",
        "/api/sessions/",
        "/nowhere",
    ):
        status, _ = await asked(guarded.port, request(path, hosts=("localhost",)))
        assert status == 401, path


async def test_all_sessions_are_those_that_are_allowed(
    guarded: Gateway, rig: Rig
) -> None:
    """Those to come too, in records, places, snapshots and events."""
    async with client_of(guarded, "foreign") as watcher:
        answer = await watcher.subscribe(snapshot=True, replay=100, emergencies=10)
        assert answer["message"] == "Subscribed to all sessions"
        await rig.writer(MINE).append(*numbered(3, 5))
        await rig.writer("mine/later").append(*numbered(0, 3))
        await rig.writer("other/a").append(*numbered(0, 2))
        seen: list[dict[str, Any]] = []
        while len(watcher.records) < 2:
            seen.append(await watcher.next())
        await watcher.send(type="heartbeat", id=1)
        seen.append(await watcher.until("heartbeat", id=1))
    assert "mine/" not in json.dumps(seen)
    assert {one["sessionId"] for one in seen if one["type"] == "telemetry"} == {
        "other/a"
    }


async def test_whoever_resumes_is_asked_again(guarded: Gateway, rig: Rig) -> None:
    """What a client had by another token is not resumed, by no way of coming back."""
    await rig.writer("other/a").append(*numbered(0, 2))
    own = bearer(token("mine/*", "other/*"))
    async with watching(guarded, additional_headers=own) as watcher:
        await watcher.subscribe(clientId="me", **{"from": "start"})
        while not (watcher.cursors.get(MINE) and watcher.cursors.get("other/a")):
            await watcher.next()
        await watcher.send(type="heartbeat", id=1)
        await watcher.until("heartbeat", id=1)
        cursors = watcher.cursors
    seen: list[dict[str, Any]] = []
    async with client_of(guarded, "foreign") as watcher:
        for start in ({"from": "resume", "clientId": "me"}, {"cursors": cursors}):
            seen.append(await watcher.subscribe(**start))
            records = len(watcher.records)
            await rig.writer(MINE).append(*numbered(3, 4))
            await rig.writer("other/a").append(*numbered(2, 3))
            while len(watcher.records) == records:
                seen.append(await watcher.next())
        assert "mine/" not in json.dumps(seen)
        place = {"from": {"cursor": cursors[MINE]}}
        for kind, more in (
            ("subscribe", place), ("history", {}), ("snapshot", {}),
        ):  # fmt: skip  # one glance
            await watcher.send(type=kind, sessionId=MINE, id=kind, **more)
            told = await watcher.until("error", id=kind)
            assert told["code"] == "not_authorized"


async def test_names_are_offered_to_whom_they_are_allowed(guarded: Gateway) -> None:
    """What is like a name that does not exist may be somebody else's."""
    own = bearer(token("mine/*", "other/*"))
    async with watching(guarded, additional_headers=own) as watcher:
        assert (await watcher.subscribe(sessionId="mine/b"))["similar"] == [MINE]
    some = bearer(token("mine/b", "other/*"))
    async with watching(guarded, additional_headers=some) as watcher:
        assert (await watcher.subscribe(sessionId="mine/b"))["similar"] == []


async def test_whoever_guesses_is_sent_away(guarded: Gateway) -> None:
    """A wrong token ends a connection that has not said yet who it is."""
    async with watching(guarded) as watcher:
        await watcher.send(type="auth", token="x")
        assert (await watcher.next())["code"] == "not_authenticated"
        assert (await watcher.next())["close"] == 4401
        await watcher.connection.wait_closed()
        assert watcher.connection.close_code == 4401
    refused = 'connections_refused_total{reason="token"} 1.0'
    assert refused in guarded.replica.instruments.exposition().decode()


async def test_a_log_has_no_token(
    guarded: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    """Only what tells it apart from another."""
    await answer_of(guarded, "GET", "/api/sessions", "", "wrong")
    assert TOKENS["wrong"] not in caplog.text
