"""How much of what is written waits for a peer, in this process and in the kernel.

It is little, so that an emergency overtakes it and a ping is answered soon.
"""

import asyncio
import socket as sockets
from typing import Final


# A socket is `paused` above the high-water mark, and its owner's `writing_resumed` is
# called below the low-water mark. 64 KiB is a page of telemetry: enough to keep a
# socket busy for one turn of the loop, and so little that 10,000 stalled clients cost
# at most 640 MB.
WRITE_HIGH_WATER_BYTES: Final = 64 * 1024
WRITE_LOW_WATER_BYTES: Final = 16 * 1024

# How much unsent data the kernel accepts in addition. Without this bound it would be
# megabytes, which an emergency cannot overtake and behind which a ping waits.
KERNEL_UNSENT_BYTES: Final = 128 * 1024
# Linux and macOS have the option, with different numbers; Windows does not.
_TCP_NOTSENT_LOWAT: Final[int | None] = getattr(sockets, "TCP_NOTSENT_LOWAT", None)


def tune(transport: asyncio.Transport) -> None:
    """Disable Nagle's algorithm; keep buffers short, so that emergencies overtake."""
    transport.set_write_buffer_limits(WRITE_HIGH_WATER_BYTES, WRITE_LOW_WATER_BYTES)
    sock: sockets.socket | None = transport.get_extra_info("socket")
    if sock is None or sock.family not in (sockets.AF_INET, sockets.AF_INET6):
        return
    # asyncio does this only for sockets that were made with the protocol's number.
    sock.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
    if _TCP_NOTSENT_LOWAT is not None:
        sock.setsockopt(sockets.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, KERNEL_UNSENT_BYTES)
