"""A stack whose alerts are looked at."""

import asyncio
import json
import os
import urllib.request
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.checker.compose_stack import ComposeStack


PATIENCE_SECONDS = 60.0
# How long nothing may come where nothing should: the longest that anything takes, and
# some more.
QUIET_SECONDS = 10.0


@dataclass
class Watch:
    """A stack whose alerts are looked at."""

    stack: ComposeStack

    def _ask(self, path: str) -> Any:
        url = f"http://127.0.0.1:{self.stack.prometheus_port}/api/v1/{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    async def alerts(self, state: str = "firing") -> set[str]:
        """Those that are in this state."""
        found = (await asyncio.to_thread(self._ask, "alerts"))["alerts"]
        return {one["labels"]["alertname"] for one in found if one["state"] == state}

    async def value(self, query: str) -> float:
        """The only value of a query; 0 if it has none."""
        data = await asyncio.to_thread(self._ask, f"query?query={query}")
        return float(data["result"][0]["value"][1]) if data["result"] else 0.0

    async def until(self, expected: set[str]) -> None:
        """Wait until these fire, and no other one."""
        found: set[str] = set()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (found := await self.alerts()) != expected:
                    await asyncio.sleep(0.5)
        except TimeoutError:
            raise AssertionError(f"expected {expected}, found {found}") from None

    async def until_begun(self, name: str) -> None:
        """Wait until an alert has begun, though it may not have lasted yet."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while name not in await self.alerts() | await self.alerts("pending"):
                await asyncio.sleep(0.5)

    async def until_there(self, gateways: int) -> None:
        """Wait until so many gateways are known, each by more than one look."""
        several = "tailcast_gateway_told_to_end[3s]"
        known = f"count(count_over_time({several})>1)"
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.value(known) != gateways:
                await asyncio.sleep(0.5)

    async def keep(self, expected: set[str]) -> None:
        """See that it stays so."""
        async with asyncio.timeout(QUIET_SECONDS + PATIENCE_SECONDS):
            for _ in range(int(QUIET_SECONDS)):
                assert await self.alerts() == expected
                await asyncio.sleep(1)

    def write(self, name: str, text: str, *, mode: str = "a") -> None:
        """Append to a file that the tailer may read, or begin it anew (`w`)."""
        file = self.stack.telemetry / name
        with file.open(mode) as lines:
            lines.write(text)
        if os.getuid() == 0:
            os.chown(file, self.stack.uid, self.stack.uid)

    def redis(self, *words: str) -> None:
        """Tell the broker something."""
        (redis,) = self.stack.containers("redis")
        told = redis.exec_run(["redis-cli", *words])
        assert told.exit_code == 0, told.output

    async def end(self, service: str, number: int = 0, how: str = "SIGKILL") -> None:
        """Have a container gone, in whatever way."""
        container = self.stack.containers(service)[number]
        if how == "stop":
            await asyncio.to_thread(container.stop)
        else:
            await asyncio.to_thread(container.kill, how)

    async def back(self) -> None:
        """All that was there runs again, and is served."""
        containers = [
            container
            for service in ("redis", "tailer", "indexer", "gateway", "lb")
            for container in self.stack.containers(service)
        ]
        for container in containers:
            if container.status != "running":
                await asyncio.to_thread(container.start)
        for container in containers:
            await asyncio.to_thread(self.stack.wait_for, container)
        await asyncio.to_thread(self.stack.up)

    @asynccontextmanager
    async def another(self, *words: str) -> AsyncGenerator[Any]:
        """One more gateway, which the others know nothing of."""
        name = await asyncio.to_thread(
            self.stack.compose,
            *("run", "--detach", "--no-deps", "--use-aliases", *words),
        )
        container = self.stack.container(name.strip())
        try:
            await self.until_there(3)
            yield container
        finally:
            await asyncio.to_thread(container.remove, force=True)
