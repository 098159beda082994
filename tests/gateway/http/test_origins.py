import pytest

from tailcast_gateway.http.origins import is_origin_allowed, is_taken_in


@pytest.mark.parametrize(
    ("origin", "host", "allowed", "expected"),
    [
        (None, "a.example", (), True),
        ("https://a.example", "a.example", (), True),
        ("http://a.example:8080", "a.example:8080", (), True),
        ("http://a.example:8080", "a.example:5000", (), False),
        ("https://evil.example", "a.example", (), False),
        ("https://evil.example", "a.example", ("*",), True),
        ("https://good.example", "a.example", ("https://Good.example/",), True),
        ("http://127.0.0.1.evil.example", "a.example", (), False),
        ("http://127.0.0.1.evil.example", "localhost:5000", ("loopback",), False),
        ("null", "a.example", (), False),
        ("file://", "a.example", (), False),
        ("http://a:b", "a", (), False),
        ("http://[", "a", (), False),
    ],
)
def test_origins(
    origin: str | None, host: str, allowed: tuple[str, ...], expected: bool
) -> None:
    """None, its own and named ones; a lookalike is none of these."""
    found = is_origin_allowed(
        origin, host=host, peer="127.0.0.1", scheme="ws", allowed=allowed
    )
    assert found is expected


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:3000",
        "http://app.localhost",
        "http://127.0.0.1:5173",
        "http://[::1]:5173",
    ],
)
@pytest.mark.parametrize(
    ("host", "peer", "allowed", "expected"),
    [
        ("localhost:5000", "127.0.0.1", (), True),
        ("[::1]:5000", "::1", (), True),
        ("localhost:5000", "172.18.0.5", (), False),
        ("localhost:5000", None, (), False),
        ("localhost:5000", "172.18.0.5", ("loopback",), True),
        ("a.example", "127.0.0.1", (), False),
        ("a.example", "127.0.0.1", ("loopback",), False),
        ("192.0.2.7:5000", "127.0.0.1", (), False),
    ],
)
def test_origins_of_loopback(
    origin: str, host: str, peer: str | None, allowed: tuple[str, ...], expected: bool
) -> None:
    """Those of the machine of whoever asks, if the gateway is there too."""
    found = is_origin_allowed(
        origin, host=host, peer=peer, scheme="ws", allowed=allowed
    )
    assert found is expected


def test_its_own_origin_is_allowed_behind_a_proxy() -> None:
    """Which is where loopback alone is not enough."""
    assert is_origin_allowed(
        "http://localhost:5000",
        host="localhost:5000",
        peer="172.18.0.5",
        scheme="http",
        allowed=(),
    )


@pytest.mark.parametrize(
    ("site", "mode", "dest", "expected"),
    [
        ("", "", "", False),
        ("none", "navigate", "document", False),
        ("same-origin", "no-cors", "script", False),
        ("cross-site", "navigate", "document", False),
        ("cross-site", "navigate", "", False),
        ("cross-site", "no-cors", "script", True),
        ("same-site", "no-cors", "image", True),
        ("same-site", "", "", True),
        ("cross-site", "navigate", "iframe", True),
        ("same-site", "navigate", "object", True),
    ],
)
def test_what_pages_take_in(site: str, mode: str, dest: str, expected: bool) -> None:
    """What a browser says of another page's scripts, pictures and frames; no links."""
    said = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest}
    headers = {name: value for name, value in said.items() if value}
    assert is_taken_in(headers) is expected
