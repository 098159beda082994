"""What can be told is told: an entry that cannot be is a gap in its place.

Pure. A frame that cannot be made is halved down to the entry over which it fails, so
that one entry which some encoding cannot hold keeps no other from anybody. What never
lives here: what frames look like (`encoding`).
"""

from collections.abc import Callable, Sequence

from tailcast_gateway.delivery.core.encoding import SessionEncoder, documents
from tailcast_gateway.protocol.wires import Wire
from tailcast_gateway.views.subscription import Subscription
from tailcast_gateway.views.view import PLAIN, View
from tailcast_streams.entries import Entry
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import Cursor


# What a gap says that stands for such an entry.
UNREADABLE_GAP = "unreadable"

# Is told of an entry that could not be told.
OnUntold = Callable[[str, Exception], object]


class CarefulEncoder(SessionEncoder):
    """Makes the frames of one session for one wire, whatever its entries are."""

    __slots__ = ("_on_untold",)

    def __init__(self, session: str, wire: Wire, on_untold: OnUntold) -> None:
        super().__init__(session, wire)
        self._on_untold = on_untold

    def frames(
        self,
        entries: Sequence[Entry],
        previous: Cursor,
        view: View = PLAIN,
        *,
        replayed: bool = False,
        counts: Sequence[int] | None = None,
    ) -> bytes:
        """As `SessionEncoder.frames`; never fails."""
        try:
            return super().frames(
                entries, previous, view, replayed=replayed, counts=counts
            )
        except Exception as error:  # noqa: BLE001  # the others are told
            if len(entries) == 1:
                self._on_untold(self.session, error)
                return self.gap(previous, entries[0].cursor, reason=UNREADABLE_GAP)
        middle = len(entries) // 2
        before = None if counts is None else counts[:middle]
        after = None if counts is None else counts[middle:]
        return self.frames(
            entries[:middle], previous, view, replayed=replayed, counts=before
        ) + self.frames(
            entries[middle:],
            entries[middle - 1].cursor,
            view,
            replayed=replayed,
            counts=after,
        )

    def announcement(self, entry: Entry) -> bytes:
        """As `SessionEncoder.announcement`; nothing where it comes as a gap."""
        try:
            return super().announcement(entry)
        except Exception as error:  # noqa: BLE001  # it is told in its place
            self._on_untold(self.session, error)
            return b""


def told_documents(
    entries: Sequence[Entry],
    subscription: Subscription,
    wire: Wire,
    on_untold: OnUntold,
    *,
    with_history: bool,
) -> bytes:
    """As `encoding.documents`; never fails."""
    frames: list[bytes] = []
    for entry in entries:
        try:
            frames.append(
                documents([entry], subscription, wire, with_history=with_history)
            )
        except Exception as error:  # noqa: BLE001  # the others are told
            on_untold(EMERGENCIES, error)
            encoder = SessionEncoder(EMERGENCIES, wire)
            since = Cursor(entry.previous, 0)
            frames.append(encoder.gap(since, entry.cursor, reason=UNREADABLE_GAP))
    return b"".join(frames)
