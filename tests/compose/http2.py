"""Requests over HTTP/2 with headers that no library would send."""

import asyncio
from collections.abc import Sequence

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)
from h2.exceptions import ProtocolError

from tests.patience import PATIENCE_SECONDS


async def asked(
    port: int, headers: Sequence[tuple[str, str]], body: bytes = b""
) -> int | None:
    """The status of the answer to a request, given as it is; None if it is refused."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    connection = H2Connection(
        H2Configuration(
            validate_outbound_headers=False, normalize_outbound_headers=False
        )
    )
    connection.initiate_connection()
    connection.send_headers(1, headers, end_stream=not body)
    if body:
        connection.send_data(1, body, end_stream=True)
    writer.write(connection.data_to_send())
    status: int | None = None
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while data := await reader.read(65_536):
                for event in connection.receive_data(data):
                    if isinstance(event, ResponseReceived):
                        status = int(dict(event.headers)[b":status"])
                    if isinstance(event, StreamReset | ConnectionTerminated):
                        return None if event.error_code else status
                    if isinstance(event, StreamEnded):
                        return status
                writer.write(connection.data_to_send())
    except (ConnectionError, ProtocolError):
        pass
    finally:
        writer.close()
    return status
