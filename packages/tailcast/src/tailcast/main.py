"""The command line: its commands and options, and which module carries each out.

A command only reads its arguments and returns the work to do; `main` does it, and turns
an error into one line and an exit code.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from tailcast_service.build import read_build
from tailcast_service.exceptions import SettingsError
from tailcast_service.exits import run_as_command


__all__ = ["main"]

# What a command returns: the work, which returns an exit code (None is 0).
Work = Callable[[], int | None]

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="Every line of your training logs in every browser, live.",
)

token_app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.add_typer(token_app, name="token")

LogDir = Annotated[
    str | None, typer.Option("--log-dir", metavar="DIR", help="where the files are")
]
Host = Annotated[
    str | None, typer.Option("--host", metavar="H", help="address to listen on")
]
Port = Annotated[
    str | None, typer.Option("--port", metavar="P", help="TCP port to listen on")
]
RedisUrl = Annotated[
    str | None, typer.Option("--redis-url", metavar="URL", help="the broker to use")
]
GatewayUrl = Annotated[
    str, typer.Option("--url", metavar="URL", help="the gateway to ask")
]


def main() -> None:
    """The entry point of `tailcast`."""
    sys.exit(run_as_command(run_command_line))


def run_command_line() -> int | None:
    """Read the arguments and do what they say."""
    try:
        answer: int | Work | None = app(standalone_mode=False)
    except typer.TyperException as error:
        message = f"{error.format_message()} (`tailcast --help` says what there is)"
        raise SettingsError(message) from None
    if isinstance(answer, int):
        return answer
    return None if answer is None else answer()


@app.callback(invoke_without_command=True)
def tailcast(
    context: typer.Context,
    *,
    show_version: Annotated[
        bool, typer.Option("--version", help="print version and revision, and end")
    ] = False,
) -> None:
    """Every line of your training logs in every browser, live."""
    if show_version:
        typer.echo(f"tailcast {read_build()}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(SettingsError.exit_code)


@app.command()
def up(
    *,
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH]...", help="files or directories to watch"),
    ] = None,
    log_dir: LogDir = None,
    host: Host = None,
    port: Port = None,
    redis_url: RedisUrl = None,
    data_dir: Annotated[
        Path, typer.Option(metavar="DIR", help="where the embedded broker's data is")
    ] = Path(".tailcast"),
    open_browser: Annotated[
        bool, typer.Option("--open", help="open the page in the browser")
    ] = False,
) -> Work:
    """Tailer, indexer, gateway and an embedded broker, as one command."""
    from tailcast.up import run_up  # noqa: PLC0415  # each command loads its own part

    return partial(
        run_up,
        paths=tuple(paths or ()),
        log_dir=log_dir,
        host=host,
        port=port,
        redis_url=redis_url,
        data_dir=data_dir,
        open_browser=open_browser,
    )


@app.command()
def tailer(*, log_dir: LogDir = None, redis_url: RedisUrl = None) -> Work:
    """Follow the files and append their lines to the broker."""
    from tailcast_tailer.main import serve  # noqa: PLC0415  # as above

    return partial(serve, log_dir=log_dir, redis_url=redis_url)


@app.command()
def indexer(*, redis_url: RedisUrl = None) -> Work:
    """Keep for each session what its records mean."""
    from tailcast_indexer.main import serve  # noqa: PLC0415  # as above

    return partial(serve, redis_url=redis_url)


@app.command()
def gateway(
    *, host: Host = None, port: Port = None, redis_url: RedisUrl = None
) -> Work:
    """Serve what the broker has to browsers and scripts."""
    from tailcast_gateway.main import serve  # noqa: PLC0415  # as above

    return partial(serve, host=host, port=port, redis_url=redis_url)


@app.command()
def sessions(*, url: GatewayUrl = "http://localhost:5000") -> Work:
    """What sessions there are, as a table."""
    from tailcast.sessions import print_sessions  # noqa: PLC0415  # as above

    return partial(print_sessions, url)


@token_app.callback(invoke_without_command=True)
def token(
    context: typer.Context,
    *,
    sub: Annotated[
        str | None, typer.Option(metavar="NAME", help="who is to have it")
    ] = None,
    allowed: Annotated[
        list[str] | None,
        typer.Option("--sessions", metavar="GLOB", help="what it may read; else all"),
    ] = None,
    lifetime: Annotated[
        str, typer.Option("--for", metavar="TIME", help="how long it counts")
    ] = "8h",
    can_write: Annotated[
        bool, typer.Option("--write", help="let it change tags, notes and the like")
    ] = False,
    connections: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="how many it may have at a time"),
    ] = None,
) -> Work | None:
    """Make a token for whoever may read; TAILCAST_JWT_KEY is its gateway's."""
    if context.invoked_subcommand is not None:
        return None
    if sub is None:
        raise SettingsError("name who is to have it, as in --sub ann")
    from tailcast.token import print_token  # noqa: PLC0415  # as above

    return partial(
        print_token,
        sub=sub,
        sessions=tuple(allowed or ()),
        lifetime=lifetime,
        can_write=can_write,
        connections=connections,
    )


@token_app.command("check")
def check(
    given: Annotated[
        str | None, typer.Argument(metavar="[TOKEN]", help="else a line of the input")
    ] = None,
) -> Work:
    """Say what a token grants, or why it grants nothing."""
    from tailcast.token import check_token  # noqa: PLC0415  # as above

    return partial(check_token, given)


@app.command()
def simulate(
    *,
    log_dir: LogDir = None,
    session_count: Annotated[
        int, typer.Option("--sessions", metavar="N", min=1, help="files to write")
    ] = 1,
    rate: Annotated[
        float, typer.Option(metavar="R", help="records a second, in each file")
    ] = 10.0,
    steps: Annotated[
        int | None,
        typer.Option(metavar="S", min=1, help="records in each file; else no end"),
    ] = None,
    emergency_at: Annotated[
        int | None, typer.Option(metavar="STEP", min=1, help="an emergency there")
    ] = None,
) -> Work:
    """Write session files as a training job would."""
    from tailcast.simulate import simulate_sessions  # noqa: PLC0415  # as above

    if not 0 < rate <= 1_000_000:  # noqa: PLR2004  # no clock of ours paces more
        raise SettingsError(f"--rate {rate:g}: must be above 0 and at most 1000000")
    return partial(
        simulate_sessions,
        log_dir=log_dir,
        sessions=session_count,
        rate=rate,
        steps=steps,
        emergency_at=emergency_at,
    )


@app.command()
def config() -> Work:
    """Every setting: its value, where it came from, its default and meaning."""
    from tailcast.config import print_config  # noqa: PLC0415  # as above

    return print_config
