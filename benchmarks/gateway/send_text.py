"""What one writes first in Python: `python -m benchmarks.gateway.send_text PORT …`.

FastAPI, an endpoint per client that waits, `await websocket.send_text(...)` to each
client in turn.
"""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import redis.asyncio
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect


def make_app(socket_path: str, key: str) -> FastAPI:
    """The application over one stream."""
    clients: set[WebSocket] = set()

    async def follow() -> None:
        client = redis.asyncio.Redis(unix_socket_path=socket_path, socket_timeout=None)
        last = b"$"
        while True:
            reply: Any = await client.xread({key: last}, count=1_000, block=0)
            entries = reply[0][1]
            last = entries[-1][0]
            data = [json.loads(f[b"r"]) for _, f in entries if f.get(b"r")]
            message = {"type": "telemetry", "sessionId": "run", "data": data}
            text = json.dumps(message, separators=(",", ":"))
            for one in list(clients):
                await one.send_text(text)

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

    return app


if __name__ == "__main__":
    port, socket_path, key = sys.argv[1:]
    uvicorn.run(
        make_app(socket_path, key), host="127.0.0.1", port=int(port), backlog=4096,
        log_level="warning", ws="websockets-sansio", ws_per_message_deflate=False,
    )  # fmt: skip  # one glance
