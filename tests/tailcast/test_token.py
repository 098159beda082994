"""`tailcast token` makes tokens that its gateway takes, and explains others."""

import io
import time

import pytest

from tailcast.token import check_token, print_token
from tailcast_gateway.http.core.jwts import key_in, make_token
from tailcast_service.exceptions import ServiceError, SettingsError
from tests.brokers import free_port


SECRET = "a secret of thirty-two characters and more"  # a test's
SHARED = "a-shared-token-of-thirty-two-characters"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of the gateway."""
    monkeypatch.setenv("TAILCAST_JWT_KEY", SECRET)


def made(
    capsys: pytest.CaptureFixture[str],
    *sessions: str,
    lifetime: str = "8h",
    connections: int | None = None,
) -> str:
    """A token as it is printed."""
    print_token(
        sub="ann",
        sessions=sessions,
        lifetime=lifetime,
        can_write=True,
        connections=connections,
    )
    return capsys.readouterr().out.strip()


def test_what_is_made_is_taken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the claims that the gateway wants; given by name or by a pipe."""
    monkeypatch.setenv("TAILCAST_JWT_ISSUER", "us")
    monkeypatch.setenv("TAILCAST_JWT_AUDIENCE", "here")
    monkeypatch.setenv("TAILCAST_JWT_SESSIONS_CLAIM", "runs")
    token = made(capsys, "team-a/*", "b")
    check_token(token)
    by_name = capsys.readouterr().out
    assert by_name.startswith(
        "subject:  ann\nsessions: team-a/*, b\nmay:      read, write\nuntil:    20"
    )
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{token}\n"))
    check_token(None)
    assert capsys.readouterr().out == by_name


def test_how_many_connections_and_until_when(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Both are said, where a token says them."""
    check_token(made(capsys, connections=3))
    assert "\nat once:  3 connections\n" in capsys.readouterr().out
    now = int(time.time())
    said = {"sub": "ann", "exp": now + 60, "expireAt": now + 3_600}
    check_token(make_token(said, key_in(SECRET)))
    out = capsys.readouterr().out
    assert "at once" not in out
    assert "\nits connections end: 20" in out


def test_all_sessions_and_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All without any; the shared token is nobody's in particular."""
    check_token(made(capsys))
    assert "sessions: all" in capsys.readouterr().out
    monkeypatch.setenv("TAILCAST_AUTH_TOKEN", SHARED)
    check_token(SHARED)
    assert "(nobody in particular)" in capsys.readouterr().out


def test_why_a_token_grants_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In words; nothing of the token is repeated."""
    token = made(capsys)
    for text, words in ((token[:-3], "signature"), ("x", "not a JWT")):
        with pytest.raises(ServiceError, match=words) as told:
            check_token(text)
        assert token[:20] not in str(told.value)
    late = time.time() + 9 * 3_600
    monkeypatch.setattr("tailcast.token.time.time", lambda: late)
    with pytest.raises(ServiceError, match="it is over"):
        check_token(token)


def test_an_issuer_that_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named, and what is wrong with it."""
    monkeypatch.delenv("TAILCAST_JWT_KEY")
    for url, error in (
        (f"http://127.0.0.1:{free_port()}/keys", ServiceError),
        ("http://issuer.example", SettingsError),
    ):
        monkeypatch.setenv("TAILCAST_JWT_JWKS_URL", url)
        with pytest.raises(error):
            check_token("x")


def test_what_cannot_be_made(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a secret, for too long, or for no time."""
    with pytest.raises(SettingsError, match="MAX_LIFETIME"):
        made(capsys, lifetime="2d")
    with pytest.raises(SettingsError, match="--for soon"):
        made(capsys, lifetime="soon")
    monkeypatch.delenv("TAILCAST_JWT_KEY")
    with pytest.raises(SettingsError, match="TAILCAST_JWT_KEY"):
        made(capsys)
