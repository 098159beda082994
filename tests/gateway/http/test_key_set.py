"""Keys that are read from an issuer: they change, and the issuer is away."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tailcast_gateway.http.core.jwts import keys_in, read_token
from tailcast_gateway.http.core.tokens import NoGrant, Rules
from tailcast_gateway.http.key_set import (
    KEYS_COUNT_SECONDS,
    KeySet,
    check_keys_url,
)
from tailcast_gateway.views.grant import Grant
from tests.issuer import Issuer, issuing, jwk_of


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An issuer on this machine."""
    with issuing() as made:
        yield made


ONE, OTHER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
NOW = time.time()


def grants(keys: KeySet, key: Any, kid: str) -> bool:
    """Whether a token of a key counts."""
    said = {"sub": "ann", "iat": NOW, "exp": NOW + 60}
    token = jwt.encode(said, key, algorithm="ES256", headers={"kid": kid})
    return isinstance(read_token(token, keys.find, Rules(), now=NOW), Grant)


def noted(told: list[tuple[int, str]]) -> Callable[[int, str], None]:
    """What keeps what is told of each reading."""
    return lambda count, reason: told.append((count, reason))


async def test_keys_that_change(issuer: Issuer) -> None:
    """Both count while both are told; the one that is gone does not."""
    told: list[tuple[int, str]] = []
    keys = KeySet(issuer.url, clock=lambda: 0.0, on_read=noted(told))
    assert not grants(keys, ONE, "1")
    issuer.body = {"keys": [jwk_of(ONE, "1")]}
    await keys.read()
    assert grants(keys, ONE, "1")
    assert not grants(keys, OTHER, "1")
    issuer.body = {"keys": [jwk_of(ONE, "1"), jwk_of(OTHER, "2")]}
    await keys.read()
    assert grants(keys, ONE, "1")
    assert grants(keys, OTHER, "2")
    issuer.body = {"keys": [jwk_of(OTHER, "2")]}
    await keys.read()
    assert not grants(keys, ONE, "1")
    assert told == [(1, ""), (2, ""), (1, "")]


async def test_an_issuer_that_is_away(issuer: Issuer) -> None:
    """What it said last goes on for a day, whatever it says instead."""
    now, told = 0.0, list[tuple[int, str]]()
    keys = KeySet(issuer.url, clock=lambda: now, on_read=noted(told))
    issuer.body = {"keys": [jwk_of(ONE, "1")]}
    await keys.read()
    answers: list[tuple[int, Any, str]] = [
        (500, {"keys": []}, ""),
        (200, {"keys": []}, ""),
        (200, {"keys": 5}, ""),
        (200, "x" * 70_000, ""),
        (302, {"keys": []}, f"{issuer.url}/elsewhere"),
    ]
    for status, body, location in answers:
        issuer.status, issuer.body, issuer.location = status, body, location
        await keys.read()
        assert told[-1][0] == 0
        assert told[-1][1]
        assert grants(keys, ONE, "1")
    now = KEYS_COUNT_SECONDS + 1
    assert not grants(keys, ONE, "1")


def test_which_keys_are_taken() -> None:
    """Public ones that sign, of the kinds that a key of a setting may be."""
    weak = rsa.generate_private_key(65_537, 1_024)  # noqa: S505  # as said above
    good = [
        jwk_of(rsa.generate_private_key(65_537, 2_048), "r", alg="RS256", use="sig"),
        jwk_of(ONE, "e"),
        jwk_of(ed25519.Ed25519PrivateKey.generate(), "o"),
    ]
    bad = [
        {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTE", "kid": "secret"},
        jwk_of(weak, "weak"),
        jwk_of(ec.generate_private_key(ec.SECP384R1()), "curve"),
        jwk_of(ONE, "use", use="enc"),
        jwk_of(ONE, "alg", alg="ES384"),
        jwk_of(ONE, ""),
        {**jwk_of(ONE, "x"), "kid": 5},
        {"kty": "EC", "kid": "broken"},
        {"kid": "nothing"},
        "text",
    ]
    found = keys_in(json.dumps({"keys": [*bad, *good]}).encode())
    assert {kid: key.algorithm for kid, key in found.items()} == {
        "r": "RS256", "e": "ES256", "o": "EdDSA",
    }  # fmt: skip  # one glance
    assert all(key.kid == kid for kid, key in found.items())


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"keys":{}}', b'{"keys":[]}'])
def test_what_has_no_keys(body: bytes) -> None:
    """An answer that would leave nobody in is none."""
    with pytest.raises(ValueError, match="keys"):
        keys_in(body)


@pytest.mark.parametrize(
    "url", ["http://issuer.example/keys", "file:///etc/passwd", "https://", "keys"]
)
def test_where_keys_are_not_read(url: str) -> None:
    """In the clear from elsewhere, or from what is no server."""
    with pytest.raises(ValueError, match="https"):
        check_keys_url(url)
    assert check_keys_url("https://issuer.example/keys")
    assert check_keys_url("http://localhost:8080/keys")


def test_a_key_of_another_kind_than_the_token_s() -> None:
    """The key decides, here too."""
    found = keys_in(json.dumps({"keys": [jwk_of(ONE, "1")]}).encode())
    said = {"sub": "ann", "iat": NOW, "exp": NOW + 60}
    text = "a secret of thirty-two characters and more"
    token = jwt.encode(said, text, algorithm="HS256", headers={"kid": "1"})
    answer = read_token(token, found.get, Rules(), now=NOW)
    assert isinstance(answer, NoGrant)
    assert "algorithm" in answer.reason
