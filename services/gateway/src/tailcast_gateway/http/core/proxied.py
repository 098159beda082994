"""Whom a proxy says a request is of, by the headers that it sets. Pure.

Whoever reaches the gateway without the proxy could write them too: so they are looked
at only where the connection itself comes from a proxy that is trusted. And whoever asks
the proxy could send them along: one that is there twice, or in a spelling that some
servers take for the same, is from somebody who tries that.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tailcast_gateway.http.core.credentials import Malformed
from tailcast_gateway.http.core.tokens import MAX_SUB_CHARACTERS, are_globs
from tailcast_gateway.views.grant import Grant


@dataclass(frozen=True, slots=True)
class ProxyHeaders:
    """The headers with which a proxy says who asks, and what that one may read."""

    user: str
    # "" for none: everybody may read what `default_sessions` has, None for all.
    sessions: str = ""
    default_sessions: tuple[str, ...] | None = None

    def grant_in(self, headers: Iterable[tuple[bytes, bytes]]) -> Grant | None:
        """What whoever asks may do; None if the proxy does not say who that is.

        Their names are in lower case. Raises Malformed.
        """
        headers = list(headers)
        user = _only(headers, self.user)
        sessions = _only(headers, self.sessions) if self.sessions else None
        if not user:
            return None
        if len(user) > MAX_SUB_CHARACTERS or not user.isprintable():
            raise Malformed(f"the header {self.user} has no short name")
        globs = self.default_sessions
        if sessions is not None:
            named = [one for part in sessions.split(",") if (one := part.strip())]
            if not are_globs(named):
                raise Malformed(f"the header {self.sessions} has too many patterns")
            globs = tuple(named)
        return Grant(sub=user, globs=globs, can_write=True)


def _only(headers: list[tuple[bytes, bytes]], name: str) -> str | None:
    """The value of a header, None without it. Raises Malformed if it is not alone."""
    wanted = name.lower().encode()
    found = [
        (header, value)
        for header, value in headers
        if header.replace(b"_", b"-") == wanted
    ]
    if not found:
        return None
    if len(found) > 1 or found[0][0] != wanted:
        raise Malformed(f"a request has the header {name} once, and with hyphens")
    try:
        return found[0][1].decode().strip()
    except UnicodeDecodeError:
        raise Malformed(f"the header {name} is not UTF-8") from None
