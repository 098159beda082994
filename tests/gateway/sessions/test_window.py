from tailcast_gateway.sessions.core.window import Window
from tailcast_streams.entries import ENTRY_OVERHEAD_BYTES
from tailcast_streams.position import NOTHING
from tests.gateway.entries import chain, cursor, id_of, marker


def test_what_follows_a_cursor() -> None:
    """From its base, from an entry, from its end: what comes after, in order."""
    entries = [marker(), *chain(10, 20, 30)]
    window = Window(NOTHING, max_bytes=10_000)
    window.extend(entries)
    assert len(window) == 4
    assert window.end == cursor("1-30")
    assert window.after(NOTHING, max_bytes=10_000) == entries
    assert window.after(cursor("1-10"), max_bytes=10_000) == entries[2:]
    assert window.after(cursor("1-30"), max_bytes=10_000) == []


def test_slices_are_bounded_and_never_empty() -> None:
    """A slice ends with the entry that reaches the bound."""
    window = Window(NOTHING, max_bytes=10_000)
    window.extend(chain(10, 20, 30))
    assert window.after(NOTHING, max_bytes=1) == chain(10)


def test_a_cursor_is_proved_by_its_digest() -> None:
    """The same ID with another record, or between two entries, proves nothing."""
    window = Window(cursor("1-5"), max_bytes=10_000)
    window.extend(chain(10, 20, previous="1-5"))
    assert window.proves(cursor("1-5"))
    assert window.proves(cursor("1-10"))
    assert window.proves(cursor("1-20"))
    assert not window.proves(cursor("1-10", b"other"))
    assert not window.proves(cursor("1-15"))
    assert not window.proves(cursor("1-25"))


def test_eviction_from_the_front() -> None:
    """The oldest go; the base moves to the last that went."""
    window = Window(NOTHING, max_bytes=3 * (ENTRY_OVERHEAD_BYTES + 8))
    window.extend(chain(*range(10, 100, 10)))
    assert window.base == cursor("1-60")
    assert window.after(window.base, max_bytes=1_000)[0].id.offset == 70
    assert window.size_bytes == 3 * (ENTRY_OVERHEAD_BYTES + 8)
    window.shrink(0)
    assert (len(window), window.base) == (0, window.end)
    window.shrink(0)
    assert window.proves(cursor("1-90"))


def test_the_last_place_up_to_an_id() -> None:
    """An entry, or the one before; the base before all; none below it."""
    window = Window(cursor("1-5"), max_bytes=10_000)
    window.extend(chain(10, 20, previous="1-5"))
    assert window.last_up_to(id_of("1-15")) == cursor("1-10")
    assert window.last_up_to(id_of("1-20")) == cursor("1-20")
    assert window.last_up_to(id_of("1-7")) == cursor("1-5")
    assert window.last_up_to(id_of("1-4")) is None


def test_evicted_entries_are_let_go() -> None:
    """After many evictions the list is no longer than what it keeps."""
    window = Window(NOTHING, max_bytes=2 * (ENTRY_OVERHEAD_BYTES + 20))
    for entry in chain(*range(1_000, 4_000)):
        window.extend([entry])
    assert len(window._entries) < 1_100
