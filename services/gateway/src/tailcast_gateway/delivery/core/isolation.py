"""Confines a failure to the one client that was served when it happened.

A task that works for all clients does the part of each client inside `over`. If that
fails, only this client is told and closed. An absent broker is not the fault of any
client, so `BrokerError` passes through. No I/O, no clock.
"""

from collections.abc import Generator
from contextlib import contextmanager, suppress

from tailcast_gateway.delivery.core.channel import Client
from tailcast_gateway.protocol.close_codes import INTERNAL_ERROR
from tailcast_gateway.sessions.isolation import SessionIsolation
from tailcast_streams.exceptions import BrokerError


class Isolation(SessionIsolation):
    """Handles failures over clients and over sessions; one for a replica."""

    @contextmanager
    def over(self, client: Client) -> Generator[None]:
        """Close this client if something fails in here. BrokerError passes."""
        try:
            yield
        except BrokerError:
            raise
        except Exception as error:  # noqa: BLE001  # other clients are not affected
            self.client_failed(client, error)

    def client_failed(self, client: Client, error: Exception) -> None:
        """Close a client's connection with the reason; deliver nothing more to it."""
        client.is_closed = True
        self._instruments.defect(
            "client", client.name or "", error, connection=client.id
        )
        with suppress(Exception):
            client.socket.close(INTERNAL_ERROR.number, INTERNAL_ERROR.reason)
