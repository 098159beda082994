"""One service in the foreground: reads its settings, sets up its logs, runs it."""

from collections.abc import Callable
from importlib import import_module

from gateway.settings import GatewaySettings
from service_runtime.logs import configure_logging
from tailer.settings import TailerSettings


__all__ = ["run_gateway", "run_tailer"]


def run_tailer(**flags: str | None) -> None:
    """Run the tailer until it is told to end."""
    settings = TailerSettings.load(**flags)
    configure_logging(
        level=settings.log_level, log_format=settings.log_format, service="tailer"
    )
    # Loaded only now: wrong settings are told before half a second of imports.
    run: Callable[[TailerSettings], None] = import_module("tailer.app").run
    run(settings)


def run_gateway(**flags: str | None) -> None:
    """Run the gateway until it is told to end."""
    settings = GatewaySettings.load(**flags)
    configure_logging(
        level=settings.log_level, log_format=settings.log_format, service="gateway"
    )
    # As above.
    run: Callable[[GatewaySettings], None] = import_module("gateway.app").run
    run(settings)
