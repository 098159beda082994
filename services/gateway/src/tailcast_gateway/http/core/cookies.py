"""The cookie of a browser that has signed in: its form, and when it counts.

Pure. A browser sends a cookie by itself, whoever's page asks for something. So it
counts only if the request is of our own page; `SameSite=Strict` sees to it too.
"""

from collections.abc import Mapping
from typing import Final


# The longest value that every browser keeps.
MAX_COOKIE_CHARACTERS: Final = 3_800
# A value that ends the cookie.
ENDED: Final = ""
_SECURE: Final = frozenset({"https", "wss"})
# Methods that browsers send without an origin from a page of the same one.
_WITHOUT_ORIGIN: Final = frozenset({"GET", "HEAD"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})


def cookie_name(scheme: str) -> str:
    """Its name: over TLS one that no other host or plain page can set (RFC 6265bis)."""
    return "__Host-tailcast" if scheme in _SECURE else "tailcast"


def cookie_header(value: str, *, seconds: int, scheme: str) -> dict[str, str]:
    """The header that sets it for so many seconds."""
    parts = [
        f"{cookie_name(scheme)}={value}",
        f"Max-Age={seconds}",
        "Path=/",
        "HttpOnly",
        "SameSite=Strict",
    ]
    if scheme in _SECURE:
        parts.append("Secure")
    return {"set-cookie": "; ".join(parts), "cache-control": "no-store"}


def is_of_own_page(
    headers: Mapping[str, str], *, method: str | None, is_own_origin: bool
) -> bool:
    """Whether a cookie counts in a request.

    Args:
        headers: its headers.
        method: its method; None for the handshake of a WebSocket.
        is_own_origin: whether it has an `Origin`, and that is the gateway's own.
    """
    if "origin" in headers:
        return is_own_origin
    if headers.get("sec-fetch-site", "none") not in _OWN_SITES:
        return False
    return method in _WITHOUT_ORIGIN
