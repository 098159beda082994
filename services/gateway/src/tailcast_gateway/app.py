"""The composition root: makes a gateway from settings and serves until a signal comes.

This is the only module that reads settings. Shutting down has a fixed order: the
gateway reports that it is not ready and refuses new clients; it sends each client away
and closes it within the drain time; then uvicorn ends, then the tasks, then the
connections to the broker. If a task fails, the same steps follow in less time, because
a gateway that lacks one of its tasks must not go on as if it were healthy.
"""

import asyncio
import contextlib
import socket as sockets
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from types import FrameType

import uvicorn

from tailcast_gateway.connections.drain import ALONE_GRACE_SECONDS, Departure, departure
from tailcast_gateway.connections.handover import make_server_config
from tailcast_gateway.http.api import make_api
from tailcast_gateway.replica import Replica
from tailcast_gateway.settings import GatewaySettings
from tailcast_service.exceptions import SettingsError
from tailcast_service.listening import bind, inherit
from tailcast_service.signals import taking_signals
from tailcast_service.tasks import TaskEnded
from tailcast_service.threads import library_threads
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.redis.broker import RedisBroker


# How long clients are sent away after a task has failed. It is short, because the work
# of that task is not done in this time.
FAILED_DRAIN_SECONDS = 1.0


def run(settings: GatewaySettings) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        ServiceError: the gateway cannot start.
        TaskEnded: one of its tasks failed.
    """
    try:
        broker = RedisBroker(settings.redis_url, key_prefix=settings.key_prefix)
    except BrokerError as error:
        raise SettingsError(f"TAILCAST_REDIS_URL: {error}") from error
    name = f"{sockets.gethostname()}:{settings.port}"
    replica = Replica(
        broker,
        name=name,
        window_bytes=settings.window_bytes,
        max_subscriptions=settings.max_subscriptions,
        max_connections=settings.max_connections,
        ping_interval=settings.ping_interval,
        pong_timeout=settings.pong_timeout,
        slow_timeout=settings.slow_timeout,
        step_keys=settings.step_keys,
        time_keys=settings.time_keys,
    )

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        async with contextlib.aclosing(broker), replica.running():
            yield

    api = make_api(replica, allowed_origins=settings.allowed_origins, lifespan=lifespan)
    config = make_server_config(
        api,
        max_message_bytes=settings.max_message_bytes,
        deflate=settings.compression == "deflate",
        host=settings.host,
        port=settings.port,
        root_path=settings.root_path,
    )
    server = DrainingServer(config, replica, drain_seconds=settings.drain_seconds)
    replica.instruments.serving(name)
    if settings.listen_fds:
        bound = inherit(settings.listen_fds)
    else:
        bound = bind(settings.host, settings.port)
    try:
        server.run(sockets=bound)
    finally:
        for one in bound:
            one.close()
    server.check()


class DrainingServer(uvicorn.Server):
    """A uvicorn server that sends its clients away in order before it ends."""

    def __init__(
        self, config: uvicorn.Config, replica: Replica, *, drain_seconds: float
    ) -> None:
        super().__init__(config)
        self._replica = replica
        self._drain_seconds = drain_seconds
        # The task that drains, once it has begun.
        self._draining: asyncio.Task[None] | None = None
        # The failure that ended the server, None if there was none.
        self._failure: TaskEnded | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain at the first signal, and end at once at the second."""
        del sig, frame
        if self._draining is not None:
            self.should_exit = self.force_exit = True
            self._draining.cancel()
            return
        self._replica.instruments.told_to_end()
        is_alone = self._replica.is_alone
        self._begin_to_drain(departure(self._drain_seconds, is_alone=is_alone))

    async def on_tick(self, counter: int) -> bool:
        """Return whether the server should exit; uvicorn asks ten times a second.

        A replica that has failed is drained here.
        """
        if self._failure is None and (failure := self._replica.why_over) is not None:
            self._failure = failure
            self._replica.instruments.task_ended(failure)
            if self._draining is None:
                seconds = min(self._drain_seconds, FAILED_DRAIN_SECONDS)
                self._begin_to_drain(Departure(seconds))
        return await super().on_tick(counter)

    def check(self) -> None:
        """Raise the failure that ended the server, if there was one."""
        if self._failure is not None:
            raise self._failure

    def _begin_to_drain(self, way: Departure) -> None:
        loop = asyncio.get_running_loop()
        self._draining = loop.create_task(self._drain(way))

    async def _drain(self, way: Departure) -> None:
        readers = self._replica.instruments.readers
        reads = readers.reads
        try:
            went = await self._replica.drain(way)
            if not went.in_turn and self._failure is None:
                self.config.timeout_graceful_shutdown = ALONE_GRACE_SECONDS
            else:
                # Stay until Prometheus has read the metrics once more. There is time
                # for that: other gateways serve the clients, or this one has failed,
                # and then the failure must be seen.
                await readers.wait(reads=reads)
        except Exception as error:  # noqa: BLE001  # `check` raises it at the end
            self._failure = TaskEnded("drain", error)
            self._replica.instruments.task_ended(self._failure)
        finally:
            self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Handle SIGINT and SIGTERM inside the loop, and do not raise them again."""
        # Name resolution may hang in these threads. The process ends without waiting.
        asyncio.get_running_loop().set_default_executor(library_threads())
        with taking_signals(lambda number: self.handle_exit(number, None)):
            yield
