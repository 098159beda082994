"""The cookie of a browser that has signed in, and in which requests it counts."""

import pytest

from tailcast_gateway.http.core.cookies import (
    ENDED,
    cookie_header,
    cookie_name,
    is_of_own_page,
)


def test_its_form() -> None:
    """No script reads it, no other site sends it, over TLS no other host sets it."""
    plain = cookie_header("x", seconds=60, scheme="http")
    assert plain["set-cookie"] == (
        "tailcast=x; Max-Age=60; Path=/; HttpOnly; SameSite=Strict"
    )
    secure = cookie_header(ENDED, seconds=0, scheme="https")
    assert secure["set-cookie"] == (
        "__Host-tailcast=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict; Secure"
    )
    assert plain["cache-control"] == secure["cache-control"] == "no-store"
    assert cookie_name("wss") == "__Host-tailcast"


@pytest.mark.parametrize(
    ("headers", "method", "is_own_origin", "counts"),
    [
        ({}, "GET", False, True),
        ({}, "HEAD", False, True),
        ({}, "POST", False, False),
        ({}, None, False, False),
        ({"origin": "http://here"}, "POST", True, True),
        ({"origin": "http://here"}, None, True, True),
        ({"origin": "http://there"}, "GET", False, False),
        ({"origin": "null"}, None, False, False),
        ({"sec-fetch-site": "same-origin"}, "GET", False, True),
        ({"sec-fetch-site": "none"}, "GET", False, True),
        ({"sec-fetch-site": "same-site"}, "GET", False, False),
        ({"sec-fetch-site": "cross-site"}, "GET", False, False),
        ({"sec-fetch-site": "same-origin"}, "PATCH", False, False),
    ],
)
def test_where_it_counts(
    headers: dict[str, str], method: str | None, is_own_origin: bool, counts: bool
) -> None:
    """In requests of our own page alone."""
    found = is_of_own_page(headers, method=method, is_own_origin=is_own_origin)
    assert found is counts
