"""A handed-over socket reads and writes: fragments, floods, slow peers."""

import asyncio

import pytest
from websockets.asyncio.client import connect
from websockets.frames import Opcode

from tailcast_gateway.connections import tuning as transport
from tailcast_gateway.connections.core import control_frames
from tailcast_gateway.limits import Quotas
from tailcast_gateway.protocol.frames import text_frame
from tests.gateway.connections.rig import (
    MAX_MESSAGE_BYTES,
    closed,
    masked,
    raw_client,
    serving,
)
from tests.patience import PATIENCE_SECONDS


async def test_fragments_are_joined() -> None:
    """A message in pieces, empty ones and a ping among them, is told whole."""
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        await client.send(
            masked(Opcode.TEXT, b"", fin=False)
            + masked(Opcode.CONT, "é".encode()[:1], fin=False)
            + masked(Opcode.PING, b"between")
            + masked(Opcode.CONT, b"", fin=False) * 1000
            + masked(Opcode.CONT, "é".encode()[1:])
        )
        assert await client.frame() == (Opcode.PONG, b"between")
        assert await owner.next_told() == ("text", "é".encode())


async def test_a_message_of_the_largest_size() -> None:
    """A message as long as allowed comes whole, over many turns of reading."""
    payload = bytes(range(97, 123)) * (MAX_MESSAGE_BYTES // 26)
    async with serving(echo=True) as rig, connect(rig.url) as client:
        await client.send(payload.decode())
        assert await client.recv() == payload.decode()


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(masked(Opcode.TEXT, b"\xff"), 1007, id="not UTF-8"),
        pytest.param(
            masked(Opcode.TEXT, b"\xc3", fin=False) + masked(Opcode.CONT, b"!"),
            1007,
            id="not UTF-8 across fragments",
        ),
        pytest.param(b"\x81\x02no", 1002, id="unmasked"),
        pytest.param(b"\xf1\x80\0\0\0\0", 1002, id="reserved bits"),
        pytest.param(masked(Opcode.CONT, b"?"), 1002, id="nothing to continue"),
        pytest.param(masked(Opcode.PING, b"x" * 126), 1002, id="ping too long"),
        pytest.param(masked(Opcode.CLOSE, b"\x03"), 1002, id="half a close code"),
        pytest.param(
            masked(Opcode.TEXT, b"x" * (MAX_MESSAGE_BYTES + 1)), 1009, id="too large"
        ),
        pytest.param(
            masked(Opcode.TEXT, b"x" * MAX_MESSAGE_BYTES, fin=False)
            + masked(Opcode.CONT, b"x"),
            1009,
            id="too large in fragments",
        ),
    ],
)
async def test_broken_input(sent: bytes, code: int) -> None:
    """What breaks the protocol is answered by its close code, after what was right."""
    async with serving(echo=True) as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        await client.send(masked(Opcode.TEXT, b"right") + sent)
        assert await client.frame() == (Opcode.TEXT, b"right")
        assert await client.close_code() == code
        client.writer.close()
        assert await owner.next_told() == ("text", b"right")
        assert (await owner.next_told())[:2] == ("closed", code)
        await rig.until_empty()
        assert owner.told.empty()


async def test_a_peer_that_sends_on_still_learns_why() -> None:
    """Who sends far too much gets the close frame, not a reset."""
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        await client.send(masked(Opcode.TEXT, b"x" * 8_000_000))
        assert await client.close_code() == 1009
        assert (await owner.next_told())[:2] == ("closed", 1009)
        client.writer.close()
        await rig.until_empty()


async def test_reading_waits_for_the_owner() -> None:
    """While the owner has paused reading nothing is told; then all of it, in order."""
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()

        def one_at_a_time(data: bytes) -> None:
            owner.socket.pause_reading()

        owner.on_message = one_at_a_time
        numbers = [b"%d" % number for number in range(3000)]
        await client.send(b"".join(masked(Opcode.TEXT, n) for n in numbers))
        await client.send(masked(Opcode.PING, b"at the end"))
        for number in numbers:
            assert await owner.next_told() == ("text", number)
            assert owner.told.empty()
            owner.socket.resume_reading()
        assert await client.frame() == (Opcode.PONG, b"at the end")


async def test_a_flood_is_held_up() -> None:
    """A client that floods a paused owner is stopped by its own socket."""
    async with serving() as rig, raw_client(rig) as client:
        owner = await rig.next_owner()
        owner.on_message = lambda data: owner.socket.pause_reading()
        flood = masked(Opcode.BINARY, b"x" * 1000) * 32_000
        client.writer.write(flood)
        assert await owner.next_told() == ("binary", b"x" * 1000)
        for _ in range(1000):
            await asyncio.sleep(0)
        assert owner.told.empty()
        unsent = client.writer.transport.get_write_buffer_size()
        # The rest is in the kernel, and at most one read of it here.
        assert len(flood) - unsent <= 12 * 2**20


async def test_closing_reads_on_whatever_was_paused() -> None:
    """A close by an owner that had paused reading still hears the peer's answer."""
    async with serving() as rig, connect(rig.url) as client:
        owner = await rig.next_owner()

        def pause_and_close(data: bytes) -> None:
            owner.socket.pause_reading()
            owner.socket.close(4029, "rate limit")
            owner.socket.pause_reading()

        owner.on_message = pause_and_close
        await client.send("one")
        await client.send("two")
        assert await closed(client) == (4029, "rate limit")
        assert await owner.next_told() == ("text", b"one")
        assert await owner.next_told() == ("closed", 4029, "rate limit", "gateway")


async def test_pings_and_pongs() -> None:
    """The owner's ping reaches the peer, its pong the owner; its pings are answered."""
    async with serving() as rig, connect(rig.url) as client:
        owner = await rig.next_owner()
        owner.socket.ping(b"17")
        assert await owner.next_told() == ("pong", b"17")
        await asyncio.wait_for(await client.ping(b"yours"), PATIENCE_SECONDS)


async def test_a_client_that_stops_reading() -> None:
    """Writing pauses in bounded memory, resumes, and every frame arrives, in order."""
    async with serving() as rig, raw_client(rig, receive_buffer_bytes=4096) as client:
        owner = await rig.next_owner()
        count = 0
        while not owner.socket.paused:
            owner.socket.write(text_frame(b"%08d" % count + b"." * 992))
            count += 1
            await asyncio.sleep(0)
        assert owner.socket.buffered_bytes <= transport.WRITE_HIGH_WATER_BYTES + 1024
        for number in range(count):
            assert (await client.frame())[1][:8] == b"%08d" % number
        assert await owner.next_told() == ("resumed",)
        assert not owner.socket.paused
        assert owner.told.empty()


async def test_a_flood_of_pings_is_bounded() -> None:
    """Who pings and does not read costs no memory, and gets its latest pong at last."""
    async with (
        serving(quotas=Quotas(control_frames=30_000)) as rig,
        raw_client(rig, receive_buffer_bytes=4096) as client,
    ):
        owner = await rig.next_owner()
        while not owner.socket.paused:
            owner.socket.write(text_frame(b"." * 1000))
            await asyncio.sleep(0)
        for number in range(20_000):
            await client.send(masked(Opcode.PING, b"%d" % number))
        await client.send(masked(Opcode.TEXT, b"done"))
        told = await owner.next_told()
        while told[0] != "text":
            told = await owner.next_told()
        assert owner.socket.buffered_bytes <= transport.WRITE_HIGH_WATER_BYTES + 1024
        opcode, payload = await client.frame()
        pongs = 0
        while (opcode, payload) != (Opcode.PONG, b"19999"):
            pongs += opcode == Opcode.PONG
            opcode, payload = await client.frame()
        assert pongs < 20_000


async def test_what_was_written_before_a_close_still_arrives() -> None:
    """A peer that reads on after all gets every frame, then the close."""
    async with serving() as rig, raw_client(rig, receive_buffer_bytes=4096) as client:
        owner = await rig.next_owner()
        count = 0
        while not owner.socket.paused:
            owner.socket.write(text_frame(b"." * 1000))
            count += 1
            await asyncio.sleep(0)
        owner.socket.close(4008, "did not read")
        for _ in range(count):
            assert (await client.frame())[0] == Opcode.TEXT
        assert await client.close_code() == 4008
        await client.send(masked(Opcode.CLOSE, b"\x0f\xa8"))
        assert await client.at_end()
        assert await owner.next_told() == ("closed", 4008, "did not read", "gateway")
        assert owner.told.empty()


async def test_pressure_after_a_close_is_not_told() -> None:
    """A buffer that fills or drains while closing is no news for the owner."""
    async with serving() as rig, raw_client(rig):
        owner = await rig.next_owner()
        owner.socket.close(1000)
        owner.socket.pause_writing()
        owner.socket.resume_writing()
        assert owner.told.empty()
        owner.socket.abort()


async def test_many_pings_are_read_slowly() -> None:
    """So many a second are answered at once, more after a while; each is answered."""
    async with (
        serving(quotas=Quotas(control_frames=20)) as rig,
        raw_client(rig) as client,
    ):
        await client.send(masked(Opcode.PING, b"?") * 20)
        for _ in range(20):
            assert await client.frame() == (Opcode.PONG, b"?")
        owner = await rig.next_owner()
        assert owner.told.empty()
        await client.send(masked(Opcode.PING, b"!") * 20)
        for _ in range(20):
            assert await client.frame() == (Opcode.PONG, b"!")
        assert await owner.next_told() == ("limited",)


async def test_a_flood_of_pings_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is sent away after a time in which it was read slowly."""
    monkeypatch.setattr(control_frames, "PAUSES_SECONDS", 0.05)
    async with (
        serving(quotas=Quotas(control_frames=100)) as rig,
        raw_client(rig) as client,
    ):
        await client.send(masked(Opcode.PING, b"") * 500)
        assert await client.close_code() == 4029
