"""A gateway whose clients must say who they are, and the tokens with which they do."""

import time
from typing import Any, Final

import pytest

from tailcast_gateway.http import authentication
from tailcast_gateway.http.authentication import Authentication
from tailcast_gateway.http.core.jwts import key_in, make_token
from tailcast_gateway.http.core.tokens import Rules, only
from tailcast_gateway.replica import Replica


SECRET: Final = "a secret of thirty-two characters and more"  # a test's
KEY: Final = key_in(SECRET)


def hasten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer tokens that do not count at once: how long it takes is not tested."""
    monkeypatch.setattr(authentication, "REFUSED_SECONDS", (0.0, 0.0))


def by_tokens(replica: Replica) -> Authentication:
    """Let in who has a token of `SECRET`."""
    return Authentication(
        modes=("jwt",),
        find_key=only(KEY),
        rules=Rules(),
        now=replica.now,
        instruments=replica.instruments,
    )


def token(
    *sessions: str, seconds: float = 3_600.0, secret: str = SECRET, **more: Any
) -> str:
    """A token for sessions, all without any, that ends in so many seconds."""
    now = time.time()
    said: dict[str, Any] = {"sub": "ann", "iat": now - 60, "exp": now + seconds, **more}
    if sessions:
        said["sessions"] = list(sessions)
    return make_token(said, key_in(secret))


def bearer(token: str) -> dict[str, str]:
    """The header that brings it."""
    return {"authorization": f"Bearer {token}"}
