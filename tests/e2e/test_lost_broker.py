"""What clients get from a broker that lost everything, while the tailer is away."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect

from tests.brokers import BrokerServer
from tests.checker.stack import ProcessStack, wait_until_ready
from tests.patience import PATIENCE_SECONDS


async def _next(socket: ClientConnection, kind: str) -> dict[str, object]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            message: dict[str, object] = json.loads(await socket.recv())
            if message["type"] == kind:
                return message


async def test_p1_a_cursor_outlives_the_stream_that_it_is_of(
    own_brokers: Callable[[str], BrokerServer], tmp_path: Path
) -> None:
    """One who follows all sessions and names a cursor waits for it to come back."""
    broker = own_brokers("valkey")
    stack = ProcessStack(broker, tmp_path, gateways=1)
    file = stack.telemetry / "run.jsonl"
    file.write_text('{"step":1}\n')
    try:
        await stack.start()
        async with connect(stack.urls[0]) as socket:
            await socket.send('{"type":"subscribe","from":"start"}')
            cursor = (await _next(socket, "telemetry"))["cursor"]
        stack.tailer.kill()
        stack.gateways[0].kill()
        await asyncio.to_thread(broker.wipe)
        stack.gateways[0].start()
        await wait_until_ready(stack.ports[0])
        async with connect(stack.urls[0]) as socket:
            subscribe = {"type": "subscribe", "from": "start"}
            await socket.send(json.dumps({**subscribe, "cursors": {"run": cursor}}))
            await _next(socket, "positions")
            stack.tailer.start()
            with file.open("a") as lines:
                lines.write('{"step":2}\n')
            message = await _next(socket, "telemetry")
    finally:
        stack.stop()
    assert (message["data"], message["prev"]) == ([{"step": 2}], cursor)
