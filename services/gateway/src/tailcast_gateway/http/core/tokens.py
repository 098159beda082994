"""Reads tokens: text in, a grant out, or the reason why there is none.

Pure; the time is an argument. Signatures are checked in `jwts`, which is not loaded
before it is needed: most gateways never need it, and it is a tenth of a start.
"""

import binascii
import hashlib
import hmac
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, cast

from tailcast_gateway.views.grant import EVERYTHING_GRANTED, Grant


# What a token may say.
MAX_SUB_CHARACTERS: Final = 256
MAX_GLOBS: Final = 256
MAX_GLOB_CHARACTERS: Final = 4_096
# How far the clocks of who makes and who reads a token may be apart, seconds.
LEEWAY_SECONDS: Final = 30.0
# The shortest shared secret, characters, and the shortest key of HS256, bytes.
MIN_SECRET: Final = 32


class NoGrant(NamedTuple):
    """A token is none that counts; the reason is for the log alone."""

    reason: str


class Key(NamedTuple):
    """What signatures are checked with, and by which algorithm alone."""

    algorithm: str
    # A secret, or a public key as `cryptography` has it.
    material: object
    # The name by which tokens mean it; "" if there is one key.
    kid: str = ""


# Returns the key of a token, by the key's name in its header ("" without one).
FindKey = Callable[[str], Key | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is expected of the claims of a token."""

    issuer: str = ""
    audience: str = ""
    # The claim that has the patterns of sessions, and what counts without it.
    sessions_claim: str = "sessions"
    default_sessions: tuple[str, ...] | None = None
    # How long a token may be valid, seconds.
    max_lifetime: float = 24 * 3_600.0


def only(key: Key) -> FindKey:
    """Find this key, whatever key a token names."""
    return lambda _kid: key


def granted_by(
    claims: Mapping[str, object], rules: Rules, *, now: float
) -> Grant | NoGrant:
    """What the claims of a token grant now (Unix seconds)."""
    for check in (_wrong_time, _wrong_place):
        if reason := check(claims, rules, now):
            return NoGrant(reason)
    sub = claims.get("sub")
    if not isinstance(sub, str) or not 0 < len(sub) <= MAX_SUB_CHARACTERS:
        return NoGrant("it has no sub, or a long one")
    globs = claims.get(rules.sessions_claim)
    if globs is not None and not are_globs(globs):
        return NoGrant(f"its claim {rules.sessions_claim} is no short list of patterns")
    scope = claims.get("scope", "read")
    if not isinstance(scope, str) or "read" not in scope.split():
        return NoGrant("its scope has no read")
    connections = claims.get("conn")
    if connections is not None and not _is_count(connections):
        return NoGrant("its claim conn is no number of connections")
    return Grant(
        sub=sub,
        globs=rules.default_sessions
        if globs is None
        else tuple(cast("Sequence[str]", globs)),
        can_write="write" in scope.split(),
        expires_at=_number(claims["exp"]),
        connection_ends_at=_number(claims.get("expireAt")),
        connections=cast("int | None", connections),
    )


def _wrong_time(claims: Mapping[str, object], rules: Rules, now: float) -> str:
    ends = _number(claims.get("exp"))
    if ends is None:
        return "it has no exp, a time at which it ends"
    latest = ends
    if (last := claims.get("expireAt")) is not None:
        # When its connections end, if not with it.
        connections_end = _number(last)
        if connections_end is None:
            return "its claim expireAt is no time"
        latest = max(ends, connections_end)
        ends = min(ends, connections_end)
    if ends + LEEWAY_SECONDS <= now:
        return "it is over"
    begins = {name: _number(claims[name]) for name in ("nbf", "iat") if name in claims}
    for name, at in begins.items():
        if at is None:
            return f"its {name} is no time"
        if at > now + LEEWAY_SECONDS:
            return f"its {name} is still to come"
    made = begins.get("iat")
    if latest - (now if made is None else made) > rules.max_lifetime:
        return "it is valid for longer than TAILCAST_JWT_MAX_LIFETIME"
    return ""


def _wrong_place(claims: Mapping[str, object], rules: Rules, _now: float) -> str:
    if rules.issuer and claims.get("iss") != rules.issuer:
        return "its iss is not TAILCAST_JWT_ISSUER"
    audience = claims.get("aud")
    if not rules.audience:
        # It is meant for somebody, and nobody has said that this is the one.
        return (
            ""
            if audience is None
            else "it has an aud, and TAILCAST_JWT_AUDIENCE is not set"
        )
    some = cast("list[object]", audience if isinstance(audience, list) else [audience])
    return "" if rules.audience in some else "its aud is not TAILCAST_JWT_AUDIENCE"


def _number(value: object) -> float | None:
    """A time of a claim, None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < 2**53 else None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def are_globs(value: object) -> bool:
    """Whether something is a short list of patterns of sessions."""
    if not isinstance(value, list):
        return False
    some = cast("list[object]", value)
    texts = [one for one in some if isinstance(one, str) and one]
    size = sum(map(len, texts))
    return len(texts) == len(some) <= MAX_GLOBS and size <= MAX_GLOB_CHARACTERS


class SharedSecrets:
    """The secrets that several clients share: whoever has one may read all."""

    def __init__(self, text: str) -> None:
        """Take the tokens of a setting, with a comma between them.

        Raises ValueError, which says what to mend, if one is easily guessed.
        """
        secrets = [one for one in (part.strip() for part in text.split(",")) if one]
        if not secrets:
            raise ValueError("there is no token")
        for one in secrets:
            if len(one) < MIN_SECRET:
                raise ValueError(f"a token has {MIN_SECRET} characters or more")
            if len(set(one)) < 8:  # noqa: PLR2004  # as many as any that is drawn has
                raise ValueError("it repeats few characters: draw one by chance")
        self._digests = [_digest(one) for one in secrets]
        # Sign what browsers are given instead of the secret, the first of them; by
        # their names.
        self.keys = {key.kid: key for key in map(_login_key, secrets)}

    def read(self, token: str) -> Grant | NoGrant:
        """What a token grants; in the same time whatever is wrong in it."""
        mine = _digest(token)
        found = [hmac.compare_digest(mine, one) for one in self._digests]
        return EVERYTHING_GRANTED if any(found) else NoGrant("not the shared token")


def _login_key(secret: str) -> Key:
    material = hmac.digest(secret.encode(), b"tailcast login", "sha256")
    return Key("HS256", material, digest_for_logs(material.hex()))


def digest_for_logs(token: str) -> str:
    """Eight digits that tell tokens apart in a log, and give nothing away."""
    return _digest(token).hex()[:8]


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def decoded(text: str) -> str | None:
    """A token that was written in base64url; None if it is none."""
    try:
        padded = text + "=" * (-len(text) % 4)
        return urlsafe_b64decode(padded.encode("ascii")).decode("ascii")
    except (binascii.Error, UnicodeError):
        return None
