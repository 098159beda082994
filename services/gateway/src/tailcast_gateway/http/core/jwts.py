"""JWT (RFC 7519): the keys, what is signed with them, and what checks it.

Pure; the time is an argument. This is the only module that knows JWT, and it makes as
well as reads them. What the key is decides the algorithm, never the token: a header
that names another one is refused, as is one that brings or points to a key.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, TypeAlias, cast

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

from tailcast_gateway.http.core.tokens import (
    MIN_SECRET,
    FindKey,
    Key,
    NoGrant,
    Rules,
    granted_by,
)
from tailcast_gateway.protocol.limits import MAX_TOKEN_CHARACTERS
from tailcast_gateway.views.grant import Grant


_MIN_RSA_BITS: Final = 2_048
# Headers that would have the token say how it is to be checked.
_REFUSED_HEADERS: Final = ("jku", "x5u", "jwk", "x5c", "crit", "b64", "zip")
_TYPES: Final = frozenset({"jwt", "at+jwt"})
_PEM: Final = "-----BEGIN "

Material: TypeAlias = bytes | RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


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
    return granted_by(claims, rules, now=now)


def make_token(claims: Mapping[str, object], key: Key) -> str:
    """A token with these claims, signed with a secret of HS256."""
    assert isinstance(key.material, bytes)  # noqa: S101  # as said above
    headers = {"kid": key.kid} if key.kid else None
    return jwt.encode(
        dict(claims), key.material, algorithm=key.algorithm, headers=headers
    )
