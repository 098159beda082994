"""Tells who started the tailer what it waits for, until it has seen all files.

Over a descriptor that was inherited: a line for each thing that is missing, when that
changes, and an empty line at the end. Whether anybody reads it makes no difference.
"""

import asyncio
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

from tailcast_service.exceptions import ServiceError


ASKED_AGAIN_SECONDS = 0.02
# A pipe takes so much whole or not at all.
LINE_BYTES = 512


@contextmanager
def telling(
    descriptor: int | None, what_is_missing: Callable[[], str]
) -> Generator[None]:
    """Tell while the context lasts.

    Args:
        descriptor: where; None: nobody is told.
        what_is_missing: in words for people; empty when all is seen.
    """
    if descriptor is None:
        yield
        return
    try:
        os.set_blocking(descriptor, False)
    except OSError as error:
        message = f"TAILCAST_READY_FD={descriptor}: {error.strerror}"
        raise ServiceError(message) from error
    teller = _Teller(descriptor, what_is_missing)
    teller.look()
    try:
        yield
    finally:
        teller.end()


class _Teller:
    """Looks again and again what is missing, until nothing is."""

    def __init__(self, descriptor: int, what_is_missing: Callable[[], str]) -> None:
        self._descriptor = descriptor
        self._what_is_missing = what_is_missing
        # What was said last; None before the first word.
        self._said: str | None = None
        self._next_look: asyncio.TimerHandle | None = None

    def look(self) -> None:
        """Say what is missing if that is something else than before."""
        missing = self._what_is_missing()
        if missing != self._said:
            self._say(missing)
        if missing:
            loop = asyncio.get_running_loop()
            self._next_look = loop.call_later(ASKED_AGAIN_SECONDS, self.look)

    def _say(self, missing: str) -> None:
        line = " ".join(missing.split()).encode(errors="backslashreplace")
        # It may be read no longer, or not now.
        with suppress(OSError):
            os.write(self._descriptor, line[:LINE_BYTES] + b"\n")
        self._said = missing

    def end(self) -> None:
        """Look no more."""
        if self._next_look is not None:
            self._next_look.cancel()
