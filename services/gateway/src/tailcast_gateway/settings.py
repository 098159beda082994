"""The gateway's settings. Only `app` reads them; others get keyword arguments."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from tailcast_service.settings import ServiceSettings
from tailcast_service.values import (
    ByteSize,
    CommaList,
    Duration,
    SecretUrl,
    join_commas,
    split_commas,
)
from tailcast_streams.defaults import KEY_PREFIX, STEP_KEYS, TIME_KEYS
from tailcast_streams.keys import check_key_prefix


__all__ = ["GatewaySettings"]

KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE


def check_root_path(path: str) -> str:
    """The path without a slash at its end; it must begin with a slash or be empty."""
    if path and not path.startswith("/"):
        raise ValueError("begin it with a slash, as in /tailcast")
    return path.rstrip("/")


class GatewaySettings(ServiceSettings):
    """All settings of the gateway."""

    redis_url: SecretUrl
    """the broker: redis://, rediss:// or unix:// (`tailcast up` brings its own)"""

    key_prefix: Annotated[
        str, Field(min_length=1), AfterValidator(check_key_prefix)
    ] = KEY_PREFIX
    """first part of every key in the broker"""

    host: Annotated[str, Field(min_length=1)] = "localhost"
    """address to listen on; localhost is both 127.0.0.1 and ::1"""

    port: Annotated[int, Field(ge=1, le=65535)] = 5000
    """TCP port to listen on"""

    listen_fds: Annotated[
        tuple[Annotated[int, Field(ge=0)], ...],
        BeforeValidator(split_commas),
        PlainSerializer(join_commas),
    ] = ()
    """descriptors of sockets that listen there already, comma-separated"""

    root_path: Annotated[str, AfterValidator(check_root_path)] = ""
    """path below which a proxy serves the gateway, as in /tailcast"""

    allowed_origins: CommaList = ()
    """origins that may connect besides its own and loopback, comma-separated, or *"""

    max_connections: Annotated[int, Field(gt=0)] = 20_000
    """most connections of this replica; further ones are refused with 503"""

    max_message_bytes: Annotated[ByteSize, Field(ge=64 * KIBIBYTE)] = 256 * KIBIBYTE
    """longest message of a client; a longer one closes its connection with 1009"""

    max_subscriptions: Annotated[int, Field(gt=0)] = 1_000
    """most sessions and patterns that one connection may subscribe to"""

    ping_interval: Annotated[Duration, Field(gt=0, le=30)] = 20.0
    """how often an idle client is pinged, at most 30s"""

    pong_timeout: Annotated[Duration, Field(gt=0)] = 20.0
    """how long a client may take to answer a ping"""

    slow_timeout: Annotated[Duration, Field(gt=0)] = 300.0
    """how long a client's socket may accept no bytes"""

    drain_seconds: Duration = 10.0
    """time over which a shutdown closes connections, if there are other gateways"""

    compression: Literal["off", "deflate"] = "off"
    """`deflate` compresses frames for clients that offer it: more CPU, fewer bytes"""

    window_bytes: Annotated[ByteSize, Field(gt=0)] = 4 * MEBIBYTE
    """size of the recent entries that are kept in memory for each session"""

    step_keys: CommaList = STEP_KEYS
    """keys of a record's step; the first one that the record has is used"""

    time_keys: CommaList = TIME_KEYS
    """keys of a record's time; the first one that the record has is used"""
