"""The tailer's way in: settings, logs, then the service itself.

`tailcast tailer` calls `serve`; `tailcast-tailer` is the same for an image that has
this service alone. Nothing is decided here.
"""

import sys
from collections.abc import Callable
from importlib import import_module

from service_runtime.exceptions import SettingsError
from service_runtime.exits import run_as_command
from service_runtime.limits import raise_open_file_limit
from service_runtime.logs import configure_logging
from tailer.settings import TailerSettings


__all__ = ["main", "serve"]


def main() -> None:
    """The entry point of `tailcast-tailer`."""
    sys.exit(run_as_command(serve_without_arguments))


def serve_without_arguments() -> None:
    """Serve; SettingsError if something was said on the command line."""
    if sys.argv[1:]:
        raise SettingsError(
            "tailcast-tailer takes no arguments: set TAILCAST_… variables"
        )
    serve()


def serve(**flags: str | None) -> None:
    """Run the tailer until it is told to end; a flag that is None was not given."""
    settings = TailerSettings.load(**flags)
    configure_logging(
        level=settings.log_level, log_format=settings.log_format, service="tailer"
    )
    raise_open_file_limit()
    # Loaded only now: wrong settings are told before half a second of imports.
    run: Callable[[TailerSettings], None] = import_module("tailer.app").run
    run(settings)
