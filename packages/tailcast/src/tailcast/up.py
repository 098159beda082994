"""`tailcast up`: broker, tailer, indexer, gateway on this machine, as one command.

Decides which programs run with which settings, and when they are ready. `supervisor`
keeps them running, and `embedded` knows how Valkey is run.
"""

import asyncio
import contextlib
import errno
import getpass
import os
import secrets
import signal
import socket
import sys
import webbrowser
from collections.abc import Callable, Coroutine, Generator, Sequence
from pathlib import Path
from typing import Any

import structlog

from tailcast.embedded import EmbeddedBroker
from tailcast.readiness import Readiness
from tailcast.settings import CommandSettings
from tailcast.supervisor import Child, Supervisor
from tailcast_gateway.http.core.modes import AUTO, is_here
from tailcast_gateway.settings import GatewaySettings
from tailcast_indexer.settings import IndexerSettings
from tailcast_service.exceptions import ServiceError, SettingsError
from tailcast_service.listening import LOCALHOST, CannotListen, bind
from tailcast_service.logs import configure_logging
from tailcast_service.signals import taking_signals
from tailcast_service.threads import library_threads
from tailcast_service.values import write_list
from tailcast_tailer.settings import TailerSettings


__all__ = ["run_up"]

# An address that means all of them is asked by the loopback one.
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # compared, not bound
SSH_PORT = "22"
# Where the token of a data directory is.
TOKEN_FILE = "token"  # noqa: S105  # a name
LAST_PORT = 65_535
READY_LOOK_SECONDS = 0.1
READY_ANSWER_SECONDS = 5.0
# How long the tailer may take to look, and the indexer to start, before problems are
# told, and how many are.
PROBLEMS_SECONDS = 10.0
PROBLEMS_TOLD = 5
# How long the page waits for the tailer, which may have to list what does not answer.
TAILER_READY_SECONDS = 15.0
# Beyond its own bounds, what a service gets before it is killed.
END_MARGIN_SECONDS = 10.0
END_VALKEY_SECONDS = 60.0

_log = structlog.get_logger()


def run_up(  # as many as the command has
    *,
    paths: tuple[str, ...],
    log_dir: str | None,
    host: str | None,
    port: str | None,
    redis_url: str | None,
    data_dir: Path,
    open_browser: bool,
) -> None:
    """Run all until SIGINT or SIGTERM; errors as `Supervisor.run` raises them."""
    command = CommandSettings.load(redis_url=redis_url, log_dir=log_dir)
    configure_logging(
        level=command.log_level, log_format=command.log_format, service="up"
    )
    watched = tuple(find_path(path) for path in paths)
    with contextlib.ExitStack() as stack:
        broker: EmbeddedBroker | None = None
        url = command.redis_url
        if url is None:
            broker = EmbeddedBroker(data_dir)
            url = broker.url
        # All are read here too, so that an error is reported before anything starts.
        gateway = GatewaySettings.load(host=host, port=port, redis_url=url)
        token = "" if knows_who_reads(gateway) else kept_token(data_dir)
        tailer = TailerSettings.load(log_dir=log_dir, paths=watched, redis_url=url)
        indexer = IndexerSettings.load(redis_url=url)
        listeners = stack.enter_context(listening(gateway.host, gateway.port))
        if broker is not None:
            # Only now does it know where its socket can be.
            url = stack.enter_context(broker).url
        if not watched and not Path(tailer.log_dir).is_dir():
            _log.warning("log directory does not exist yet", log_dir=tailer.log_dir)
        readiness = stack.enter_context(Readiness())
        children = [
            *([] if broker is None else [valkey_child(broker)]),
            tailer_child(tailer, url, readiness.writer),
            indexer_child(indexer, url),
            gateway_child(gateway, url, [one.fileno() for one in listeners], token),
        ]
        asyncio.run(
            supervise(
                children,
                broker,
                listeners,
                on_ready=announce(
                    gateway, readiness, token=token, open_browser=open_browser
                ),
            )
        )


def knows_who_reads(settings: GatewaySettings) -> bool:
    """Whether a gateway may start by its settings alone; else it gets a token."""
    is_said = bool(settings.given_modes) or settings.auth != (AUTO,)
    return is_said or is_here(settings.publish or settings.host)


def kept_token(data_dir: Path) -> str:
    """The token of this directory, made once, so that links stay good.

    Raises SettingsError if the directory cannot keep it.
    """
    path = data_dir / TOKEN_FILE
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            return path.read_text(encoding="ascii").strip()
        token = secrets.token_urlsafe(32)
        with open(
            path,
            "x",
            encoding="ascii",
            opener=lambda name, flags: os.open(name, flags, 0o600),
        ) as file:
            file.write(f"{token}\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingsError(f"{path}: {reason}") from error
    return token


def find_path(path: str) -> str:
    """Its absolute form; SettingsError if there is nothing.

    What is there by the very name comes before what `~` may stand for.
    """
    if not path:
        raise SettingsError("a path is empty: name a file or a directory")
    absolute = Path(path).absolute()
    if not absolute.exists():
        with contextlib.suppress(RuntimeError):
            # Nobody of that name has a home.
            absolute = Path(path).expanduser().absolute()
    if not absolute.exists():
        raise SettingsError(f"{path}: no such file or directory")
    return str(absolute)


@contextlib.contextmanager
def listening(host: str, port: int) -> Generator[tuple[socket.socket, ...]]:
    """Listen for the gateway, while the context lasts.

    So nobody is refused while the gateway is started anew: whoever connects waits for
    it. Raises ServiceError if that cannot be.
    """
    try:
        bound = tuple(bind(host, port))
    except CannotListen as error:
        explain_bind(error.cause, host, port)
        raise
    try:
        yield bound
    finally:
        for one in bound:
            one.close()


def explain_bind(error: OSError, host: str, port: int) -> None:
    """Raise what a person can act on, if that is known."""
    if error.errno == errno.EADDRINUSE:
        message = f"port {port} is taken: choose another with --port"
        raise ServiceError(message) from error
    if error.errno == errno.EACCES:
        message = f"port {port} needs privileges: choose another with --port"
        raise ServiceError(message) from error
    if host != LOCALHOST:
        message = f"--host {host}: {error.strerror or error}"
        raise SettingsError(message) from error


def valkey_child(broker: EmbeddedBroker) -> Child:
    """The embedded broker."""
    return Child(
        name="valkey",
        command=broker.command(),
        pass_fds=(broker.valkey_lock,),
        end_seconds=END_VALKEY_SECONDS,
        # So that it saves its data if we are killed.
        bound_by=signal.SIGTERM,
        wait_until_ready=broker.wait_until_ready,
        last_words=broker.last_words,
    )


def service_command(service: str) -> tuple[str, ...]:
    """What runs one of the services."""
    return (sys.executable, "-P", "-m", "tailcast.child", service)


def tailer_child(settings: TailerSettings, url: str, ready_fd: int) -> Child:
    """The tailer, with what the command line said; tells there what it waits for."""
    return Child(
        name="tailer",
        command=service_command("tailer"),
        environment={
            "TAILCAST_REDIS_URL": url,
            "TAILCAST_LOG_DIR": settings.log_dir,
            "TAILCAST_PATHS": write_list(settings.paths),
            "TAILCAST_READY_FD": str(ready_fd),
        },
        pass_fds=(ready_fd,),
        end_seconds=END_MARGIN_SECONDS,
    )


def indexer_child(settings: IndexerSettings, url: str) -> Child:
    """The indexer; its metrics are at the port above the tailer's."""
    port = settings.metrics_port
    return Child(
        name="indexer",
        command=service_command("indexer"),
        environment={
            "TAILCAST_REDIS_URL": url,
            "TAILCAST_METRICS_PORT": str(port + 1 if 0 < port < LAST_PORT else 0),
        },
        end_seconds=END_MARGIN_SECONDS,
    )


def gateway_child(
    settings: GatewaySettings, url: str, listeners: Sequence[int], token: str = ""
) -> Child:
    """The gateway, with what the command line said; it accepts from these sockets.

    Its metrics are at the second port above the tailer's.
    """
    port = settings.metrics_port
    return Child(
        name="gateway",
        command=service_command("gateway"),
        environment={
            **({"TAILCAST_AUTH_TOKEN": token} if token else {}),
            "TAILCAST_REDIS_URL": url,
            "TAILCAST_HOST": settings.host,
            "TAILCAST_PORT": str(settings.port),
            "TAILCAST_LISTEN_FDS": ",".join(map(str, listeners)),
            "TAILCAST_METRICS_PORT": str(port + 2 if 0 < port < LAST_PORT - 1 else 0),
        },
        pass_fds=tuple(listeners),
        end_seconds=settings.drain_seconds + END_MARGIN_SECONDS,
    )


async def supervise(
    children: list[Child],
    broker: EmbeddedBroker | None,
    listeners: Sequence[socket.socket],
    *,
    on_ready: Callable[[], Coroutine[None, None, None]],
) -> None:
    """Run the children until a signal says to end."""
    supervisor = Supervisor(children)

    def stop(_number: int) -> None:
        for one in listeners:
            # From now on nobody comes again who is sent away.
            one.close()
        supervisor.stop()

    # Opening a browser may block.
    asyncio.get_running_loop().set_default_executor(library_threads())
    with taking_signals(stop):
        if broker is not None:
            await broker.end_leftover()
        await supervisor.run(on_ready=on_ready)


def announce(
    settings: GatewaySettings,
    readiness: Readiness,
    *,
    token: str = "",
    open_browser: bool,
) -> Callable[[], Coroutine[None, None, None]]:
    """Make the function that waits for gateway and tailer, and prints the address."""

    async def wait_and_tell() -> None:
        host = ANY_ADDRESS.get(settings.host, settings.host)
        scheme = "https" if settings.tls_cert else "http"
        await wait_for_gateway(f"{scheme}://{bracket(host)}:{settings.port}/readyz")
        missing = await readiness.wait(TAILER_READY_SECONDS)
        address = f"{scheme}://{bracket(settings.host)}:{settings.port}"
        print(f"tailcast ready on {address}", flush=True)  # noqa: T201  # the answer
        if token:
            name = socket.gethostname() if settings.host in ANY_ADDRESS else ""
            place = f"{scheme}://{bracket(name or settings.host)}:{settings.port}"
            address = f"{place}/login#token={token}"
            print(f"only who has this link may read: {address}", flush=True)  # noqa: T201  # as above
        if missing:
            print(f"not all is followed yet: {missing}", flush=True)  # noqa: T201  # as above
        tunnel = tunnel_command(os.environ.get("SSH_CONNECTION", ""), settings.port)
        if tunnel:
            print(f"from your machine: {tunnel}", flush=True)  # noqa: T201  # as above
        status = f"{scheme}://{bracket(host)}:{settings.port}/api/status"
        await tell_problems(
            status, token=token or settings.auth_token.partition(",")[0]
        )
        if open_browser:
            await asyncio.to_thread(webbrowser.open, address)

    return wait_and_tell


async def wait_for_gateway(url: str) -> None:
    """Return when it answers that it is ready, however long that takes."""
    import httpx  # noqa: PLC0415  # loaded while the children start, not before

    # To this machine: no proxy, and no certificates to load (0.2 s).
    async with httpx.AsyncClient(
        timeout=READY_ANSWER_SECONDS,
        trust_env=False,
        verify=False,  # noqa: S501  # as said above
    ) as client:
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(url)).is_success:
                    return
            await asyncio.sleep(READY_LOOK_SECONDS)


async def tell_problems(url: str, *, token: str = "") -> None:
    """Print what is wrong and what mends it, once tailer and indexer are there."""
    import httpx  # noqa: PLC0415  # as above

    found: Any = {"problems": [], "more": False}
    async with httpx.AsyncClient(
        timeout=READY_ANSWER_SECONDS,
        trust_env=False,
        verify=False,  # noqa: S501  # as above
        headers={"authorization": f"Bearer {token}"} if token else None,
    ) as client:
        with contextlib.suppress(
            TimeoutError, httpx.HTTPError, ValueError, LookupError
        ):
            async with asyncio.timeout(PROBLEMS_SECONDS):
                while True:
                    answer = (await client.get(url)).raise_for_status().json()
                    tailers, found = answer["tailers"], answer
                    have_looked = tailers and all(one["lookedAt"] for one in tailers)
                    if have_looked and answer["indexers"]:
                        break
                    await asyncio.sleep(READY_LOOK_SECONDS)
    for line in problem_lines(found, url):
        print(line, flush=True)  # noqa: T201  # for whoever started it


def problem_lines(found: Any, url: str) -> list[str]:
    """The first problems of an answer of `/api/status`, a line each."""
    lines: list[str] = []
    for one in found["problems"][:PROBLEMS_TOLD]:
        about = f"{one['about']}: " if "about" in one else ""
        mend = f" → {one['mend']}" if "mend" in one else ""
        lines.append(f"problem: {about}{one['reason']}{mend}")
    more = len(found["problems"]) - PROBLEMS_TOLD
    if more > 0 or found["more"]:
        lines.append(f"more problems: {url}")
    return lines


def tunnel_command(ssh_connection: str, port: int) -> str:
    """The `ssh` command that reaches the port from the other end; "" without SSH."""
    parts = ssh_connection.split()
    if len(parts) != 4:  # noqa: PLR2004  # client and server, each address and port
        return ""
    server, ssh_port = parts[2:]
    option = "" if ssh_port == SSH_PORT else f" -p {ssh_port}"
    return f"ssh{option} -L {port}:localhost:{port} {getpass.getuser()}@{server}"


def bracket(host: str) -> str:
    """The host as it stands in an address."""
    return f"[{host}]" if ":" in host else host
