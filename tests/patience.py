"""How long tests wait on a machine that is busy with other things.

Patience costs nothing while all is well: what is waited for comes at once. The services
have less of it with their broker, and would tell their clients that it is away; in this
process they are as patient as the tests, and so are the clients that tests have.

A client of the library websockets takes nothing from its socket while more frames lie
unread than `max_queue` says, and the answer to its close frame lies behind those: it
would wait in vain until its patience is over, and then end as if nothing had been. Here
it reads on from the moment that it closes.
"""

import sys
from typing import Any

import websockets.asyncio.client
import websockets.sync.client
from httpx import _config as of_httpx
from websockets.asyncio.connection import Connection
from websockets.sync.connection import Connection as SyncConnection

from tailcast_streams.redis import connection
from tests.promptness import put


# A wait that takes longer is a failure, not slowness.
PATIENCE_SECONDS = 150.0


def be_patient_with_brokers() -> None:
    """A broker that takes its time is there."""
    put(connection, "CONNECT_TIMEOUT", PATIENCE_SECONDS)
    put(connection, "REPLY_TIMEOUT", PATIENCE_SECONDS)


def let_clients_be_patient() -> None:
    """A service that takes its time is there, too."""
    for name in ("connect", "read", "write", "pool"):
        setattr(of_httpx.DEFAULT_TIMEOUT_CONFIG, name, PATIENCE_SECONDS)
    for connect in (
        websockets.asyncio.client.connect.__init__,
        websockets.sync.client.connect,
    ):
        defaults = connect.__kwdefaults__
        assert defaults is not None
        for name in ("open_timeout", "ping_timeout", "close_timeout"):
            defaults[name] = PATIENCE_SECONDS


def read_on_while_closing() -> None:
    """A client that has not read everything hears that its goodbye was heard."""
    close, close_sync = Connection.close, SyncConnection.close

    async def read_and_close(connection: Connection, *args: Any, **more: Any) -> None:
        messages = connection.recv_messages
        messages.high = messages.low = sys.maxsize
        messages.maybe_resume()
        await close(connection, *args, **more)

    def read_and_close_sync(
        connection: SyncConnection, *args: Any, **more: Any
    ) -> None:
        messages = connection.recv_messages
        with messages.mutex:
            messages.high = messages.low = sys.maxsize
            messages.maybe_resume()
        close_sync(connection, *args, **more)

    put(Connection, "close", read_and_close)
    put(SyncConnection, "close", read_and_close_sync)
