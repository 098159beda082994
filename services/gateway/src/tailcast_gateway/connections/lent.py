"""A transport that can be taken back from the protocol that has it."""

import asyncio
from typing import Any


class LentTransport(asyncio.Transport):
    """Passes everything on, until it is taken back; then it is closed and does nothing.

    Whoever has it may keep timers and tasks that will still use it.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport: asyncio.Transport | None = transport

    def take_back(self) -> None:
        """Let nothing that is done with it have an effect any more."""
        self._transport = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Pass it on."""
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """Pass it on."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Pass it on."""
        if self._transport is not None:
            self._transport.abort()

    def is_closing(self) -> bool:
        """Whether it is closed, or was taken back."""
        return self._transport is None or self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Pass it on."""
        if self._transport is None:
            return default
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        """Pass it on."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Pass it on."""
        if self._transport is not None:
            self._transport.resume_reading()

    def is_reading(self) -> bool:
        """Pass it on."""
        return self._transport is not None and self._transport.is_reading()

    def get_write_buffer_size(self) -> int:
        """Pass it on."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def can_write_eof(self) -> bool:
        """Pass it on."""
        return self._transport is not None and self._transport.can_write_eof()

    def write_eof(self) -> None:
        """Pass it on."""
        if self._transport is not None:
            self._transport.write_eof()
