"""Which tokens count, what they grant, and why all others do not."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, strategies as st

from tailcast_gateway.http.authentication import read_any
from tailcast_gateway.http.core.jwts import key_in, make_token, read_token
from tailcast_gateway.http.core.tokens import (
    LEEWAY_SECONDS,
    FindKey,
    Key,
    NoGrant,
    Rules,
    SharedSecrets,
    decoded,
    digest_for_logs,
    only,
)
from tailcast_gateway.protocol.limits import MAX_TOKEN_CHARACTERS
from tailcast_gateway.views.grant import EVERYTHING_GRANTED, Grant


SECRET = "a secret of thirty-two characters and more"
SHARED = "a-shared-token-of-thirty-two-characters"
NOW = 1_800_000_000.0
RSA_KEY = rsa.generate_private_key(65_537, 2_048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()


def pem_of(key: Any) -> str:
    """A public key as PEM."""
    pem: bytes = key.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    return pem.decode()


def claims(**changes: Any) -> dict[str, Any]:
    """What a token says; None leaves a claim out."""
    whole = {"sub": "ann", "exp": NOW + 3_600, "iat": NOW, **changes}
    return {name: value for name, value in whole.items() if value is not None}


def signed(
    said: dict[str, Any], key: Any = SECRET, algorithm: str = "HS256", **header: Any
) -> str:
    """A token as an issuer makes it."""
    return jwt.encode(said, key, algorithm=algorithm, headers=header or None)


def read(
    token: str, key: str = SECRET, rules: Rules | None = None, now: float = NOW
) -> Grant | NoGrant:
    """What a token grants."""
    return read_token(token, only(key_in(key)), rules or Rules(), now=now)


def why_not(token: str, *args: Any, **options: Any) -> str:
    """Why a token grants nothing."""
    found = read(token, *args, **options)
    assert isinstance(found, NoGrant), found
    return found.reason


def test_what_a_token_grants() -> None:
    """Its subject, its sessions, what it may change, and until when."""
    said = claims(sessions=["team-a/*"], scope="read write", expireAt=NOW + 60, conn=2)
    assert read(signed(said)) == Grant(
        sub="ann",
        globs=("team-a/*",),
        can_write=True,
        expires_at=NOW + 3_600,
        connection_ends_at=NOW + 60,
        connections=2,
    )
    bare = read(signed(claims()), rules=Rules(default_sessions=("b",)))
    assert bare == Grant(sub="ann", globs=("b",), expires_at=NOW + 3_600)
    named = read(signed(claims(runs=["c"])), rules=Rules(sessions_claim="runs"))
    assert isinstance(named, Grant)
    assert named.globs == ("c",)


@pytest.mark.parametrize(
    ("key", "algorithm"), [(RSA_KEY, "RS256"), (EC_KEY, "ES256"), (ED_KEY, "EdDSA")]
)
def test_public_keys(key: Any, algorithm: str) -> None:
    """Each has one algorithm, whether it is bare or in a certificate."""
    token = signed(claims(), key, algorithm)
    assert isinstance(read(token, pem_of(key)), Grant)
    assert key_in(pem_of(key)).algorithm == algorithm
    name = x509.Name([])
    begin = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .issuer_name(name)
        .subject_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=1))
        .sign(key, None if algorithm == "EdDSA" else hashes.SHA256())
    )
    whole = certificate.public_bytes(Encoding.PEM).decode()
    assert isinstance(read(token, whole), Grant)
    assert why_not(token, pem_of(rsa.generate_private_key(65_537, 2_048)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("short", "32 bytes"),
        ('{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFb"}', "JSON key"),
        ("-----BEGIN PUBLIC KEY-----\nxx\n-----END PUBLIC KEY-----", "no public key"),
        ("-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----", "no public"),
        (
            EC_KEY.private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ).decode(),
            "private",
        ),
        (pem_of(ec.generate_private_key(ec.SECP384R1())), "P-256"),
        (pem_of(rsa.generate_private_key(65_537, 1_024)), "2048"),  # noqa: S505  # so
    ],
)
def test_keys_that_are_none(text: str, words: str) -> None:
    """Each says what to mend, and nothing of the key."""
    with pytest.raises(ValueError, match=words) as caught:
        key_in(text)
    assert text not in str(caught.value)


def bare(header: dict[str, Any], said: dict[str, Any], signature: str = "") -> str:
    """A token that no library would make."""
    parts = [json.dumps(part).encode() for part in (header, said)]
    texts = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts]
    return ".".join([*texts, signature])


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("", "not a JWT"),
        ("a.b", "not a JWT"),
        ("a.b.c", "not a JWT"),
        ("x" * (MAX_TOKEN_CHARACTERS + 1), "longer"),
        (bare({"alg": "none"}, claims()), ""),
        (bare({"alg": "None", "typ": "JWT"}, claims(), "AAAA"), "algorithm"),
        (bare({"typ": "JWT"}, claims()), "algorithm"),
        (bare({"alg": "HS256", "kid": 5}, claims()), ""),
        (bare({"alg": "HS256"}, claims(), "AAAA"), "signature"),
        (signed(claims(), SECRET * 2, "HS512"), "algorithm"),
        (signed(claims(), "another secret of thirty-two characters"), "signature"),
        # The text of a public key is no secret (CVE-2023-48223, GHSA-xgmm).
        (signed(claims(), EC_KEY, "ES256"), "algorithm"),
        (signed(claims(), jku="https://evil.example"), "jku"),
        (signed(claims(), x5u="https://evil.example"), "x5u"),
        (signed(claims(), jwk={"kty": "oct", "k": "eA"}), "jwk"),
        (signed(claims(), x5c=["eA"]), "x5c"),
        (bare({"alg": "HS256", "crit": ["b64"]}, claims(), "AAAA"), ""),
        (bare({"alg": "HS256", "b64": False}, claims(), "AAAA"), ""),
        (bare({"alg": "HS256", "zip": "DEF"}, claims(), "AAAA"), "zip"),
        (signed(claims(), typ="JWE"), "type"),
        (bare({"alg": "HS256", "typ": 5}, claims(), "AAAA"), "type"),
        (signed(claims(exp=None)), "no exp"),
        (signed(claims(exp="soon")), "no exp"),
        (signed(claims(exp=True)), "no exp"),
        (signed(claims(exp=NOW - LEEWAY_SECONDS)), "over"),
        (signed(claims(nbf=NOW + 31)), "still to come"),
        (signed(claims(iat=NOW + 31)), "still to come"),
        (signed(claims(nbf="x")), "nbf is no time"),
        (signed(claims(exp=NOW + 86_401)), "longer than"),
        (signed(claims(exp=NOW + 86_401, iat=None)), "longer than"),
        (signed(claims(aud="tailcast")), "JWT_AUDIENCE"),
        (signed(claims(sub=None)), "sub"),
        (signed(claims(sub="")), "sub"),
        (signed(claims(sub="s" * 257)), "sub"),
        (signed(claims(sessions="a")), "sessions"),
        (signed(claims(sessions=[1])), "sessions"),
        (signed(claims(sessions=[""])), "sessions"),
        (signed(claims(sessions=["a"] * 257)), "sessions"),
        (signed(claims(sessions=["a" * 4_097])), "sessions"),
        (signed(claims(scope="write")), "scope"),
        (signed(claims(scope=["read"])), "scope"),
        (signed(claims(expireAt="later")), "expireAt"),
        (signed(claims(expireAt=0)), "expireAt"),
        (signed(claims(expireAt=NOW - LEEWAY_SECONDS)), "over"),
        (signed(claims(expireAt=NOW + 86_401)), "longer than"),
        (signed(claims(conn=0)), "conn"),
        (signed(claims(conn=-1)), "conn"),
        (signed(claims(conn=1.5)), "conn"),
        (signed(claims(conn="2")), "conn"),
        (signed(claims(conn=True)), "conn"),
    ],
)
def test_tokens_that_grant_nothing(token: str, words: str) -> None:
    """Each for its own reason."""
    assert words in why_not(token)


def test_a_key_fixes_the_algorithm() -> None:
    """A secret that is the text of a public key signs nothing for that key."""
    for key in (RSA_KEY, EC_KEY, ED_KEY):
        token = bare({"alg": "HS256", "typ": "JWT"}, claims(), "AAAA")
        assert "algorithm" in why_not(token, pem_of(key))


def test_who_made_it_and_for_whom() -> None:
    """Exactly those that are set; one of several audiences is enough."""
    rules = Rules(issuer="us", audience="here")
    good = claims(iss="us", aud=["there", "here"])
    assert isinstance(read(signed(good), rules=rules), Grant)
    assert isinstance(read(signed({**good, "aud": "here"}), rules=rules), Grant)
    assert "iss" in why_not(signed({**good, "iss": "us/"}), rules=rules)
    assert "iss" in why_not(signed(claims(aud="here")), rules=rules)
    assert "aud" in why_not(signed({**good, "aud": "her"}), rules=rules)
    assert "aud" in why_not(signed(claims(iss="us")), rules=rules)


def test_keys_that_tokens_name() -> None:
    """A token whose key is not there counts nothing."""
    keys = {"one": Key("HS256", SECRET.encode(), "one")}
    token = signed(claims(), kid="one")
    assert isinstance(read_token(token, keys.get, Rules(), now=NOW), Grant)
    other = read_token(signed(claims(), kid="two"), keys.get, Rules(), now=NOW)
    assert other == NoGrant("its key is not known")


@given(
    st.text(max_size=200) | st.binary(max_size=200).map(lambda b: b.decode("latin-1"))
)
def test_no_text_breaks_it(text: str) -> None:
    """Whatever it is, there is a reason."""
    assert isinstance(read(text), NoGrant)
    assert isinstance(SharedSecrets(SECRET).read(text), NoGrant)
    assert len(digest_for_logs(text)) == 8
    decoded(text)


@given(
    exp=st.integers(-100, 100_000),
    expire_at=st.none() | st.integers(-100, 100_000),
    at=st.integers(0, 100_000),
)
def test_nothing_is_granted_for_longer(
    exp: int, expire_at: int | None, at: int
) -> None:
    """Than the token, its connections and the longest lifetime, whatever it says."""
    ends = [NOW + one for one in (exp, expire_at) if one is not None]
    more = {} if expire_at is None else {"expireAt": NOW + expire_at}
    found = read(signed(claims(exp=NOW + exp, **more)), now=NOW + at)
    counts = NOW + at < min(ends) + LEEWAY_SECONDS and max(ends) <= NOW + 86_400
    assert isinstance(found, Grant) is counts
    if isinstance(found, Grant):
        assert found.ends_at == ends[-1]


@given(st.data())
def test_no_character_may_be_another(data: st.DataObject) -> None:
    """Of a token that counts, whichever is changed."""
    token = signed(claims())
    at = data.draw(st.integers(0, len(token) - 2))
    other = data.draw(st.sampled_from("ABab01-_.=+/ ").filter(lambda c: c != token[at]))
    found = read(token[:at] + other + token[at + 1 :])
    assert isinstance(found, NoGrant)


def test_tokens_of_our_own() -> None:
    """What `make_token` makes, `read_token` reads."""
    key = key_in(SECRET)
    assert isinstance(read(make_token(claims(), key)), Grant)


def test_shared_secrets() -> None:
    """Either of two counts; both grant all, and others nothing."""
    first, second = "first-token-of-thirty-two-characters", "0123456789abcdef" * 2
    shared = SharedSecrets(f"{first}, {second}")
    assert shared.read(first) == shared.read(second) == EVERYTHING_GRANTED
    for other in ("", first[:-1], f"{first},{second}", first.upper()):
        assert isinstance(shared.read(other), NoGrant)
    here, there = shared.keys.values()
    assert here.material != there.material


@pytest.mark.parametrize("text", ["", " , ", "x" * 31, "a" * 40, f"{'ab' * 20}"])
def test_secrets_that_are_guessed(text: str) -> None:
    """They are refused, and not shown (CVE-2025-11200)."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # each in its own words
        SharedSecrets(text)
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "plain"),
    [("YQ", "a"), ("YQ==", "a"), ("4pi-", None), ("a", None), ("ä", None)],
)
def test_tokens_in_base64(text: str, plain: str | None) -> None:
    """With or without padding; what is no token is none."""
    assert decoded(text) == plain


def test_whichever_tokens_count() -> None:
    """A shared one, a JWT, both or none; the last that was read says why not."""
    shared, find = SharedSecrets(SHARED), only(key_in(SECRET))
    jwt_token = signed(claims())

    def granted(token: str, secrets: SharedSecrets | None, key: FindKey | None) -> bool:
        return isinstance(read_any(token, secrets, key, Rules(), now=NOW), Grant)

    for token, by_shared, by_jwt in ((SHARED, True, False), (jwt_token, False, True)):
        assert granted(token, shared, None) is by_shared
        assert granted(token, None, find) is by_jwt
        assert granted(token, shared, find)
        assert not granted(token, None, None)
    wrong = read_any("x", shared, find, Rules(), now=NOW)
    assert wrong == NoGrant("not a JWT")
