"""The keys of an issuer of tokens, read from its address (a JWKS, RFC 7517).

They are read at the start, every ten minutes, and when a token names a key that is not
among them, twice a minute at most, whoever sends such tokens. While the issuer does not
answer, those that were read last go on for a day.
"""

import asyncio
from collections.abc import Callable, Mapping
from http.client import HTTPMessage
from typing import IO, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from tailcast_gateway.http.core.hosts import is_loopback
from tailcast_gateway.http.core.tokens import Key
from tailcast_service.pauses import jittered, wait_or_timeout


# How often keys are read, how soon again if one is missing, how long they count while
# the issuer is away, and how long it may take to answer; seconds.
READ_KEYS_SECONDS: Final = 600.0
MISSING_KEY_SECONDS: Final = 30.0
KEYS_COUNT_SECONDS: Final = 86_400.0
ISSUER_SECONDS: Final = 5.0
# The longest answer of an issuer.
MAX_KEYS_BYTES: Final = 64 * 1024


def check_keys_url(url: str) -> str:
    """The address, if keys may be read there. Raises ValueError."""
    parts = urlsplit(url)
    is_here = parts.scheme == "http" and is_loopback(parts.hostname or "")
    if not parts.hostname or not (parts.scheme == "https" or is_here):
        raise ValueError("write an address of https, or of http on this machine")
    return url


class _NoRedirects(HTTPRedirectHandler):
    """Follows nobody elsewhere: keys are the issuer's at its own address alone."""

    def redirect_request(
        self,
        req: Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> Request | None:
        """Raise HTTPError."""
        del msg, newurl
        raise HTTPError(req.full_url, code, "it sends elsewhere", headers, fp)


class KeySet:
    """The keys of one issuer."""

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float],
        on_read: Callable[[int, str], None],
    ) -> None:
        """`on_read` is called with the number of keys, or with why there are none."""
        self._url = url
        self._clock = clock
        self._on_read = on_read
        self._keys: Mapping[str, Key] = {}
        # When they were read last, monotonic seconds.
        self._read_at = float("-inf")
        # Set when a token names a key that is not there.
        self._is_missed = asyncio.Event()

    def find(self, kid: str) -> Key | None:
        """The key of this name; if there is none, keys are soon read again."""
        if self._clock() - self._read_at > KEYS_COUNT_SECONDS:
            self._keys = {}
        key = self._keys.get(kid)
        if key is None:
            self._is_missed.set()
        return key

    async def run(self) -> None:
        """Read the keys until cancelled."""
        while True:
            self._is_missed.clear()
            await self.read()
            await asyncio.sleep(MISSING_KEY_SECONDS if self._keys else 1.0)
            rest = jittered(READ_KEYS_SECONDS)
            await wait_or_timeout(self._is_missed, rest)

    async def read(self) -> None:
        """Read the keys; if that fails, those there are go on."""
        from tailcast_gateway.http.core.jwts import keys_in  # noqa: PLC0415  # a tenth of a start

        try:
            keys = keys_in(await asyncio.to_thread(self._fetch))
        except (OSError, ValueError) as error:
            reason = error.reason if isinstance(error, URLError) else error
            self._on_read(0, str(reason) or type(error).__name__)
            return
        self._keys, self._read_at = keys, self._clock()
        self._on_read(len(keys), "")

    def _fetch(self) -> bytes:
        opener = build_opener(_NoRedirects)
        request = Request(self._url, headers={"accept": "application/json"})  # noqa: S310  # its scheme was checked
        with opener.open(request, timeout=ISSUER_SECONDS) as answer:
            body: bytes = answer.read(MAX_KEYS_BYTES + 1)
        if len(body) > MAX_KEYS_BYTES:
            raise ValueError("its answer is too long")
        return body
