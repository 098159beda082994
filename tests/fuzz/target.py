"""What is attacked: a gateway as a process, with a well-behaved client beside."""

import asyncio
import contextlib
import json
import re
import threading
import time
import urllib.request
from collections.abc import Coroutine, Generator
from pathlib import Path
from typing import Any, TypeVar

from websockets.asyncio.client import connect

from tests.brokers import free_port
from tests.checker.stack import Service
from tests.fuzz.inputs import LIVE, OLD, OLD_RECORDS
from tests.integration.gateway_rig import PATIENCE_SECONDS, Rig, Watcher, numbered


T = TypeVar("T")

_FAILURE = re.compile(r'"level": "(error|critical)"|Traceback')


class Target:
    """The gateway, and what must be true of it whatever it is sent."""

    def __init__(self, broker_url: str, directory: Path) -> None:
        self.port = free_port()
        self.rig = Rig(broker_url)
        self.gateway = Service(
            "gateway",
            ["gateway"],
            {
                "TAILCAST_LOG_DIR": str(directory / "logs"),
                "TAILCAST_LOG_FORMAT": "json",
                "TAILCAST_REDIS_URL": broker_url,
                "TAILCAST_KEY_PREFIX": self.rig.prefix,
                "TAILCAST_HOST": "127.0.0.1",
                "TAILCAST_PORT": str(self.port),
                "TAILCAST_COMPRESSION": "deflate",
                "TAILCAST_DRAIN_SECONDS": "0s",
            },
        )
        # Where the well-behaved client lives, in a thread of its own.
        self._loop = asyncio.new_event_loop()
        self._bystander: Watcher | None = None
        # Records written to it so far.
        self._written = 0
        # How much of the gateway's log was looked at, characters.
        self._looked_at = 0

    @contextlib.contextmanager
    def running(self) -> Generator[None]:
        """The gateway, ready, with the client connected."""
        thread = threading.Thread(target=self._loop.run_forever)
        thread.start()
        try:
            self.gateway.start()
            self._until_ready()
            with contextlib.ExitStack() as stack:
                stack.callback(self._do, self.rig.stack.aclose())
                self._do(self.rig.writer(OLD).append(*numbered(0, OLD_RECORDS)))
                stack.callback(self._do, self._do(self._connect()))
                yield
        finally:
            self.gateway.stop()
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    def write_and_see(self) -> None:
        """Write a record: the well-behaved client gets it, once."""
        self._do(self._write_and_see())

    def new_failures(self) -> list[str]:
        """Lines of the gateway's log since the last call that tell of a failure."""
        log = self.gateway.log()
        lines = log[self._looked_at :].splitlines()
        self._looked_at = len(log)
        return [line for line in lines if _FAILURE.search(line)]

    def check(self) -> None:
        """It is ready, and served nobody badly."""
        assert self.get("/readyz") == '{"status":"ready"}'
        failed = 'connections_closed_total{by="gateway",code="1011"} 0.0'
        assert failed in self.get("/metrics")
        assert self.new_failures() == []

    def get(self, path: str) -> str:
        """What it answers over HTTP."""
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:  # ours
            return str(answer.read().decode())

    @property
    def memory_bytes(self) -> int:
        """What the process holds in memory now."""
        process = self.gateway._process
        assert process is not None
        pages = Path(f"/proc/{process.pid}/statm").read_text().split()[1]
        return int(pages) * 4_096

    def _until_ready(self) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            with contextlib.suppress(OSError):
                self.get("/readyz")
                return
            assert time.monotonic() < end, self.gateway.log()
            time.sleep(0.05)

    async def _connect(self) -> Coroutine[Any, Any, None]:
        """Connect the well-behaved client; what closes it."""
        url = f"ws://127.0.0.1:{self.port}/ws/telemetry"
        connection = await connect(url)
        self._bystander = Watcher(connection)
        await self._bystander.subscribe(sessionId=LIVE)
        return connection.close()

    async def _write_and_see(self) -> None:
        assert self._bystander is not None
        records = numbered(self._written, self._written + 1)
        self._written += 1
        await self.rig.writer(LIVE).append(*records)
        got = await self._bystander.until_records(1)
        assert got == records, json.dumps(got)
        got.clear()

    def _do(self, what: Coroutine[Any, Any, T]) -> T:
        """Run it in the client's loop."""
        future = asyncio.run_coroutine_threadsafe(what, self._loop)
        return future.result(PATIENCE_SECONDS)
