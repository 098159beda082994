"""The certificate of a gateway that speaks TLS: read anew when its files have changed.

So whatever renews it need not tell the gateway. Connections that are open keep theirs.
"""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final


# How often its files are looked at, seconds.
REREAD_SECONDS: Final = 60.0


class Certificate:
    """The certificate in the context of a server."""

    def __init__(
        self,
        context: ssl.SSLContext,
        cert: str,
        key: str,
        *,
        on_read: Callable[[OSError | None], None],
    ) -> None:
        """`on_read` is called when it was read anew, with the error if it could not."""
        self._context = context
        self._cert = cert
        self._key = key
        self._on_read = on_read
        # What the files were when they were read.
        self._seen = self._look()

    async def run(self) -> None:
        """Look at the files until cancelled."""
        while True:
            await asyncio.sleep(REREAD_SECONDS)
            self.reread()

    def reread(self) -> None:
        """Read it if its files have changed; if it is not whole, look again later."""
        seen = self._look()
        if seen == self._seen:
            return
        try:
            self._context.load_cert_chain(self._cert, self._key)
        except OSError as error:
            self._on_read(error)
            return
        self._seen = seen
        self._on_read(None)

    def _look(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(map(_seen, (self._cert, self._key)))


def _seen(path: str) -> tuple[int, int, int] | None:
    """What tells a file from another one at its place; None if there is none."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
