"""One server: `python -m benchmarks.delivery.serve KIND URL PREFIX PORT`.

`gateway` is ours. `send_text` is what one writes first: FastAPI, an endpoint per client
that waits, `await websocket.send_text(...)` to each client in turn.
"""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from gateway.app import run
from gateway.settings import GatewaySettings
from telemetry_stream.broker_redis import RedisBroker
from telemetry_stream.notification import parse_moved
from telemetry_stream.position import BEFORE_ALL


def serve_gateway(url: str, prefix: str, port: int) -> None:
    """Ours, whole."""
    run(GatewaySettings(redis_url=url, key_prefix=prefix, host="127.0.0.1", port=port))


def serve_send_text(url: str, prefix: str, port: int) -> None:
    """The other one, over the same stream."""
    broker = RedisBroker(url, key_prefix=prefix)
    clients: set[WebSocket] = set()

    async def follow() -> None:
        after = BEFORE_ALL
        async with broker.notifications() as payloads:
            async for payload in payloads:
                moved = parse_moved(payload)
                if moved is None:
                    continue
                session = moved.session
                entries = await broker.read_after(session, after, limit=1_000)
                if not entries:
                    continue
                after = entries[-1].id
                data = [json.loads(entry.record) for entry in entries if entry.record]
                message = {"type": "telemetry", "sessionId": session, "data": data}
                text = json.dumps(message)
                for client in list(clients):
                    await client.send_text(text)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        task = asyncio.create_task(follow())
        yield
        task.cancel()

    app = FastAPI(lifespan=lifespan)

    @app.websocket("/ws/telemetry")
    async def stream(websocket: WebSocket) -> None:
        await websocket.accept()
        clients.add(websocket)
        try:
            while True:
                await websocket.receive_text()
        except WebSocketDisconnect:
            clients.discard(websocket)

    uvicorn.run(
        app, host="127.0.0.1", port=port, log_level="warning",
        ws_per_message_deflate=False,
    )  # fmt: skip  # one glance


if __name__ == "__main__":
    kind, url, prefix, port = sys.argv[1:]
    {"gateway": serve_gateway, "send_text": serve_send_text}[kind](
        url, prefix, int(port)
    )
