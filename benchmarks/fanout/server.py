"""The Python contenders: `python -m benchmarks.fanout.server handover|send_text BYTES`.

Prints its port; obeys `go RATE` and `stop` on standard input and ends with it.
"""

import asyncio
import json
import socket as sockets
import sys
from typing import Literal

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from tailcast_gateway.connections.core.handshakes import Admitted, Handshake
from tailcast_gateway.connections.core.ports import NewSocket, Nobody
from tailcast_gateway.connections.edge import Edge
from tailcast_gateway.connections.server import make_server_config
from tailcast_gateway.connections.websocket import Socket
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.protocol.close_codes import ClosedBy
from tailcast_gateway.protocol.frames import text_frame


Mode = Literal["handover", "send_text"]


class Owner(Nobody):
    """Keeps its socket among those that are written to, until it is closed."""

    def __init__(self, socket: Socket, live: dict[Socket, None]) -> None:
        self.socket = socket
        self.live = live
        live[socket] = None

    def socket_closed(self, code: int, reason: str, by: ClosedBy) -> None:
        self.live.pop(self.socket, None)


class Sender:
    """Brings one payload to every connection, `rate` times a second."""

    def __init__(self, mode: Mode, payload: str) -> None:
        self.mode = mode
        self.payload = payload
        self.frame = text_frame(payload.encode())
        # Connections after a hand-over.
        self.sockets: dict[Socket, None] = {}
        # Connections that stayed with their endpoints.
        self.websockets: dict[WebSocket, None] = {}
        # The running sender.
        self.task: asyncio.Task[None] | None = None

    def judge(self, _handshake: Handshake) -> Admitted:
        return Admitted(None, self.begin)

    def begin(self, socket: NewSocket) -> None:
        assert isinstance(socket, Socket)
        socket.start(Owner(socket, self.sockets))

    async def endpoint_send_text(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.websockets[websocket] = None
        try:
            while True:
                await websocket.receive_text()
        except WebSocketDisconnect:
            del self.websockets[websocket]

    async def tick(self) -> None:
        if self.mode == "handover":
            frame = self.frame
            for socket in self.sockets:
                if not socket.paused:
                    socket.write(frame)
        else:
            payload = self.payload
            for websocket in self.websockets:
                await websocket.send_text(payload)

    async def send(self, rate: float) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += 1 / rate
            await asyncio.sleep(due - loop.time())
            await self.tick()

    def obey(self, server: uvicorn.Server) -> None:
        line = sys.stdin.readline()
        if self.task is not None:
            self.task.cancel()
            self.task = None
        if line.startswith("go "):
            self.task = asyncio.create_task(self.send(float(line[3:])))
        elif not line:
            asyncio.get_running_loop().remove_reader(sys.stdin)
            server.should_exit = True


async def serve(mode: Mode, payload_bytes: int) -> None:
    record = json.dumps({"step": 1, "telemetry": {"phi": 0.72}})
    sender = Sender(mode, record.ljust(payload_bytes))
    app = FastAPI()
    app.add_api_websocket_route("/ws", sender.endpoint_send_text)
    config = make_server_config(
        app,
        edge=Edge(instruments=Instruments()),
        judge=sender.judge,
        on_failed=lambda path, error, _id: print(path, error, file=sys.stderr),
        max_message_bytes=65536,
    )
    if mode == "send_text":
        # As one has it without a hand-over: uvicorn's own protocol, else all the same.
        config.http, config.ws = "httptools", "websockets-sansio"
    server = uvicorn.Server(config)
    listener = sockets.create_server(("127.0.0.1", 0), backlog=4096)
    print(listener.getsockname()[1], flush=True)
    asyncio.get_running_loop().add_reader(sys.stdin, sender.obey, server)
    await server.serve(sockets=[listener])


def main() -> None:
    mode: Mode = "handover" if sys.argv[1] == "handover" else "send_text"
    with asyncio.Runner(loop_factory=loop_class()) as runner:
        runner.run(serve(mode, int(sys.argv[2])))


def loop_class() -> "type[asyncio.AbstractEventLoop] | None":
    try:
        import uvloop  # noqa: PLC0415  # optional: without it asyncio's loop is measured
    except ImportError:
        return None
    return uvloop.Loop


if __name__ == "__main__":
    main()
