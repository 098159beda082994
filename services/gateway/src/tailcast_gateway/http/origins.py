"""The rule about web pages of other origins.

Pure. A browser names the origin of its page in every handshake; other programs name
none. Without this rule, any web page that somebody in a private network opens could
read the telemetry of a gateway in that network.
"""

from collections.abc import Collection, Mapping

from tailcast_gateway.http.core.hosts import (
    Authority,
    authority_in,
    host_in,
    is_loopback,
)


EVERY_ORIGIN = "*"
# All origins on the machine of a browser that calls the gateway by loopback.
LOOPBACK_ORIGINS = "loopback"
_SCHEMES = ("http", "https", "ws", "wss")
_DEFAULT_PORTS = (80, 443)
_OTHER_SITES = frozenset({"same-site", "cross-site"})
_FRAMES = frozenset({"iframe", "frame", "object", "embed", "fencedframe"})


def is_origin_allowed(
    origin: str | None,
    *,
    host: str,
    peer: str | None,
    scheme: str,
    allowed: Collection[str],
) -> bool:
    """Whether a handshake with this `Origin` header may go on.

    A page on the machine of the gateway may connect from there, as while somebody works
    on it. A loopback origin says nothing about where a page is if the gateway is called
    by a name, and nothing about who asks if the request came from elsewhere.

    Args:
        origin: the header, None without one.
        host: the `Host` header, that is, how the client calls this server; it is one
            that is allowed.
        peer: the address from which the request came; None if it has none.
        scheme: the scheme of the request: http, https, ws or wss.
        allowed: the origins that the setting names, `*`, or `loopback` for those of
            loopback wherever the request came from, as behind a proxy.
    """
    if origin is None or EVERY_ORIGIN in allowed:
        return True
    if origin.rstrip("/").lower() in {one.rstrip("/").lower() for one in allowed}:
        return True
    there = _authority(origin)
    if there is None:
        return False
    if there == _authority(f"{scheme}://{host}"):
        return True
    if not is_loopback(there.host) or not is_loopback(host_in(host) or ""):
        return False
    return LOOPBACK_ORIGINS in allowed or (peer is not None and is_loopback(peer))


def is_own_origin(origin: str, *, host: str, scheme: str) -> bool:
    """Whether an `Origin` header is of a page that this very server has sent."""
    authority = _authority(origin)
    return authority is not None and authority == _authority(f"{scheme}://{host}")


def is_taken_in(headers: Mapping[str, str]) -> bool:
    """Whether a page of another origin takes in what is asked: in a frame, as a script.

    It needs no leave for that, and its origin is not named. Browsers say it in headers
    of their own (Fetch Metadata), if the gateway is called by loopback or over TLS. Who
    follows a link is not meant.

    Args:
        headers: those of the request, by names in lower case.
    """
    if headers.get("sec-fetch-site") not in _OTHER_SITES:
        return False
    is_link = headers.get("sec-fetch-mode") == "navigate"
    return not is_link or headers.get("sec-fetch-dest") in _FRAMES


def _authority(url: str) -> Authority | None:
    """Host and port of an origin; http and https are one, as behind a proxy."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in _SCHEMES:
        return None
    authority = authority_in(rest.removesuffix("/"))
    if authority is not None and authority.port in _DEFAULT_PORTS:
        return authority._replace(port=None)
    return authority
