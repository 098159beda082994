"""The rule about web pages of other origins.

Pure. A browser names the origin of its page in every handshake; other programs name
none. Without this rule, any web page that somebody in a private network opens could
read the telemetry of a gateway in that network.
"""

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit


EVERY_ORIGIN = "*"
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def is_origin_allowed(
    origin: str | None, *, host: str | None, scheme: str, allowed: Collection[str]
) -> bool:
    """Whether a handshake with this `Origin` header may go on.

    Args:
        origin: the header, None without one.
        host: the `Host` header, that is, how the client calls this server.
        scheme: the scheme of the request: http, https, ws or wss.
        allowed: the origins that the setting names, or `*`.
    """
    if origin is None or EVERY_ORIGIN in allowed:
        return True
    if origin.rstrip("/").lower() in {one.rstrip("/").lower() for one in allowed}:
        return True
    there = _place(origin)
    if there is None:
        return False
    if is_loopback(there[0]):
        return True
    return host is not None and there == _place(f"{scheme}://{host}")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _place(url: str) -> tuple[str, int | None] | None:
    """Host and port of a URL; http and https are one place, as behind a proxy."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        return None
    is_default = port is None or port in (80, 443)
    return parts.hostname, None if is_default else port
