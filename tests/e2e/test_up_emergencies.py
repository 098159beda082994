"""`tailcast up` keeps emergencies, whoever of it is killed and whatever it forgets."""

import json
import os
import signal
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import connect

from tailcast.embedded import choose_socket_path
from tailcast_streams.redis.broker import RedisBroker
from tests.contract import checked
from tests.e2e.command import tailcast_up
from tests.indexer.rig import until_indexed
from tests.tailer.harness import append, eventually, session_path


def alarm(step: int) -> bytes:
    """A line that is an emergency."""
    emergency = {"reason": "collapse", "severity": "high"}
    record = {"step": step, "timestamp": 1_700_000_000 + step, "emergency": emergency}
    return json.dumps(record).encode() + b"\n"


async def listed(address: str, **query: str) -> list[dict[str, Any]]:
    """The emergencies that there are, the newest first."""
    async with httpx.AsyncClient(base_url=f"http://{address}") as client:
        answer = await client.get("/api/emergencies", params=query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]
        return found


async def until_steps(address: str, steps: list[int | None]) -> list[dict[str, Any]]:
    """Until those with these steps are listed."""
    found: list[dict[str, Any]] = []

    async def are_there() -> bool:
        found[:] = await listed(address)
        return [one["step"] for one in found] == steps

    await eventually(are_there)
    return found


@pytest.mark.parametrize("is_long", [False, pytest.param(True, marks=pytest.mark.long)])
async def test_emergencies_stay(tmp_path: Path, *, is_long: bool) -> None:
    """Indexed or not; at length after a restart too, and once more from the files."""
    log_dir = tmp_path / "logs"
    path = session_path(log_dir, "run")
    path.write_bytes(alarm(1) + b'{"step":2}\n')
    folder = log_dir / "emergency"
    folder.mkdir()
    with tailcast_up(tmp_path, "--log-dir", str(log_dir)) as up:
        url = f"unix://{choose_socket_path(tmp_path / 'data')}"
        await until_steps(up, [1])
        async with aclosing(RedisBroker(url)) as broker:
            await until_indexed(broker, "run")
            (indexer,) = await broker.indexers.present()
            os.kill(int(indexer.name.split(":")[1]), signal.SIGKILL)
            append(path, alarm(3))
            (folder / "gpu.json").write_text('{"timestamp":1700000002,"reason":"hot"}')
            found = await until_steps(up, [3, None, 1])
            assert found[1]["path"] == "emergency/gpu.json"
            ids = [one["id"] for one in found]
            await until_indexed(broker, "run")
        async with (
            connect(f"ws://{up}/ws/telemetry?emergencies=2", proxy=None) as socket,
            httpx.AsyncClient(base_url=f"http://{up}") as client,
        ):
            await socket.send('{"type":"subscribe","sessionId":"run"}')
            told: list[dict[str, Any]] = []
            while sum(one["type"] == "emergency" for one in told) < 2:
                text = await socket.recv(decode=False)
                told.append(checked(json.loads(text), len(text)))
            assert [one["id"] for one in told if "replayed" in one] == ids[1::-1]
            answer = await client.post(
                f"/api/emergencies/{ids[0]}/ack", json={"who": "ada"}
            )
            assert answer.status_code == 200, answer.text
            message = json.loads(await socket.recv())
            assert (message["type"], message["id"]) == ("acknowledged", ids[0])
    if not is_long:
        return
    with tailcast_up(tmp_path, "--log-dir", str(log_dir)) as up:
        found = await until_steps(up, [3, None, 1])
        assert [one["id"] for one in found] == ids
        assert found[0]["acknowledged"]["who"] == "ada"
        async with aclosing(Redis.from_url(url)) as redis:
            await redis.flushall()
        found = await until_steps(up, [3, None, 1])
        assert [one["id"] for one in found] == ids
        assert "acknowledged" not in found[0]
