"""The composition root: makes a gateway from settings and serves until a signal comes.

This is the only module that reads settings. Shutting down has a fixed order: the
gateway reports that it is not ready and refuses new clients; it sends each client away
and closes it within the drain time; then uvicorn ends, then the tasks, then the
connections to the broker. If a task fails, the same steps follow in less time, because
a gateway that lacks one of its tasks must not go on as if it were healthy.
"""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from functools import partial
from types import FrameType
from typing import NamedTuple

import uvicorn

from tailcast_gateway.connections.certificate import Certificate
from tailcast_gateway.connections.drain import ALONE_GRACE_SECONDS, Departure, departure
from tailcast_gateway.connections.server import make_server_config, to_accept_many
from tailcast_gateway.http.authentication import Authentication, read_any
from tailcast_gateway.http.core.modes import modes_in_force
from tailcast_gateway.http.core.proxied import ProxyHeaders
from tailcast_gateway.http.core.tokens import (
    FindKey,
    NoGrant,
    Rules,
    SharedSecrets,
    only,
)
from tailcast_gateway.http.entrance import make_entrance
from tailcast_gateway.http.key_set import KeySet, check_keys_url
from tailcast_gateway.http.late_api import LateApi, load_api
from tailcast_gateway.http.origins import EVERY_ORIGIN
from tailcast_gateway.limits import Quotas
from tailcast_gateway.replica import Replica
from tailcast_gateway.settings import AuthSettings, GatewaySettings
from tailcast_gateway.views.grant import Grant
from tailcast_service.background import METRICS_HOST
from tailcast_service.build import read_build
from tailcast_service.exceptions import ServiceError, SettingsError
from tailcast_service.listening import bind, inherit
from tailcast_service.monitoring import monitoring
from tailcast_service.pauses import until_tick, wait_or_timeout
from tailcast_service.signals import taking_signals
from tailcast_service.tasks import TaskEnded, end_all
from tailcast_service.threads import library_threads
from tailcast_streams.client_cursors import ClientBounds
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.redis.broker import RedisBroker


# How long clients are sent away after a task has failed. It is short, because the work
# of that task is not done in this time.
FAILED_DRAIN_SECONDS = 1.0
# How often it is looked whether the replica has failed.
FAILURE_LOOK_SECONDS = 0.5


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
    broker.clients.bounds = ClientBounds(
        settings.max_named_clients,
        settings.max_named_client_bytes,
        settings.max_named_bytes,
    )
    name = f"{socket.gethostname()}:{settings.port}"
    replica = Replica(
        broker,
        name=name,
        window_bytes=settings.window_bytes,
        quotas=Quotas(
            connections_per_address=settings.max_connections_per_address,
            connections_per_subject=settings.max_connections_per_subject,
            connection_rate=settings.connection_rate,
            connection_burst=settings.connection_burst,
            subscriptions=settings.max_subscriptions,
            pattern_characters=settings.max_pattern_characters,
            wildcards=settings.max_wildcards,
            watched_sessions=settings.max_watched_sessions,
            unborn_sessions=settings.max_unborn_sessions,
            command_rate=settings.command_rate,
            command_burst=settings.command_burst,
            invalid_messages=settings.max_invalid_messages,
            control_frames=settings.max_control_frames,
            replays=settings.max_replays,
            exports=settings.max_exports,
            exports_per_subject=settings.max_exports_per_subject,
        ),
        max_connections=settings.max_connections,
        memory_watermark=settings.memory_watermark,
        handshake_timeout=settings.handshake_timeout,
        max_header_bytes=settings.max_header_bytes,
        trusted_proxies=settings.trusted_proxies,
        ping_interval=settings.ping_interval,
        pong_timeout=settings.pong_timeout,
        slow_timeout=settings.slow_timeout,
        auth_timeout=settings.auth_timeout,
        step_keys=settings.step_keys,
        time_keys=settings.time_keys,
    )

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncGenerator[None]:
        async with (
            contextlib.aclosing(broker),
            replica.running(),
            metrics_of(replica, settings.metrics_port),
            keeping(key_set, certificate_of(replica, config, settings)),
        ):
            yield

    key_set = key_set_of(settings, replica)
    authentication = authentication_of(settings, replica, key_set)
    entrance = make_entrance(
        replica,
        # By the name that it listens at, and by the machine's, it is called too.
        allowed_hosts=(
            settings.host,
            socket.gethostname(),
            *settings.allowed_hosts,
        ),
        allowed_origins=settings.allowed_origins,
        authentication=authentication,
    )
    api = LateApi(partial(load_api, entrance), lifespan)
    config = make_server_config(
        api,
        edge=replica.edge,
        judge=entrance.handshakes.judge,
        on_failed=entrance.note_failure,
        max_message_bytes=settings.max_message_bytes,
        deflate=settings.compression == "deflate",
        host=settings.host,
        port=settings.port,
        root_path=settings.root_path,
        tls_cert=settings.tls_cert or None,
        tls_key=settings.tls_key or None,
    )
    load_certificate(config, settings)
    server = DrainingServer(
        config, replica, drain_seconds=settings.drain_seconds, load=api.load
    )
    replica.instruments.serving(name)
    replica.instruments.guarded(authentication.modes)
    if settings.listen_fds:
        bound = inherit(settings.listen_fds)
    else:
        bound = bind(settings.host, settings.port)
    bound = to_accept_many(bound)
    try:
        server.run(sockets=bound)
    finally:
        for one in bound:
            one.close()
    server.check()


def key_set_of(settings: GatewaySettings, replica: Replica) -> KeySet | None:
    """The issuer whose keys are read, if one is named. Raises SettingsError."""
    if not settings.jwt_jwks_url:
        return None
    with setting(f"TAILCAST_JWT_JWKS_URL={settings.jwt_jwks_url}"):
        url = check_keys_url(settings.jwt_jwks_url)
        if settings.jwt_key:
            raise ValueError("TAILCAST_JWT_KEY is set too: take one of them away")
        if not (settings.jwt_issuer and settings.jwt_audience):
            # An issuer's keys sign for others as well.
            raise ValueError("set TAILCAST_JWT_ISSUER and TAILCAST_JWT_AUDIENCE too")
    return KeySet(url, clock=time.monotonic, on_read=replica.instruments.keys_read)


def authentication_of(
    settings: GatewaySettings, replica: Replica, key_set: KeySet | None
) -> Authentication:
    """How clients say who they are. Raises SettingsError."""
    with setting(f"TAILCAST_AUTH={','.join(settings.auth)}"):
        modes = modes_in_force(
            settings.auth,
            addresses=[settings.publish or settings.host],
            given=settings.given_modes,
        )
    if modes != ("none",) and EVERY_ORIGIN in settings.allowed_origins:
        text = "with TAILCAST_AUTH name the origins that may connect"
        raise SettingsError(f"TAILCAST_ALLOWED_ORIGINS={EVERY_ORIGIN}: {text}")
    if "proxy" in modes and not settings.trusted_proxies:
        text = "proxy needs TAILCAST_TRUSTED_PROXIES: whose word counts"
        raise SettingsError(f"TAILCAST_AUTH={','.join(settings.auth)}: {text}")
    readers = readers_of(settings)
    return Authentication(
        modes=modes,
        secrets=readers.secrets,
        find_key=readers.find_key if key_set is None else key_set.find,
        rules=readers.rules,
        proxied=proxied_of(settings) if "proxy" in modes else None,
        now=replica.now,
        instruments=replica.instruments,
    )


def proxied_of(settings: GatewaySettings) -> ProxyHeaders:
    """The headers by which a proxy says who asks."""
    return ProxyHeaders(
        settings.proxy_user_header,
        settings.proxy_sessions_header,
        settings.auth_default_sessions,
    )


class Readers(NamedTuple):
    """What reads tokens, as the settings say it."""

    secrets: SharedSecrets | None
    find_key: FindKey | None
    rules: Rules

    def read(self, token: str, *, now: float) -> Grant | NoGrant:
        """What a token grants now (Unix seconds)."""
        return read_any(token, self.secrets, self.find_key, self.rules, now=now)


def readers_of(settings: AuthSettings) -> Readers:
    """What reads tokens. Raises SettingsError."""
    secrets: SharedSecrets | None = None
    find_key: FindKey | None = None
    if settings.auth_token:
        with setting("TAILCAST_AUTH_TOKEN"):
            secrets = SharedSecrets(settings.auth_token)
    if settings.jwt_key:
        from tailcast_gateway.http.core.jwts import key_in  # noqa: PLC0415  # a tenth of a start

        with setting("TAILCAST_JWT_KEY"):
            find_key = only(key_in(settings.jwt_key))
    return Readers(
        secrets,
        find_key,
        Rules(
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            sessions_claim=settings.jwt_sessions_claim,
            default_sessions=settings.auth_default_sessions,
            max_lifetime=settings.jwt_max_lifetime,
        ),
    )


def load_certificate(config: uvicorn.Config, settings: GatewaySettings) -> None:
    """Load what the server is to show. Raises SettingsError."""
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise SettingsError("TAILCAST_TLS_CERT and TAILCAST_TLS_KEY go together")
    try:
        config.load()
    except OSError as error:
        names = f"TAILCAST_TLS_CERT={settings.tls_cert}, or its key"
        is_read = isinstance(error, ssl.SSLError)
        reason = "no certificate with its key" if is_read else error.strerror
        raise SettingsError(f"{names}: {reason}") from None


def certificate_of(
    replica: Replica, config: uvicorn.Config, settings: GatewaySettings
) -> Certificate | None:
    """The certificate of a server that is loaded, if it has one."""
    if config.ssl is None:
        return None
    return Certificate(
        config.ssl,
        settings.tls_cert,
        settings.tls_key,
        on_read=replica.instruments.certificate_read,
    )


@asynccontextmanager
async def keeping(*read_anew: KeySet | Certificate | None) -> AsyncGenerator[None]:
    """Have what there is of these read anew when it has changed."""
    tasks = [asyncio.create_task(one.run()) for one in read_anew if one is not None]
    try:
        yield
    finally:
        await end_all(tasks)


@contextlib.contextmanager
def setting(name: str) -> Generator[None]:
    """Name the setting whose value is found to be wrong in here."""
    try:
        yield
    except ValueError as error:
        raise SettingsError(f"{name}: {error}") from None


@asynccontextmanager
async def metrics_of(replica: Replica, port: int) -> AsyncGenerator[None]:
    """Serve the metrics at a port of their own; at none if it is 0."""
    async with contextlib.AsyncExitStack() as stack:
        if port:
            server = monitoring(
                replica.instruments.exposition,
                host=METRICS_HOST,
                port=port,
                why_not_ready=lambda: replica.why_not_ready,
                is_alive=lambda: replica.why_over is None,
                build=read_build()._asdict(),
            )
            try:
                await stack.enter_async_context(server)
            except OSError as error:
                reason = error.strerror or str(error)
                message = f"TAILCAST_METRICS_PORT={port}: {reason}"
                raise ServiceError(message) from error
        yield


class DrainingServer(uvicorn.Server):
    """A uvicorn server that sends its clients away in order before it ends."""

    def __init__(
        self,
        config: uvicorn.Config,
        replica: Replica,
        *,
        drain_seconds: float,
        load: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`load` makes what is missing once it listens; if it fails, all ends."""
        super().__init__(config)
        self._replica = replica
        self._drain_seconds = drain_seconds
        self._load = load
        # The task that does so.
        self._loading: asyncio.Task[None] | None = None
        # The task that drains, once it has begun.
        self._draining: asyncio.Task[None] | None = None
        # Set when the server should exit.
        self._is_over = asyncio.Event()
        # The failure that ended the server, None if there was none.
        self._failure: TaskEnded | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain at the first signal, and end at once at the second."""
        del sig, frame
        if self._draining is not None:
            self.force_exit = True
            self.end()
            self._draining.cancel()
            return
        self._replica.instruments.told_to_end()
        is_alone = self._replica.is_alone
        self._begin_to_drain(departure(self._drain_seconds, is_alone=is_alone))

    def end(self) -> None:
        """Have the server exit."""
        self.should_exit = True
        self._is_over.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and then have made what is missing."""
        await super().startup(sockets)
        if self.started and self._load is not None:
            self._loading = asyncio.create_task(self._load_rest(self._load))

    async def main_loop(self) -> None:
        """Serve until the server should exit, as uvicorn does.

        That asks ten times a second, which is most of what a gateway at rest would do.
        """
        loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            await wait_or_timeout(
                self._is_over, until_tick(loop.time(), FAILURE_LOOK_SECONDS)
            )

    async def on_tick(self, counter: int) -> bool:
        """Return whether the server should exit.

        A replica that has failed is drained here.
        """
        if self._failure is None and (failure := self._replica.why_over) is not None:
            self._fail(failure)
        return await super().on_tick(counter)

    def check(self) -> None:
        """Raise the failure that ended the server, if there was one."""
        if self._failure is not None:
            raise self._failure

    async def _load_rest(self, load: Callable[[], Awaitable[None]]) -> None:
        try:
            await load()
        except Exception as error:  # noqa: BLE001  # `check` raises it at the end
            self._fail(TaskEnded("start", error))

    def _fail(self, failure: TaskEnded) -> None:
        """Send all clients away, since the gateway cannot go on."""
        self._failure = failure
        self._replica.instruments.task_ended(failure)
        if self._draining is None:
            seconds = min(self._drain_seconds, FAILED_DRAIN_SECONDS)
            self._begin_to_drain(Departure(seconds))

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
            self.end()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Handle SIGINT and SIGTERM inside the loop, and do not raise them again."""
        # Name resolution may hang in these threads. The process ends without waiting.
        asyncio.get_running_loop().set_default_executor(library_threads())
        with taking_signals(lambda number: self.handle_exit(number, None)):
            yield
