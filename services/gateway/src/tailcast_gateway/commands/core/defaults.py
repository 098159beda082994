"""What a connection's address says in place of its client's `subscribe` messages.

Pure. So a client that cannot be changed gets what its address asks for. The address is
read in `http`.
"""

from typing import NamedTuple

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from tailcast_gateway.protocol.client_messages import From, Subscribe


class Defaults(NamedTuple):
    """The fields of each `subscribe` that has them not, and replaces the one before."""

    session_id: str | None = None
    start: str | From | UnsetType = UNSET
    metrics: list[str] | UnsetType = UNSET
    emergencies: int | UnsetType = UNSET

    def filled(self, message: Subscribe) -> Subscribe:
        """A `subscribe` with what it does not say itself."""
        if message.add:
            return message
        session = message.session_id
        if session is None and message.session_ids is None:
            session = self.session_id
        start, metrics = message.from_, message.metrics
        emergencies = message.emergencies
        if start is UNSET and message.replay is None:
            start = self.start
        if metrics is UNSET:
            metrics = self.metrics
        if emergencies is UNSET:
            emergencies = self.emergencies
        return replace(
            message,
            session_id=session,
            from_=start,
            metrics=metrics,
            emergencies=emergencies,
        )


NO_DEFAULTS = Defaults()
