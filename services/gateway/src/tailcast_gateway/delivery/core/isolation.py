"""Work for clients: what fails over one of them ends nothing else.

A task that works for all clients hands over each one's part in here. A client over
which work failed is told so and closed. That the broker is away is nobody's failure and
passes. No I/O, no clock.
"""

from collections.abc import Generator
from contextlib import contextmanager, suppress

from tailcast_gateway.delivery.core.channel import Client
from tailcast_gateway.protocol.close_codes import INTERNAL_ERROR
from tailcast_gateway.sessions.isolation import SessionIsolation
from tailcast_streams.exceptions import BrokerError


class Isolation(SessionIsolation):
    """Takes failures over clients, and over sessions; one for a replica."""

    @contextmanager
    def over(self, client: Client) -> Generator[None]:
        """What fails in here is this client's. BrokerError passes."""
        try:
            yield
        except BrokerError:
            raise
        except Exception as error:  # noqa: BLE001  # others must not suffer from it
            self.client_failed(client, error)

    def client_failed(self, client: Client, error: Exception) -> None:
        """Close a client's connection, which says why; nothing more is delivered."""
        client.is_closed = True
        self._instruments.defect("client", client.name or "", error)
        with suppress(Exception):
            client.socket.close(INTERNAL_ERROR.number, INTERNAL_ERROR.reason)
