"""Every printable character in a name, at every door that takes names."""

import json
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from websockets.asyncio.client import connect

from tests.e2e.command import tailcast_up
from tests.patience import PATIENCE_SECONDS


# All but the slash, which separates directories.
CHARACTERS = [chr(number) for number in range(32, 127) if number != 47]
SESSIONS = {f"a{character}b" for character in CHARACTERS}
DIRECTORY = "x" + "".join(CHARACTERS)


def _write(directory: Path) -> None:
    directory.mkdir(parents=True)
    for session in SESSIONS:
        record = json.dumps({"name": session})
        (directory / f"{session}.jsonl").write_text(record + "\n")


def _get(address: str, path: str) -> bytes:
    with urlopen(f"http://{address}{path}", timeout=PATIENCE_SECONDS) as answer:  # ours
        body: bytes = answer.read()
    return body


async def _records(address: str, subscribe: dict[str, object]) -> dict[str, object]:
    """What the first record of each session says, by the session's name."""
    found: dict[str, object] = {}
    async with connect(f"ws://{address}/ws/telemetry", proxy=None) as socket:
        await socket.send(
            json.dumps({"type": "subscribe", "from": "start"} | subscribe)
        )
        while len(found) < len(SESSIONS):
            message = json.loads(await socket.recv())
            assert message["type"] != "error", message
            if message["type"] == "telemetry":
                found[message["sessionId"]] = message["data"][0]["name"]
    return found


def _literal(sessions: Iterable[str]) -> list[str]:
    """Patterns that match nothing else."""
    return [
        "".join(f"\\{one}" if one in "*?\\" else one for one in session)
        for session in sessions
    ]


async def test_paths_and_session_names(tmp_path: Path) -> None:
    """On the command line, in addresses, and in what clients send."""
    _write(tmp_path / DIRECTORY)
    with tailcast_up(tmp_path, DIRECTORY, data=f"data{DIRECTORY}") as address:
        found = await _records(address, {"sessionIds": _literal(sorted(SESSIONS))})
        assert found == {session: session for session in SESSIONS}
        listed = json.loads(_get(address, "/api/sessions"))["sessions"]
        assert {one["sessionId"] for one in listed} == SESSIONS
        for session in SESSIONS:
            path = f"/api/sessions/{quote(session, safe='')}"
            assert json.loads(_get(address, path))["data"] == {"name": session}
            page = json.loads(_get(address, f"{path}/records"))
            assert page["data"] == [{"name": session}]
        for session in SESSIONS:
            async with connect(f"ws://{address}/ws/telemetry", proxy=None) as socket:
                message = {"type": "subscribe", "sessionId": session, "replay": 1}
                await socket.send(json.dumps(message))
                assert json.loads(await socket.recv())["sessionId"] == session
                assert json.loads(await socket.recv())["data"] == [{"name": session}]


@pytest.mark.parametrize(
    "door",
    # By the flag, the patterns come through the environment.
    ["flag", pytest.param("environment", marks=pytest.mark.long), ".env"],
)
async def test_log_directory_and_patterns(tmp_path: Path, door: str) -> None:
    """Patterns are a list; brackets make a wildcard a character like any other."""
    _write(tmp_path / DIRECTORY / "in")
    wildcards = {"*": "[*]", "?": "[?]", "[": "[[]"}
    patterns = [f"in/a{wildcards.get(one, one)}b.jsonl" for one in CHARACTERS]
    settings = {"TAILCAST_TELEMETRY_PATTERNS": json.dumps(patterns)}
    arguments = []
    if door == "flag":
        arguments = ["--log-dir", DIRECTORY]
    else:
        settings["TAILCAST_LOG_DIR"] = DIRECTORY
    if door == ".env":
        lines = [
            "{}='{}'".format(name, text.replace("\\", "\\\\").replace("'", "\\'"))
            for name, text in settings.items()
        ]
        (tmp_path / ".env").write_text("\n".join(lines) + "\n")
        settings = {}
    with tailcast_up(tmp_path, *arguments, **settings) as address:
        found = await _records(address, {})
    assert found == {session: session for session in SESSIONS}
