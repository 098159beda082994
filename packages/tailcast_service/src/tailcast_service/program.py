"""Starts a service: settings, logs and limits first, then the service itself.

`tailcast SERVICE` calls `serve`. The program `tailcast-SERVICE`, in an image with this
service alone, calls `run_program`, which does the same.
"""

import sys
from collections.abc import Callable
from importlib import import_module

import structlog

from tailcast_service.build import read_build
from tailcast_service.exceptions import SettingsError
from tailcast_service.exits import run_as_command
from tailcast_service.limits import raise_open_file_limit
from tailcast_service.logs import configure_logging
from tailcast_service.memory import keep_what_is_loaded
from tailcast_service.settings import ServiceSettings


__all__ = ["run_program", "serve"]


def serve(
    service: str, settings_class: type[ServiceSettings], **flags: str | None
) -> None:
    """Run `tailcast_SERVICE.app` until a signal ends it; None is a flag not given."""
    settings = settings_class.load(**flags)
    configure_logging(
        level=settings.log_level, log_format=settings.log_format, service=service
    )
    structlog.stdlib.get_logger(service).info("starting", **read_build()._asdict())
    raise_open_file_limit()
    # Load it only now, so that wrong settings are reported before half a second of
    # imports.
    app = import_module(f"tailcast_{service}.app")
    run: Callable[[ServiceSettings], None] = app.run
    keep_what_is_loaded()
    run(settings)


def run_program(service: str, run: Callable[[], None]) -> None:
    """Run the program `tailcast-SERVICE`, which takes no settings, and exit."""

    def run_without_arguments() -> None:
        if sys.argv[1:] == ["--version"]:
            print(f"tailcast-{service} {read_build()}")  # noqa: T201  # what was asked for
            return
        if sys.argv[1:]:
            raise SettingsError(
                f"tailcast-{service} takes no arguments: set TAILCAST_… variables"
            )
        run()

    sys.exit(run_as_command(run_without_arguments))
