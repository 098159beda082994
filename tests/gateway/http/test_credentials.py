"""Where a request says who sends it."""

import base64

import pytest

from tailcast_gateway.http.core.credentials import (
    BEARER_PROTOCOL,
    Malformed,
    Presented,
    presented,
)


def offered(token: str) -> str:
    """A token as a subprotocol."""
    text = base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
    return BEARER_PROTOCOL + text


def found(*headers: tuple[str, str], cookie: str = "") -> Presented | None:
    """What these headers bring."""
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return presented(raw, cookie=cookie)


PROTOCOL = "sec-websocket-protocol"


def test_where_a_token_is() -> None:
    """In a header, or among the subprotocols beside a real one; else nowhere."""
    assert found() is None
    assert found(("authorization", "Bearer abc")) == Presented("bearer", "abc")
    assert found(("authorization", "bEARER  abc ")) == Presented("bearer", "abc")
    assert found((PROTOCOL, f"tailcast.v1.json, {offered('abc')}")) == Presented(
        "bearer", "abc"
    )
    assert found((PROTOCOL, "tailcast.v1.json")) is None


def test_schemes_of_others() -> None:
    """What a proxy lets through of its own is none of ours, wrong or right."""
    assert found(("authorization", "Basic YTpi")) is None
    assert found(("authorization", "token abc"), ("authorization", "Bearer x")) == (
        Presented("bearer", "x")
    )


def test_a_header_goes_before_a_cookie() -> None:
    """The first that is there decides; a cookie only where it counts."""
    cookie = ("cookie", "a=1; name=sealed; b=2")
    assert found(cookie, cookie="name") == Presented("cookie", "sealed")
    assert found(cookie) is None
    assert found(cookie, ("authorization", "Bearer x"), cookie="name") == Presented(
        "bearer", "x"
    )
    assert found(cookie, ("cookie", "name=other"), cookie="name") is None


@pytest.mark.parametrize(
    "headers",
    [
        [("authorization", "Bearer a"), ("authorization", "Bearer b")],
        [("authorization", "Bearer a"), (PROTOCOL, f"x, {offered('b')}")],
        [(PROTOCOL, offered("a"))],
        [(PROTOCOL, f"x, {BEARER_PROTOCOL}a")],
        [(PROTOCOL, f"x, {offered('a')}, {offered('b')}")],
    ],
)
def test_what_cannot_be_read(headers: list[tuple[str, str]]) -> None:
    """Two tokens, one alone where a real subprotocol must be, or one that is none."""
    with pytest.raises(Malformed):
        found(*headers)
