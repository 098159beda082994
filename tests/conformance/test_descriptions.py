"""What is said of a session besides its records, on every broker."""

from tailcast_streams.descriptions import Description
from tests.conformance.batches import first_batch, position
from tests.conformance.conftest import Adapter
from tests.hints import heard_of


SESSION = "a {b}"
TOLD = {"header": b'{"run":"a"}', "file:config.json": b'{"lr":"\xc3\xa9"}'}


async def described(adapter: Adapter) -> Description:
    """What is stored of the session, and nothing of others."""
    none, found, nothing = await adapter.descriptions.load(["none", SESSION, ""])
    assert none == nothing == Description()
    return found


async def test_what_is_told_takes_the_place_of_what_was_told(adapter: Adapter) -> None:
    """Of a session that is there, in its present life; edits stay."""
    descriptions = adapter.descriptions
    batch = first_batch(session=SESSION)
    assert not await descriptions.tell(SESSION, batch.incarnation, TOLD)
    assert not await descriptions.edit(SESSION, {"notes": b"x"})
    assert await described(adapter) == Description()
    await adapter.append(batch)
    assert await descriptions.tell(SESSION, batch.incarnation, TOLD)
    assert await descriptions.edit(SESSION, {"notes": b"x", "pinned": b"1"})
    assert not await descriptions.tell(SESSION, "another", {"header": b"{}"})
    edits = {"notes": b"x", "pinned": b"1"}
    assert await described(adapter) == Description(TOLD, edits)
    assert await descriptions.tell(SESSION, batch.incarnation, {"header": b"{}"})
    assert await described(adapter) == Description({"header": b"{}"}, edits)
    assert await descriptions.tell(SESSION, batch.incarnation, {})
    assert await described(adapter) == Description({}, edits)


async def test_edits_are_kept_until_they_are_taken_away(adapter: Adapter) -> None:
    """Each for itself; gateways are told."""
    await adapter.append(first_batch(session=SESSION))
    descriptions = adapter.descriptions
    async with heard_of(adapter) as payloads:
        await descriptions.edit(SESSION, {"notes": b"x", "tags": b'["a"]'})
        assert await anext(payloads) == f"!edited:{SESSION}"
    await descriptions.edit(SESSION, {"notes": b"", "pinned": b"1"})
    edits = {"tags": b'["a"]', "pinned": b"1"}
    assert await described(adapter) == Description({}, edits)
    await descriptions.edit(SESSION, {"pinned": b"", "tags": b"", "other": b""})
    assert await described(adapter) == Description()


async def test_they_go_with_their_session(adapter: Adapter) -> None:
    """What people said stays if it is only made anew."""
    batch = first_batch(session=SESSION)
    for keeps, edits in ((True, {"notes": b"x"}), (False, {})):
        await adapter.append(batch)
        await adapter.descriptions.tell(SESSION, batch.incarnation, TOLD)
        await adapter.descriptions.edit(SESSION, {"notes": b"x"})
        seen = await position(adapter, SESSION)
        assert await adapter.discard(SESSION, seen, keeps_edits=keeps)
        assert await described(adapter) == Description({}, edits)
