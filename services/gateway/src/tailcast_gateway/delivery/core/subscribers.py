"""The clients that are subscribed to a session, found by its name.

No I/O and no clock. Clients that named a session are found at once; only clients with
globs are looked through.
"""

from collections.abc import Iterator

from tailcast_gateway.delivery.core.channel import Client
from tailcast_gateway.views.subscription import Subscription


class Subscribers:
    """Clients with any subscription."""

    def __init__(self) -> None:
        # All clients with any subscription.
        self._all: dict[Client, None] = {}
        # The clients that named a session, by its name; it need not be watched.
        self.named: dict[str, dict[Client, None]] = {}
        # The clients whose subscription has globs.
        self.broad: dict[Client, None] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Client]:
        return iter(self._all)

    def install(self, client: Client, subscription: Subscription) -> None:
        """Replace the subscription of a client; one without any is not kept."""
        for session in client.subscription.literals():
            self.named[session].pop(client)
            if not self.named[session]:
                del self.named[session]
        self.broad.pop(client, None)
        self._all.pop(client, None)
        client.subscription = subscription
        for session in subscription.literals():
            self.named.setdefault(session, {})[client] = None
        if subscription:
            self._all[client] = None
        if subscription.has_globs():
            self.broad[client] = None

    def of(self, session: str) -> Iterator[Client]:
        """The clients that are subscribed to a session."""
        named = self.named.get(session, {})
        yield from named
        for client in self.broad:
            if client not in named and client.subscription.matches(session):
                yield client
