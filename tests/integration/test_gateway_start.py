"""A start: live records first, and the rest while these are being served."""

import asyncio
import threading

import httpx
import pytest
from starlette.routing import Route

from tailcast_gateway.http.api import Api
from tailcast_gateway.http.entrance import make_entrance
from tailcast_gateway.http.late_api import load_api
from tailcast_gateway.replica import Replica
from tailcast_service.tasks import TaskEnded
from tailcast_streams.memory.broker import MemoryBroker
from tests.integration.gateway_rig import PATIENCE_SECONDS, Rig, numbered, watching


async def test_who_comes_for_records_does_not_wait_for_the_routes(rig: Rig) -> None:
    """Requests do, and are answered then."""
    writer, is_let_go = rig.writer("s"), threading.Event()
    await writer.append(*numbered(0, 2))
    async with (
        httpx.AsyncClient(timeout=PATIENCE_SECONDS) as http,
        rig.serving(making=is_let_go.wait) as gateway,
    ):
        asked = asyncio.create_task(http.get(f"{gateway.url}/healthz"))
        try:
            async with watching(gateway) as watcher:
                await watcher.subscribe(sessions=["s"], **{"from": "start"})
                assert len(await watcher.until_records(2)) == 2
                assert not asked.done()
        finally:
            is_let_go.set()
        assert (await asked).json()["status"] == "alive"


async def test_a_gateway_whose_routes_cannot_be_made_ends(rig: Rig) -> None:
    """With the reason, and without an answer to those who wait for one."""
    is_let_go = threading.Event()

    def making() -> None:
        is_let_go.wait()
        raise ImportError("no such route")

    async with (
        httpx.AsyncClient(timeout=PATIENCE_SECONDS) as http,
        rig.serving(making=making) as gateway,
    ):
        asked = asyncio.create_task(http.get(f"{gateway.url}/healthz"))
        async with watching(gateway) as watcher:
            await watcher.subscribe()
            is_let_go.set()
            assert (await asked).status_code == 500
            assert await watcher.until("draining")
        async with asyncio.timeout(PATIENCE_SECONDS):
            await gateway.serving
        with pytest.raises(TaskEnded, match="the task start has ended .*no such route"):
            gateway.server.check()


async def test_one_that_is_told_to_end_meanwhile_ends_once(rig: Rig) -> None:
    """The drain that goes on is the only one."""
    is_let_go = threading.Event()

    def making() -> None:
        is_let_go.wait()
        raise ImportError("no such route")

    async with rig.serving(making=making) as gateway:
        async with watching(gateway) as watcher:
            await watcher.subscribe()
            gateway.server.handle_exit(15, None)
            await watcher.until("draining")
            is_let_go.set()
            await watcher.until("closing")
        async with asyncio.timeout(PATIENCE_SECONDS):
            await gateway.serving


def test_what_is_loaded_late_is_the_api() -> None:
    """With the routes that a gateway has."""
    api = load_api(make_entrance(Replica(MemoryBroker()), dashboard=None))
    assert isinstance(api, Api)
    assert "/readyz" in {route.path for route in api.routes if isinstance(route, Route)}
