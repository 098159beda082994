"""HTTP answers are what the document says, whatever is asked: schemathesis asks."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tailcast_gateway.sessions import feed
from tailcast_streams.entries import Document
from tailcast_streams.sources import Overview, Root, Source, SourceState
from tests.conftest import BrokerFactory
from tests.integration.gateway_rig import Gateway, Rig, numbered


# What fits the document may still be refused: two cursors exclude each other.
UNCHECKED = "positive_data_acceptance"
# How what does not fit it is refused.
REFUSALS = [400, 403, 404, 405, 413, 415, 422, 429, "5xx"]
OF_ONE = "/api/sessions/{session}"
# What is asked of no session is the same for each.
OF_NONE = "^/(healthz|readyz|api/(status|sources|emergencies/.*))$"

# Thousands of requests are a minute or two of CPU, which is longer on a busy machine.
MUCH = [pytest.mark.long, pytest.mark.timeout(3_000)]


@pytest.fixture
async def gateway(
    own_brokers: BrokerFactory, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Gateway]:
    """A gateway over sessions with all that there can be in them."""
    # The second one makes it ready where the first was not heard.
    monkeypatch.setattr(feed, "CANARY_SECONDS", 0.1)
    rig = Rig(own_brokers("valkey").url)
    async with rig.stack:
        alarm = {"step": 50, "emergency": {"reason": "collapse"}}
        await rig.writer("run").append(*numbered(0, 50), alarm, last_step=50)
        await rig.writer("run").rewrite(*numbered(0, 5))
        await rig.writer("a/records").append({"loss": 0.5})
        await rig.writer("two\nlines").append({"loss": 0.1})
        document = Document("emergency/0.json", "5e1f", b'{"old":1}', "run", True)
        await rig.broker.add_document(document)
        source = Source("/logs/run.jsonl", SourceState.FOLLOWED, "run")
        overview = Overview("one", {source.state: 1}, 1, (Root("/logs"),), 1)
        await rig.broker.sources.publish(overview, {source.path: source})
        async with rig.serving() as gateway:
            await gateway.until_ready()
            yield gateway


@pytest.mark.parametrize(
    ("session", "examples"),
    [
        (None, 2),
        ("run", 2),
        # Names with slashes are asked for one by one elsewhere.
        *(pytest.param(name, 60, marks=MUCH) for name in (None, "run", "a/records")),
    ],
)
async def test_schemathesis_finds_nothing(
    gateway: Gateway, session: str | None, examples: int, tmp_path: Path
) -> None:
    """No failure of the server, no status and no body that is not documented."""
    settings = tmp_path / "schemathesis.toml"
    # What is too long is refused before anybody looks what it is.
    text = f"[checks.negative_data_rejection]\nexpected-statuses = {REFUSALS}\n"
    if session:
        text += f'[parameters]\nsession = "{session}"\nsessionId = "{session}"\n'
    settings.write_text(text)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings)),
        *("run", f"{gateway.url}/openapi.json", "--no-color", "--seed", "1"),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", f"{examples}"),
        *("--checks", "all", "--exclude-checks", UNCHECKED),
        *(("--exclude-path-regex", OF_NONE) if session else ()),
        # By its path alone this is the records of another session.
        *(("--exclude-path", OF_ONE) if session == "a/records" else ()),
        # It has no end.
        *("--exclude-path", "/sse/telemetry", "--suppress-health-check", "all"),
    ]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, output.decode()


async def test_what_is_not_there_is_said_alike(gateway: Gateway) -> None:
    """Other paths and methods are answered as JSON with a code, as everything is."""
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        missing = await client.get("/api/nothing")
        refused = await client.post("/api/sessions")
        of_two = await client.options("/api/series")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert (refused.status_code, refused.json()["code"]) == (405, "invalid_message")
    assert refused.headers["allow"] == "GET, HEAD, PATCH"
    assert (of_two.status_code, of_two.headers["allow"]) == (405, "GET, HEAD, POST")


async def test_any_name_of_a_file_is_a_path(gateway: Gateway) -> None:
    """A session whose name has a line break in it is found as any other."""
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        told = (await client.get("/api/sessions/two%0Alines/records")).json()
    assert (told["sessionId"], told["data"]) == ("two\nlines", [{"loss": 0.1}])


async def test_a_cursor_does_not_excuse_a_wrong_place(gateway: Gateway) -> None:
    """Whatever wins, all of a query must be right, and an empty cursor is none."""
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        for query in ("after=1-0-00000000&from=none", "after=", "before="):
            answer = await client.get(f"/api/sessions/run/records?{query}")
            assert answer.status_code == 400, query


async def test_the_protocol_is_described_where_it_is_spoken(gateway: Gateway) -> None:
    """The served document names the host that it was asked of."""
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        told = (await client.get("/asyncapi.json")).json()
    host = gateway.url.removeprefix("http://")
    assert told["servers"] == {"gateway": {"host": host, "protocol": "ws"}}
