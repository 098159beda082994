"""The gateway's way in: settings, logs, then the service itself.

`tailcast gateway` calls `serve`; `tailcast-gateway` is the same for an image that has
this service alone. Nothing is decided here.
"""

import sys
from collections.abc import Callable
from importlib import import_module

from gateway.settings import GatewaySettings
from service_runtime.exceptions import SettingsError
from service_runtime.exits import run_as_command
from service_runtime.limits import raise_open_file_limit
from service_runtime.logs import configure_logging


__all__ = ["main", "serve"]


def main() -> None:
    """The entry point of `tailcast-gateway`."""
    sys.exit(run_as_command(serve_without_arguments))


def serve_without_arguments() -> None:
    """Serve; SettingsError if something was said on the command line."""
    if sys.argv[1:]:
        raise SettingsError(
            "tailcast-gateway takes no arguments: set TAILCAST_… variables"
        )
    serve()


def serve(**flags: str | None) -> None:
    """Run the gateway until it is told to end; a flag that is None was not given."""
    settings = GatewaySettings.load(**flags)
    configure_logging(
        level=settings.log_level, log_format=settings.log_format, service="gateway"
    )
    raise_open_file_limit()
    # Loaded only now: wrong settings are told before half a second of imports.
    run: Callable[[GatewaySettings], None] = import_module("gateway.app").run
    run(settings)
