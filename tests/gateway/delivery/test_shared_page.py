"""What readers of one page share."""

from tailcast_gateway.delivery.core.encoding import SessionEncoder
from tailcast_gateway.delivery.core.shared_page import SharedPage
from tailcast_gateway.protocol.wires import JSON, MSGPACK
from tailcast_gateway.views.view import PLAIN, View
from tailcast_streams.position import BEGINNING_CURSOR
from tests.gateway.entries import chain, id_of


def page(*offsets: int) -> SharedPage:
    """A page of these records."""
    return SharedPage.of_window(BEGINNING_CURSOR, chain(*offsets))


def test_frames_are_made_once_for_each_way_of_telling_them() -> None:
    """A wire, a view, and whether they are replayed."""
    one, encoder = page(10, 20), SessionEncoder("a", JSON)
    first = one.frames(encoder, PLAIN, replayed=True)
    assert one.frames(SessionEncoder("a", JSON), PLAIN, replayed=True) is first
    others = [
        one.frames(encoder, PLAIN, replayed=False),
        one.frames(encoder, View(max_points=2), replayed=True),
        one.frames(SessionEncoder("a", MSGPACK), PLAIN, replayed=True),
    ]
    assert all(other is not first for other in others)
    assert others[0] == encoder.frames(chain(10, 20), BEGINNING_CURSOR)
    assert first == encoder.frames(chain(10, 20), BEGINNING_CURSOR, replayed=True)


def test_who_stands_before_one_end_shares_a_page_up_to_it() -> None:
    """Without what is beyond; another end has another one."""
    one = page(10, 20, 30)
    part = one.up_to(id_of("1-20"))
    assert part.entries == chain(10, 20)
    assert (part.cursor, part.continuity) == (one.cursor, one.continuity)
    assert one.up_to(id_of("1-20")) is part
    assert one.up_to(id_of("1-15")).entries == chain(10)


def test_a_page_before_the_end_is_all_of_it() -> None:
    """As is one without entries."""
    one, empty = page(10, 20), page()
    assert one.up_to(id_of("1-20")) is one
    assert empty.up_to(id_of("1-20")) is empty


def test_the_beginning_of_a_page() -> None:
    """So many bytes and the rest of a record; all of it where that is enough."""
    one = page(10, 20, 30)
    assert one.first(1).entries == chain(10)
    assert one.first(8).entries == chain(10)
    assert one.first(9).entries == chain(10, 20)
    assert one.first(17) is one
    assert one.first(10_000) is one
    part = one.first(1)
    assert (part.cursor, part.continuity) == (one.cursor, one.continuity)
