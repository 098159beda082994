"""`tailcast token`: makes tokens, and says what one grants or why it grants nothing.

It has the settings of the gateway that is to take them. The time is this machine's.
"""

import asyncio
import sys
import time

from tailcast_gateway.app import Readers, readers_of, setting
from tailcast_gateway.http.core.jwts import make_token
from tailcast_gateway.http.core.tokens import NoGrant
from tailcast_gateway.http.key_set import KeySet, check_keys_url
from tailcast_gateway.settings import AuthSettings
from tailcast_gateway.views.grant import Grant
from tailcast_service.exceptions import ServiceError, SettingsError
from tailcast_service.values import parse_duration


__all__ = ["check_token", "print_token"]


def print_token(
    *,
    sub: str,
    sessions: tuple[str, ...],
    lifetime: str,
    can_write: bool,
    connections: int | None,
) -> None:
    """Print a JWT that the gateway takes; SettingsError if none can be made."""
    settings = AuthSettings.load()
    readers = readers_of(settings)
    key = readers.find_key("") if readers.find_key is not None else None
    if key is None or not isinstance(key.material, bytes):
        raise SettingsError(
            "TAILCAST_JWT_KEY: tokens are made here with a secret of HS256; with a"
            " public key, whoever has its private one makes them"
        )
    try:
        seconds = parse_duration(lifetime)
    except ValueError as error:
        raise SettingsError(f"--for {lifetime}: {error}") from None
    now = int(time.time())
    said: dict[str, object] = {"sub": sub, "iat": now, "exp": now + int(seconds)}
    if sessions:
        said[settings.jwt_sessions_claim] = list(sessions)
    if settings.jwt_issuer:
        said["iss"] = settings.jwt_issuer
    if settings.jwt_audience:
        said["aud"] = settings.jwt_audience
    if can_write:
        said["scope"] = "read write"
    if connections is not None:
        said["conn"] = connections
    token = make_token(said, key)
    found = readers.read(token, now=now)
    if isinstance(found, NoGrant):
        raise SettingsError(f"the gateway would not take it: {found.reason}")
    print(token)  # noqa: T201  # the command's answer


def check_token(token: str | None) -> None:
    """Print what a token grants; ServiceError, which says why, if nothing."""
    text = (sys.stdin.readline() if token is None else token).strip()
    found = all_readers(AuthSettings.load()).read(text, now=time.time())
    if isinstance(found, NoGrant):
        raise ServiceError(f"this token grants nothing: {found.reason}")
    for line in told(found):
        print(line)  # noqa: T201  # as above


def all_readers(settings: AuthSettings) -> Readers:
    """What reads tokens, with the issuer's keys if it has an address."""
    readers = readers_of(settings)
    if not settings.jwt_jwks_url:
        return readers

    def on_read(_count: int, reason: str) -> None:
        if reason:
            raise ServiceError(f"{settings.jwt_jwks_url}: {reason}")

    with setting("TAILCAST_JWT_JWKS_URL"):
        url = check_keys_url(settings.jwt_jwks_url)
    key_set = KeySet(url, clock=time.monotonic, on_read=on_read)
    asyncio.run(key_set.read())
    return readers._replace(find_key=key_set.find)


def told(grant: Grant) -> list[str]:
    """What a grant is, a line each."""
    sessions = "all" if grant.is_all else ", ".join(grant.globs or ()) or "none"
    lines = [
        f"subject:  {grant.sub or '(nobody in particular)'}",
        f"sessions: {sessions}",
        f"may:      {'read, write' if grant.can_write else 'read'}",
    ]
    if grant.connections is not None:
        lines.append(f"at once:  {grant.connections} connections")
    if grant.expires_at is not None:
        lines.append(f"until:    {moment_of(grant.expires_at)}")
    if grant.connection_ends_at is not None:
        moment = moment_of(grant.connection_ends_at)
        lines.append(f"its connections end: {moment}")
    return lines


def moment_of(seconds: float) -> str:
    """A time, Unix seconds, for people."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
