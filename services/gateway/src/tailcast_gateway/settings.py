"""The gateway's settings. Only `app` reads them; others get keyword arguments."""

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from tailcast_gateway.limits import DEFAULT_QUOTAS
from tailcast_service.settings import ServiceSettings
from tailcast_service.values import (
    ByteSize,
    CommaList,
    Duration,
    SecretText,
    SecretUrl,
    join_commas,
    split_commas,
)
from tailcast_streams.client_cursors import ClientBounds
from tailcast_streams.defaults import KEY_PREFIX, STEP_KEYS, TIME_KEYS
from tailcast_streams.keys import check_key_prefix


__all__ = ["AuthSettings", "GatewaySettings"]

KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE


def check_root_path(path: str) -> str:
    """The path without a slash at its end; it must begin with a slash or be empty."""
    if path and not path.startswith("/"):
        raise ValueError("begin it with a slash, as in /tailcast")
    return path.rstrip("/")


def check_hosts(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of hosts, with or without a port; none is an address to open."""
    if any(set("/@ ") & set(name) for name in names):
        raise ValueError("write hosts as runs.example.org, *.example.org or *")
    return names


def check_proxies(names: tuple[str, ...]) -> tuple[str, ...]:
    """The addresses and networks of proxies."""
    for name in names:
        try:
            ipaddress.ip_network(name, strict=False)
        except ValueError:
            text = f"{name} is no address: write them as 10.0.0.7 or 10.0.0.0/8"
            raise ValueError(text) from None
    return names


def check_header(name: str) -> str:
    """The name of a header, or nothing."""
    if name and not re.fullmatch("[A-Za-z0-9-]+", name):
        raise ValueError("write a header as X-Forwarded-User: letters and hyphens")
    return name


class AuthSettings(ServiceSettings):
    """What says who may read; `tailcast token` has it too."""

    auth: CommaList = ("auto",)
    """who may read: auto, none, or of token, jwt and proxy those that may say it

    [Security](security.md) has what each means. `auto` is what is set of these,
    `none` on loopback, and no start elsewhere
    """

    auth_token: SecretText = ""
    """the token that all clients share, of 32 characters or more

    Two with a comma between them while it is changed
    """

    auth_timeout: Annotated[Duration, Field(gt=0)] = 10.0
    """how long a connection has to say who it is

    Then it is closed with 4401
    """

    auth_default_sessions: CommaList = ("*",)
    """sessions that may be read where a JWT or a proxy names none

    Patterns with commas between them
    """

    jwt_key: SecretText = ""
    """what JWTs are checked with: a secret of 32 bytes or more, or a public key

    The key, or a certificate with it, as PEM
    """

    jwt_jwks_url: str = ""
    """address of the issuer's keys, in place of one key; it needs issuer, audience

    [How they are read](security.md#keys-of-an-issuer)
    """

    jwt_issuer: str = ""
    """the `iss` that a JWT must have"""

    jwt_audience: str = ""
    """the `aud` that a JWT must have

    Without it a JWT must have none
    """

    jwt_sessions_claim: Annotated[str, Field(min_length=1)] = "sessions"
    """the claim of a JWT that lists the sessions which may be read, as patterns"""

    jwt_max_lifetime: Annotated[Duration, Field(gt=0)] = 86_400.0
    """how long a JWT may be valid; one that is valid for longer does not count"""

    proxy_user_header: Annotated[str, AfterValidator(check_header)] = ""
    """the header with which a trusted proxy says who asks, as X-Forwarded-User

    [A proxy that signs people in](security.md#a-proxy-that-signs-people-in)
    """

    proxy_sessions_header: Annotated[str, AfterValidator(check_header)] = ""
    """the header in which it lists the sessions which may be read, as patterns"""

    @property
    def given_modes(self) -> frozenset[str]:
        """The modes for which a secret or a key is set, or where keys are."""
        given = {
            "token": self.auth_token,
            "jwt": self.jwt_key or self.jwt_jwks_url,
            "proxy": self.proxy_user_header,
        }
        return frozenset(mode for mode, value in given.items() if value)


class GatewaySettings(AuthSettings):
    """All settings of the gateway."""

    redis_url: SecretUrl
    """the broker: redis://, rediss:// or unix:// (`tailcast up` brings its own)"""

    key_prefix: Annotated[
        str, Field(min_length=1), AfterValidator(check_key_prefix)
    ] = KEY_PREFIX
    """first part of every key in the broker

    So several installations share one
    """

    host: Annotated[str, Field(min_length=1)] = "localhost"
    """address to listen on; localhost is both 127.0.0.1 and ::1

    `0.0.0.0` in the image
    """

    port: Annotated[int, Field(ge=1, le=65535)] = 5000
    """TCP port to listen on

    With Compose it is the balancer's on this machine
    """

    listen_fds: Annotated[
        tuple[Annotated[int, Field(ge=0)], ...],
        BeforeValidator(split_commas),
        PlainSerializer(join_commas),
    ] = ()
    """descriptors of sockets that listen there already, comma-separated

    `tailcast up` sets it, so that whoever connects while the gateway is started
    anew waits for it; not for containers
    """

    root_path: Annotated[str, AfterValidator(check_root_path)] = ""
    """path below which a proxy serves the gateway, as in /tailcast"""

    allowed_hosts: Annotated[CommaList, AfterValidator(check_hosts)] = ()
    """names by which it may be called, comma-separated: those, *.example.org, or *

    They come besides loopback, addresses, `TAILCAST_HOST` and the machine's name.
    `*.example.org` is all below it, `*` is all, and a port has no meaning. With
    Compose, `gateway` and `lb` are allowed too. [Why](#a-client-cannot-connect)
    """

    allowed_origins: CommaList = ()
    """origins that may connect besides its own, comma-separated, or loopback, or *

    They are those of web pages; `*` is all, and only without `TAILCAST_AUTH`. Pages
    of loopback (a front end on port 5173) may too if they call it by loopback and
    come from there; with `loopback`, which is the default with Compose, wherever
    they come from
    """

    publish: str = ""
    """address at which others reach it, if that is not what it listens on

    With Compose it is the balancer's, 127.0.0.1
    """

    tls_cert: str = ""
    """file of its certificate and those above it, as PEM: it then speaks TLS

    It looks each minute whether the file was renewed
    """

    tls_key: str = ""
    """file of the private key of its certificate, as PEM"""

    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """port of the metrics alone; 0: they are at `/metrics` of its own, without auth"""

    max_connections: Annotated[int, Field(gt=0)] = 20_000
    """most TCP connections of this replica; further ones are refused with 503

    They count whatever they are for; event streams are told when to come again. 64
    beyond that are answered so, and asked for health and metrics; what is more is
    closed at once
    """

    max_connections_per_address: Annotated[int, Field(gt=0)] = (
        DEFAULT_QUOTAS.connections_per_address
    )
    """most connections of one address, or of one /64 of IPv6; refused with 429

    Behind a proxy all have its address, unless `TAILCAST_TRUSTED_PROXIES` has it.
    64 beyond that are answered so; what is more is closed at once
    """

    max_connections_per_subject: Annotated[int, Field(gt=0)] = (
        DEFAULT_QUOTAS.connections_per_subject
    )
    """most connections of one subject of tokens; further ones are refused with 429

    They are WebSockets and event streams of one `sub` of JWTs. Who says who it is
    in a message is closed with 4029 instead. A token may [allow
    fewer](security.md#jwts)
    """

    connection_rate: Annotated[float, Field(gt=0)] = DEFAULT_QUOTAS.connection_rate
    """new connections of one address in a second; further ones are refused with 429

    They are told when to come again
    """

    connection_burst: Annotated[int, Field(gt=0)] = DEFAULT_QUOTAS.connection_burst
    """new connections of one address at once"""

    memory_watermark: Annotated[float, Field(gt=0, le=1)] = 0.85
    """share of its control group's memory from which on it takes no connections

    They are refused with 503, and an eighth of the windows is kept. Without a
    container's limit there is none
    """

    handshake_timeout: Annotated[Duration, Field(gt=0)] = 10.0
    """how long a connection may take from its accept to the end of its headers

    Each later request may take as long from its first byte. Then it is answered
    408, or closed if it has said nothing
    """

    max_header_bytes: Annotated[ByteSize, Field(ge=1 * KIBIBYTE)] = 16 * KIBIBYTE
    """longest headers of a request; longer ones are refused with 431

    32 KiB of cookies may come on top, and there may be 100 headers
    """

    trusted_proxies: Annotated[CommaList, AfterValidator(check_proxies)] = ()
    """addresses and networks, comma-separated, whose X-Forwarded headers count

    They are those of proxies whose word counts (`10.0.0.0/8`): their
    `X-Forwarded-For`, `X-Forwarded-Proto`, and who asks. `X-Forwarded-For` is read
    from the right, up to the first address that is none of these; of nobody else
    are they believed. With Compose these are the private networks: its balancer
    passes on nothing that clients say of their address
    """

    max_message_bytes: Annotated[ByteSize, Field(ge=64 * KIBIBYTE)] = 256 * KIBIBYTE
    """longest message of a client; a longer one closes its connection with 1009

    At least 64 KiB
    """

    max_subscriptions: Annotated[int, Field(gt=0)] = DEFAULT_QUOTAS.subscriptions
    """most sessions and patterns that one connection may subscribe to"""

    max_pattern_characters: Annotated[int, Field(gt=0)] = (
        DEFAULT_QUOTAS.pattern_characters
    )
    """most characters that its patterns may have together"""

    max_wildcards: Annotated[int, Field(gt=0)] = DEFAULT_QUOTAS.wildcards
    """most wildcards that its patterns may have together

    These are `*` and `?`
    """

    max_watched_sessions: Annotated[int, Field(gt=0)] = DEFAULT_QUOTAS.watched_sessions
    """most sessions that all connections of this replica may watch

    What is not wanted any more counts for ten seconds. A session that comes later,
    and that somebody waits for, is watched all the same
    """

    max_unborn_sessions: Annotated[int, Field(gt=0)] = DEFAULT_QUOTAS.unborn_sessions
    """most of these that do not exist yet"""

    command_rate: Annotated[float, Field(gt=0)] = DEFAULT_QUOTAS.command_rate
    """cost of one connection's messages in a second: a heartbeat 1, a query 10

    [What each costs](protocol.md#how-much-a-client-may-send)
    """

    command_burst: Annotated[int, Field(ge=10)] = DEFAULT_QUOTAS.command_burst
    """cost of one connection's messages at once"""

    max_invalid_messages: Annotated[int, Field(gt=0)] = DEFAULT_QUOTAS.invalid_messages
    """most messages of one connection that are none, in ten seconds

    One more closes it with 4400
    """

    max_control_frames: Annotated[int, Field(gt=0)] = DEFAULT_QUOTAS.control_frames
    """most pings, and pongs that nothing asked for, of one connection in a second"""

    max_replays: Annotated[int, Field(gt=0)] = DEFAULT_QUOTAS.replays
    """most replays that have a page in memory; others wait for theirs

    Each gets its next page after those that wait
    """

    max_exports: Annotated[int, Field(gt=0)] = DEFAULT_QUOTAS.exports
    """most answers of lines at the same time; further ones are refused with 429"""

    max_exports_per_subject: Annotated[int, Field(gt=0)] = (
        DEFAULT_QUOTAS.exports_per_subject
    )
    """the same of one subject of JWTs"""

    max_named_clients: Annotated[int, Field(gt=0)] = ClientBounds().clients
    """most clients that name themselves of which the broker keeps where they are

    [How they are kept](protocol.md#clients-that-name-themselves); it is the same at
    all gateways
    """

    max_named_client_bytes: Annotated[ByteSize, Field(ge=1 * KIBIBYTE)] = (
        ClientBounds().bytes_of_one
    )
    """size of what is kept of one of them; beyond that some of its sessions go

    It is its sessions' names and cursors, some 1,400 sessions with names of 30
    characters. Sessions that went come again from their beginning
    """

    max_named_bytes: Annotated[ByteSize, Field(ge=64 * KIBIBYTE)] = (
        ClientBounds().bytes_of_all
    )
    """size of what is kept of all of them; beyond that those unused for longest go"""

    ping_interval: Annotated[Duration, Field(gt=0, le=30)] = 20.0
    """how often an idle client is pinged, at most 30s"""

    pong_timeout: Annotated[Duration, Field(gt=0)] = 20.0
    """how long a client may take to answer a ping

    Then it is closed with 4012
    """

    slow_timeout: Annotated[Duration, Field(gt=0)] = 300.0
    """how long a client's socket may accept no bytes

    Then it is closed with 4008
    """

    drain_seconds: Duration = 10.0
    """the longest that a shutdown takes its time to close connections

    If there are other gateways, and thousands of clients; a few are closed at once
    """

    compression: Literal["off", "deflate"] = "off"
    """`deflate` compresses frames for clients that offer it: more CPU, fewer bytes"""

    window_bytes: Annotated[ByteSize, Field(gt=0)] = 4 * MEBIBYTE
    """size of the recent entries that are kept in memory for each session"""

    step_keys: CommaList = STEP_KEYS
    """keys of a record's step; the first one that the record has is used"""

    time_keys: CommaList = TIME_KEYS
    """keys of a record's time; the first one that the record has is used"""
