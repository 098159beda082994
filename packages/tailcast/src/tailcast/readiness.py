"""What the tailer says that it waits for, until it has seen all files: over a pipe.

It says what is missing, a line each time that changes, and an empty line at the end.
A tailer that was started again writes into the same pipe.
"""

import asyncio
import os
from typing import Self

from tailcast_service.pauses import wait_or_timeout


__all__ = ["Readiness"]

# Said by nobody: what is known of a tailer that has not spoken.
STARTING = "the tailer is starting"
READ_BYTES = 65_536


class Readiness:
    """Both ends of the pipe, open inside the context."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        # What came of a line that is not whole yet.
        self._begun = b""
        self._missing = STARTING

    def __enter__(self) -> Self:
        """Nothing more: it is open."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close both ends."""
        os.close(self._reader)
        os.close(self.writer)

    async def wait(self, seconds: float) -> str:
        """What is missing after so long; "" as soon as nothing is."""
        loop, is_ready = asyncio.get_running_loop(), asyncio.Event()

        def read() -> None:
            self._take(os.read(self._reader, READ_BYTES))
            if not self._missing:
                is_ready.set()

        loop.add_reader(self._reader, read)
        try:
            await wait_or_timeout(is_ready, seconds)
        finally:
            loop.remove_reader(self._reader)
        return self._missing

    def _take(self, data: bytes) -> None:
        *lines, self._begun = (self._begun + data).split(b"\n")
        for line in lines:
            self._missing = line.decode(errors="replace")
