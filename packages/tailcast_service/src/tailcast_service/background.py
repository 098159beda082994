"""Runs a service that has no clients of its own: its loop, its end, its metrics.

The service says what it does and how it is; here it is run until a signal comes.
"""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Protocol

from tailcast_service.build import read_build
from tailcast_service.exceptions import ServiceError
from tailcast_service.monitoring import monitoring
from tailcast_service.readers import Readers
from tailcast_service.signals import until_signalled
from tailcast_service.tasks import TaskEnded


__all__ = ["Background", "new_loop_factory", "run_in_background"]

# All interfaces: Prometheus runs elsewhere, and the port is off unless asked for.
METRICS_HOST = "0.0.0.0"  # noqa: S104  # as said above


class Told(Protocol):
    """The instruments of such a service."""

    @property
    def readers(self) -> Readers:
        """Who reads its metrics."""
        ...

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        ...

    def task_ended(self, error: TaskEnded) -> None:
        """A task of the service has ended too early."""
        ...


class Background(Protocol):
    """A service without clients."""

    @property
    def instruments(self) -> Told:
        """What it says of itself."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether a task of it has ended, or all are being ended."""
        ...

    def why_not_ready(self) -> str:
        """What is missing to be of use, in words for people; empty when ready."""
        ...

    async def run(self) -> None:
        """Work until cancelled. Raises TaskEnded if a task of it ends."""
        ...


async def run_in_background(
    service: Background, *, metrics_port: int, end_seconds: float
) -> None:
    """Run it until SIGTERM or SIGINT.

    Args:
        service: the service.
        metrics_port: where its metrics are; 0 for nowhere.
        end_seconds: how long it may take to end.

    Raises:
        ServiceError: the port cannot be listened on.
        TaskEnded: a task of it ended.
    """
    async with AsyncExitStack() as stack:
        if metrics_port:
            await _monitor(stack, service, metrics_port)
        await until_signalled(_run_and_tell(service), end_seconds=end_seconds)


def new_loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Use uvloop where it is installed: the loop takes a quarter less time."""
    try:
        import uvloop  # noqa: PLC0415  # there is none for Windows
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


async def _run_and_tell(service: Background) -> None:
    """Run it; if a task fails, wait until its metrics were read once more."""
    try:
        await service.run()
    except TaskEnded as error:
        service.instruments.task_ended(error)
        readers = service.instruments.readers
        await readers.wait(reads=readers.reads)
        raise


async def _monitor(stack: AsyncExitStack, service: Background, port: int) -> None:
    server = monitoring(
        service.instruments.exposition,
        host=METRICS_HOST,
        port=port,
        why_not_ready=service.why_not_ready,
        is_alive=lambda: not service.is_over,
        build=read_build()._asdict(),
    )
    try:
        await stack.enter_async_context(server)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ServiceError(f"TAILCAST_METRICS_PORT={port}: {reason}") from error
