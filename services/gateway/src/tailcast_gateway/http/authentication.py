"""Finds out who sends a request, before it is routed: the grant, or the refusal.

All requests pass here, whatever their path. What is open to everybody is named; all
else needs a grant, a route that is added later too. Whoever brings a token that does
not count waits for a second, so that nobody can try many.
"""

import asyncio
import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Final, NamedTuple
from urllib.parse import quote

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from tailcast_gateway.connections.admission import GUESSING
from tailcast_gateway.connections.core.handshakes import Answer, json_answer
from tailcast_gateway.connections.ids import id_of
from tailcast_gateway.connections.requests import FROM_PROXY
from tailcast_gateway.http.core.cookies import (
    MAX_COOKIE_CHARACTERS,
    cookie_name,
    is_of_own_page,
)
from tailcast_gateway.http.core.credentials import Malformed, presented
from tailcast_gateway.http.core.modes import Mode
from tailcast_gateway.http.core.proxied import ProxyHeaders
from tailcast_gateway.http.core.tokens import (
    FindKey,
    NoGrant,
    Rules,
    SharedSecrets,
    digest_for_logs,
)
from tailcast_gateway.http.grants import grant_to
from tailcast_gateway.http.origins import is_own_origin
from tailcast_gateway.http.responses import json_response, response_of
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.protocol.client_messages import (
    INVALID_MESSAGE,
    UNAUTHENTICATED,
)
from tailcast_gateway.sessions.granted import Granted
from tailcast_gateway.views.grant import EVERYTHING_GRANTED, Grant


# After how long a token that does not count is answered, seconds, and how many such
# answers wait at most; further ones are refused at once.
REFUSED_SECONDS: Final = (0.75, 1.25)
MAX_GUESSES: Final = 2_000

# How long a browser stays signed in by a shared token, seconds, and as whom.
SIGNED_IN_SECONDS: Final = 30 * 86_400
_SIGNED_IN: Final = "browser"
_LOGIN_RULES: Final = Rules(max_lifetime=SIGNED_IN_SECONDS)

# How tokens are read; returns a grant, or why there is none.
ReadToken = Callable[[str], Grant | NoGrant]


class Busy(Exception):
    """So many tokens are being refused that this one is not looked at."""


class LoginCookie(NamedTuple):
    """What a browser is given that has signed in."""

    value: str
    # After how long it is over.
    seconds: int


class Authentication:
    """Who somebody is, by the modes of the settings; one for a gateway."""

    def __init__(
        self,
        *,
        modes: Sequence[Mode] = ("none",),
        secrets: SharedSecrets | None = None,
        find_key: FindKey | None = None,
        rules: Rules | None = None,
        proxied: ProxyHeaders | None = None,
        now: Callable[[], float],
        instruments: Instruments,
    ) -> None:
        """What a mode needs is given with it; `now` in Unix seconds."""
        # How clients say who they are.
        self.modes = tuple(modes)
        self._secrets = secrets
        self._find_key = find_key
        self._rules = rules or Rules()
        self._proxied = proxied
        self._now = now
        self._instruments = instruments
        # How many refusals wait.
        self._waiting = 0

    @property
    def is_on(self) -> bool:
        """Whether anybody has to prove who it is."""
        return self.modes != ("none",)

    @property
    def takes_tokens(self) -> bool:
        """Whether a token may count: not if only a proxy says who asks."""
        return self.modes != ("proxy",)

    def said_by_proxy(self, headers: Iterable[tuple[bytes, bytes]]) -> Grant | None:
        """What whoever asks may do by the word of a proxy that is trusted.

        None if it says nothing, or is not asked. Raises Malformed.
        """
        return None if self._proxied is None else self._proxied.grant_in(headers)

    async def grant_for(self, token: str, peer: str, id: str) -> Grant | None:
        """What a token grants; None, after a while, if it does not count.

        The peer and the ID of who brings it are for the log. Raises Busy.
        """
        grant = self.look_at(token, peer, id)
        if grant is not None:
            return grant
        await self.slow_down()
        # The key of a token may have been read meanwhile.
        found = self._read(token)
        return found if isinstance(found, Grant) else None

    def look_at(
        self, token: str, peer: str, id: str, *, is_cookie: bool = False
    ) -> Grant | None:
        """What a token grants; None if it does not count, which is said after a while.

        Raises Busy.
        """
        if not self.is_on:
            return EVERYTHING_GRANTED
        found = self._read_cookie(token) if is_cookie else self._read(token)
        if isinstance(found, Grant):
            return found
        self._instruments.token_refused(
            found.reason, digest_for_logs(token), peer, connection=id
        )
        if self._waiting >= MAX_GUESSES:
            raise Busy
        return None

    async def slow_down(self) -> None:
        """Wait until it may be said that a token does not count."""
        self._waiting += 1
        try:
            await asyncio.sleep(random.uniform(*REFUSED_SECONDS))  # noqa: S311  # jitter
        finally:
            self._waiting -= 1

    def cookie_for(self, token: str, grant: Grant) -> LoginCookie | None:
        """What a browser is given for a token that counts; None if it is too long.

        For a shared token it is one of its own, so that nobody reads the shared one in
        a browser; it ends when the shared one is changed. A JWT ends by itself, and is
        checked anew each time.
        """
        now = int(self._now())
        if grant.expires_at is None and self._secrets is not None:
            key = next(iter(self._secrets.keys.values()))
            ends_at = now + SIGNED_IN_SECONDS
            said = {
                "sub": _SIGNED_IN,
                "iat": now,
                "exp": ends_at,
                "scope": "read write",
            }
            from tailcast_gateway.http.core.jwts import make_token  # noqa: PLC0415  # as in read_any

            return LoginCookie(make_token(said, key), SIGNED_IN_SECONDS)
        ends_at = int(grant.expires_at or now)
        if len(token) > MAX_COOKIE_CHARACTERS:
            return None
        return LoginCookie(token, max(0, ends_at - now))

    def _read_cookie(self, value: str) -> Grant | NoGrant:
        from tailcast_gateway.http.core.jwts import read_token  # noqa: PLC0415  # as in read_any

        if self._secrets is not None:
            find_key = self._secrets.keys.get
            found = read_token(value, find_key, _LOGIN_RULES, now=self._now())
            if isinstance(found, Grant):
                # Nobody in particular, as by the shared token itself.
                return replace(found, sub="")
        if self._find_key is None:
            return NoGrant("no cookie of the tokens in force")
        return read_token(value, self._find_key, self._rules, now=self._now())

    def _read(self, token: str) -> Grant | NoGrant:
        return read_any(
            token, self._secrets, self._find_key, self._rules, now=self._now()
        )


def read_any(
    token: str,
    secrets: SharedSecrets | None,
    find_key: FindKey | None,
    rules: Rules,
    *,
    now: float,
) -> Grant | NoGrant:
    """What a token grants that is a shared one or a JWT, whichever of them count."""
    found: Grant | NoGrant = NoGrant("no tokens count here")
    if secrets is not None:
        found = secrets.read(token)
    if isinstance(found, NoGrant) and find_key is not None:
        from tailcast_gateway.http.core.jwts import read_token  # noqa: PLC0415  # a tenth of a start

        found = read_token(token, find_key, rules, now=now)
    return found


class Gate:
    """Lets requests in with what they may read."""

    def __init__(
        self,
        authentication: Authentication,
        *,
        granted: Callable[[Grant], Granted],
        open_paths: Collection[str],
        page_path: str,
        closed_paths: Collection[str],
    ) -> None:
        """Make it.

        Args:
            authentication: who somebody is.
            granted: returns what a grant allows of the stored sessions.
            open_paths: what needs no grant, and shows no session.
            page_path: the one of them from which a browser is sent to sign in.
            closed_paths: what is not there if anybody has to say who it is.
        """
        self._authentication = authentication
        self._granted = granted
        self._everything = granted(EVERYTHING_GRANTED)
        self._open_paths = frozenset(open_paths)
        self._page_path = page_path
        self._closed_paths = frozenset(closed_paths)

    async def refuse(self, scope: Scope, path: str) -> Response | None:
        """The answer to a request that is refused; None if it may go on."""
        if not self._authentication.is_on:
            grant_to(scope, self._everything)
            return None
        if path in self._closed_paths:
            body = {"code": "not_found", "message": "Not Found"}
            return json_response(body, HTTPStatus.NOT_FOUND)
        if path == self._page_path:
            return await self._before_page(scope)
        if path in self._open_paths:
            return None
        found = self._verdict_of(scope, _cookie_of(scope))
        if isinstance(found, Granted):
            grant_to(scope, found)
            return None
        if found is None:
            found = NO_TOKEN
        elif found is DOES_NOT_COUNT:
            await self._authentication.slow_down()
        return response_of(found)

    async def _before_page(self, scope: Scope) -> Response | None:
        """Send a browser to sign in that has not, before it loads the page."""
        found = self._verdict_of(scope, cookie_name(scope["scheme"]))
        if isinstance(found, Granted):
            return None
        if found is NOT_BY_PROXY:
            # No token would be of use, so there is no page to ask for one.
            return response_of(NOT_BY_PROXY)
        if found is DOES_NOT_COUNT:
            await self._authentication.slow_down()
        query = scope["query_string"].decode("latin-1")
        view = f"#view={quote(f'?{query}', safe='')}" if query else ""
        return RedirectResponse(f"login{view}", HTTPStatus.SEE_OTHER)

    def _verdict_of(self, scope: Scope, cookie: str) -> Granted | Answer | None:
        return self.verdict(
            scope["headers"],
            peer_of(scope),
            cookie=cookie,
            from_proxy=scope.get(FROM_PROXY, False),
            id=id_of(scope),
        )

    def verdict(
        self,
        headers: Iterable[tuple[bytes, bytes]],
        peer: str,
        *,
        cookie: str = "",
        from_proxy: bool = False,
        id: str,
    ) -> Granted | Answer | None:
        """What a request may read by what it brings; None if it brings nothing.

        `DOES_NOT_COUNT` is to be answered after `Authentication.slow_down`.

        Args:
            headers: those of the request, their names in lower case.
            peer: the address of whoever sends it.
            cookie: the name of the cookie that counts in it, "" if none does.
            from_proxy: whether it comes from a proxy that is trusted.
            id: what the log calls it.
        """
        if not self._authentication.is_on:
            return self._everything
        headers = list(headers)
        try:
            said = self._authentication.said_by_proxy(headers) if from_proxy else None
            if said is not None:
                return self._granted(said)
            if not self._authentication.takes_tokens:
                return NOT_BY_PROXY
            found = presented(headers, cookie=cookie)
            if found is None:
                return None
            grant = self._authentication.look_at(
                found.value, peer, id, is_cookie=found.kind == "cookie"
            )
        except Malformed as error:
            return json_answer(HTTPStatus.BAD_REQUEST, INVALID_MESSAGE, str(error))
        except Busy:
            return GUESSING.answer()
        return DOES_NOT_COUNT if grant is None else self._granted(grant)


def _cookie_of(scope: Scope) -> str:
    headers = HTTPConnection(scope).headers
    return counting_cookie(headers, method=scope["method"], scheme=scope["scheme"])


def counting_cookie(
    headers: Mapping[str, str], *, method: str | None, scheme: str
) -> str:
    """The name of the cookie that counts in a request, "" if none does.

    Args:
        headers: its headers, by names in lower case; it names its host.
        method: its method; None for the handshake of a WebSocket.
        scheme: how it is asked.
    """
    origin = headers.get("origin")
    is_own = origin is not None and is_own_origin(
        origin, host=headers["host"], scheme=scheme
    )
    counts = is_of_own_page(headers, method=method, is_own_origin=is_own)
    return cookie_name(scheme) if counts else ""


def peer_of(scope: Scope) -> str:
    """The address of whoever sends a request."""
    peer: tuple[str, int] | None = scope.get("client")
    return "-" if peer is None else peer[0]


def _unknown(text: str) -> Answer:
    headers = {"www-authenticate": "Bearer"}
    return json_answer(HTTPStatus.UNAUTHORIZED, UNAUTHENTICATED, text, **headers)


# The answers to a request that brings nothing: a token, or the word of a proxy.
NO_TOKEN: Final = _unknown("this needs a token: send it as Authorization: Bearer")
NOT_BY_PROXY: Final = _unknown("this is read through a proxy that says who asks")
# The answer to a token that does not count.
DOES_NOT_COUNT: Final = _unknown("this token does not count here")
