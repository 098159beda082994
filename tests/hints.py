"""What a broker tells its listeners, one by one, as tests want it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from tailcast_streams.broker import SessionReader
from tailcast_streams.pushes import Push


@asynccontextmanager
async def heard_of(
    reader: SessionReader,
    *,
    on_foreign: Callable[[], None] | None = None,
    gather_seconds: float = 0.0,
) -> AsyncGenerator[AsyncIterator[str]]:
    """Listen; the iteration raises what ends the listening."""
    texts: asyncio.Queue[str] = asyncio.Queue()

    def take(some: Sequence[str | Push]) -> None:
        for text in some:
            if isinstance(text, str):
                texts.put_nowait(text)

    async with reader.notifications(
        take, on_foreign=on_foreign, gather_seconds=gather_seconds
    ) as line:
        yield _one_by_one(texts, asyncio.ensure_future(line.lost))


async def _one_by_one(
    texts: asyncio.Queue[str], lost: asyncio.Future[None]
) -> AsyncIterator[str]:
    while True:
        text = asyncio.ensure_future(texts.get())
        try:
            await asyncio.wait((text, lost), return_when=asyncio.FIRST_COMPLETED)
            if not text.done():
                lost.result()
            yield text.result()
        finally:
            text.cancel()
