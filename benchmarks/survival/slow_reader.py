"""One client stops reading while much flows: what it costs the gateway and the others.

The same flow three times through one gateway process: once to warm it (the window, the
allocator), once with everybody reading, once with one client asleep, which then reads
what it missed. The peak of resident memory is the kernel's, begun anew for each.
"""

import asyncio
import socket
import uuid
from dataclasses import dataclass

from benchmarks.survival.clients import Client, connect, percentile
from benchmarks.survival.stage import Gateway, Session, gateway
from tailcast_streams.redis.broker import RedisBroker


RECORD_BYTES = 1_024
# Records are appended so many at a time.
BATCH = 32


@dataclass(frozen=True)
class Figures:
    """What came of it; memory in bytes above that of the warm process, at its peak."""

    flowed_bytes: int
    growth_all_reading: int
    growth_one_asleep: int
    growth_catching_up: int
    # Milliseconds from append to arrival, of the client that always reads.
    p50_all_reading: float
    p99_all_reading: float
    p50_one_asleep: float
    p99_one_asleep: float
    # Bytes that the sleeper had been sent when it woke.
    sent_to_sleeper: int

    @property
    def growth_bytes(self) -> int:
        """What the sleeper cost, catching up included."""
        most = max(self.growth_one_asleep, self.growth_catching_up)
        return most - self.growth_all_reading

    def __str__(self) -> str:
        flowed, cost, without, asleep, catching_up, sent = (
            f"{value / 1e6:.1f} MB"
            for value in (
                self.flowed_bytes,
                self.growth_bytes,
                self.growth_all_reading,
                self.growth_one_asleep,
                self.growth_catching_up,
                self.sent_to_sleeper,
            )
        )
        return f"""{flowed} past one client that does not read: it costs {cost} of RSS
  peaks above the warm process: {without} with all reading, {asleep} with one asleep,
  {catching_up} while it catches up; it had been sent {sent}
  what the other reads takes, with all reading and with one asleep:
  p50 {self.p50_all_reading:.1f} and {self.p50_one_asleep:.1f} ms,\
 p99 {self.p99_all_reading:.1f} and {self.p99_one_asleep:.1f} ms"""


async def measure(url: str, *, flow_bytes: int, seconds: float) -> Figures:
    """Let so much flow, in so many seconds, each time."""
    prefix = f"b{uuid.uuid4().hex[:8]}"
    broker = RedisBroker(url, key_prefix=prefix)
    try:
        with gateway(url, prefix, slow_timeout="1h") as process:
            session = Session(broker, "run")
            await session.append(1)
            reading = await connect(process.port, {"sessionId": "run"})
            sleeper = await connect(process.port, {"sessionId": "run"}, sock=_small())
            return await _measure(
                process, session, reading, sleeper, flow_bytes, seconds
            )
    finally:
        await broker.aclose()


async def _measure(
    process: Gateway,
    session: Session,
    reading: Client,
    sleeper: Client,
    flow_bytes: int,
    seconds: float,
) -> Figures:
    await _flow(session, flow_bytes, seconds / 2)
    await _all_read(session, reading, sleeper)
    warm = process.rss_bytes()

    process.forget_peak()
    reading.latencies = []
    await _flow(session, flow_bytes, seconds)
    await _all_read(session, reading, sleeper)
    without = process.peak_bytes() - warm
    before = reading.latencies

    process.forget_peak()
    reading.latencies = []
    had = sleeper.received_bytes
    sleeper.transport.pause_reading()
    await _flow(session, flow_bytes, seconds)
    await _all_read(session, reading)
    asleep = process.peak_bytes() - warm
    meanwhile, reading.latencies = reading.latencies, None
    sent = sleeper.received_bytes - had
    process.forget_peak()
    sleeper.transport.resume_reading()
    await _all_read(session, sleeper)
    return Figures(
        flowed_bytes=flow_bytes,
        growth_all_reading=without,
        growth_one_asleep=asleep,
        growth_catching_up=process.peak_bytes() - warm,
        p50_all_reading=percentile(before, 0.5),
        p99_all_reading=percentile(before, 0.99),
        p50_one_asleep=percentile(meanwhile, 0.5),
        p99_one_asleep=percentile(meanwhile, 0.99),
        sent_to_sleeper=sent,
    )


async def _flow(session: Session, flow_bytes: int, seconds: float) -> None:
    """Append evenly."""
    loop = asyncio.get_running_loop()
    start, count = loop.time(), flow_bytes // (BATCH * RECORD_BYTES)
    for number in range(count):
        pause = start + seconds * number / count - loop.time()
        if pause > 0:
            await asyncio.sleep(pause)
        await session.append(BATCH, record_bytes=RECORD_BYTES)


async def _all_read(session: Session, *clients: Client) -> None:
    """Until each has had, once and in order, all but the record it began after."""
    for client in clients:
        await client.until(session.step - 1)
        assert client.records == session.step - 1, (client.records, session.step)
        assert client.next_step == session.step


def _small() -> socket.socket:
    """A socket whose kernel buffer does not hide what the gateway keeps."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    return one
