"""Reads tokens: text in, a grant out, or the reason why there is none.

Pure; the time is an argument. This is the only module that knows JWT (RFC 7519), and
it makes as well as reads them. What the key is decides the algorithm, never the token:
a header that names another one is refused, as is one that brings or points to a key.
"""

import binascii
import hashlib
import hmac
import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias, cast

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from tailcast_gateway.protocol.limits import MAX_TOKEN_CHARACTERS
from tailcast_gateway.views.grant import EVERYTHING_GRANTED, Grant


# What a token may say.
MAX_SUB_CHARACTERS: Final = 256
MAX_GLOBS: Final = 256
MAX_GLOB_CHARACTERS: Final = 4_096
# How far the clocks of who makes and who reads a token may be apart, seconds.
LEEWAY_SECONDS: Final = 30.0
# The shortest shared secret, characters, and the shortest key of HS256, bytes.
MIN_SECRET: Final = 32
_MIN_RSA_BITS: Final = 2_048
# Headers that would have the token say how it is to be checked.
_REFUSED_HEADERS: Final = ("jku", "x5u", "jwk", "x5c", "crit", "b64", "zip")
_TYPES: Final = frozenset({"jwt", "at+jwt"})
_PEM: Final = "-----BEGIN "

Material: TypeAlias = bytes | RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


class NoGrant(NamedTuple):
    """A token is none that counts; the reason is for the log alone."""

    reason: str


class Key(NamedTuple):
    """What signatures are checked with, and by which algorithm alone."""

    algorithm: str
    material: Material
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


def key_in(text: str) -> Key:
    """The key that a setting has: a secret of HS256, or a public key as PEM.

    Raises ValueError, which says what to mend, and nothing of the key.
    """
    text = text.strip()
    if text.startswith(_PEM):
        return _pem_key(text)
    if text.startswith("{"):
        # As text of a secret a public key would sign as well as check.
        raise ValueError("it is a JSON key: write a PEM, or name TAILCAST_JWT_JWKS_URL")
    if len(text.encode()) < MIN_SECRET:
        raise ValueError(f"a secret has {MIN_SECRET} bytes or more")
    return Key("HS256", text.encode())


def only(key: Key) -> FindKey:
    """Find this key, whatever key a token names."""
    return lambda _kid: key


def _pem_key(text: str) -> Key:
    if "PRIVATE KEY" in text:
        raise ValueError("it is a private key: the gateway needs its public one")
    try:
        key: object = (
            load_pem_x509_certificate(text.encode()).public_key()
            if "BEGIN CERTIFICATE" in text
            else load_pem_public_key(text.encode())
        )
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("it is no public key in PEM") from None
    return Key(*algorithm_of(key))


def algorithm_of(key: object) -> tuple[str, Material]:
    """The one algorithm of a public key. Raises ValueError if it has none here."""
    if isinstance(key, RSAPublicKey) and key.key_size >= _MIN_RSA_BITS:
        return "RS256", key
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return "ES256", key
    if isinstance(key, Ed25519PublicKey):
        return "EdDSA", key
    raise ValueError("take RSA of 2048 bits or more, P-256 or Ed25519")


def keys_in(body: bytes) -> dict[str, Key]:
    """The keys of a JWKS, by their names; those that are of no use are left out.

    Raises ValueError if there is none.
    """
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    listed = (
        cast("dict[str, object]", found).get("keys") if isinstance(found, dict) else 0
    )
    some = cast("list[object]", listed) if isinstance(listed, list) else []
    keys = {key.kid: key for key in map(_listed_key, some) if key is not None}
    if not keys:
        raise ValueError("its answer has no keys that can be used")
    return keys


def _listed_key(one: object) -> Key | None:
    """A key of a JWKS; None if it is none that checks signatures here."""
    if not isinstance(one, dict):
        return None
    fields = cast("dict[str, object]", one)
    kid = fields.get("kid")
    if not isinstance(kid, str) or not kid or fields.get("use", "sig") != "sig":
        return None
    try:
        algorithm, material = algorithm_of(jwt.PyJWK(fields).key)
    except (jwt.PyJWTError, ValueError):
        return None
    if fields.get("alg", algorithm) != algorithm:
        return None
    return Key(algorithm, material, kid)


def read_token(
    token: str, find_key: FindKey, rules: Rules, *, now: float
) -> Grant | NoGrant:
    """What a token grants now (Unix seconds)."""
    if len(token) > MAX_TOKEN_CHARACTERS:
        return NoGrant("longer than a token may be")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, ValueError):
        return NoGrant("not a JWT")
    if found := [name for name in _REFUSED_HEADERS if name in header]:
        return NoGrant(f"its header has {found[0]}")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        return NoGrant("its type is not JWT")
    kid = header.get("kid", "")
    key = find_key(kid) if isinstance(kid, str) else None
    if key is None:
        return NoGrant("its key is not known")
    if header.get("alg") != key.algorithm:
        return NoGrant(f"its algorithm is not the key's, {key.algorithm}")
    try:
        claims = jwt.decode(
            token,
            cast(Any, key.material),
            algorithms=[key.algorithm],
            # These are checked below, where the time is an argument.
            options={
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_aud": False,
                "verify_iss": False,
                "verify_sub": False,
                "verify_jti": False,
            },
        )
    except (jwt.InvalidTokenError, ValueError):
        return NoGrant("its signature is wrong")
    return _granted(claims, rules, now=now)


def _granted(
    claims: Mapping[str, object], rules: Rules, *, now: float
) -> Grant | NoGrant:
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


def make_token(claims: Mapping[str, object], key: Key) -> str:
    """A token with these claims, signed with a secret of HS256."""
    assert isinstance(key.material, bytes)  # noqa: S101  # as said above
    headers = {"kid": key.kid} if key.kid else None
    return jwt.encode(
        dict(claims), key.material, algorithm=key.algorithm, headers=headers
    )


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
        found = read_token(token, find_key, rules, now=now)
    return found


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
