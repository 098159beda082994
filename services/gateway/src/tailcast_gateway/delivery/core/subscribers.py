"""The clients that are subscribed to a session, found by its name.

No I/O and no clock. Clients that named a session are found directly; only clients with
globs are searched one by one.
"""

from collections.abc import Iterator

from tailcast_gateway.delivery.core.channel import Client
from tailcast_gateway.views.subscription import Subscription


class Subscribers:
    """All clients that have a subscription."""

    def __init__(self) -> None:
        # All clients that have a subscription.
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
        """Replace a client's subscription; a client with an empty one is dropped."""
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
