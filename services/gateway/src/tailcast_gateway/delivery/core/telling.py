"""Encoding that never fails: an entry that cannot be encoded becomes a gap.

Pure. If the frames of several entries cannot be made, the entries are halved until the
bad one is found. So an entry that some encoding cannot hold does not keep the others
from the clients. The frames themselves are made in `encoding`.
"""

from collections.abc import Callable, Sequence

from tailcast_gateway.delivery.core.encoding import SessionEncoder, documents
from tailcast_gateway.protocol.wires import Wire
from tailcast_gateway.views.subscription import Subscription
from tailcast_gateway.views.view import PLAIN, View
from tailcast_streams.entries import Entry
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.position import Cursor


# The reason in a gap that replaces such an entry.
UNREADABLE_GAP = "unreadable"

# Called with the session and the error of an entry that cannot be encoded.
OnUntold = Callable[[str, Exception], object]


class CarefulEncoder(SessionEncoder):
    """Makes the frames of one session for one wire, whatever its entries hold."""

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
        """Like `SessionEncoder.frames`, but never fails."""
        try:
            return super().frames(
                entries, previous, view, replayed=replayed, counts=counts
            )
        except Exception as error:  # noqa: BLE001  # the others are sent
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
        """Like `SessionEncoder.announcement`; empty if it cannot be encoded."""
        try:
            return super().announcement(entry)
        except Exception as error:  # noqa: BLE001  # a gap comes in its place
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
    """Like `encoding.documents`, but never fails."""
    frames: list[bytes] = []
    for entry in entries:
        try:
            frames.append(
                documents([entry], subscription, wire, with_history=with_history)
            )
        except Exception as error:  # noqa: BLE001  # the others are sent
            on_untold(EMERGENCIES, error)
            encoder = SessionEncoder(EMERGENCIES, wire)
            since = Cursor(entry.previous, 0)
            frames.append(encoder.gap(since, entry.cursor, reason=UNREADABLE_GAP))
    return b"".join(frames)
