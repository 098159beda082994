import pytest

from tailcast_gateway.http.origins import is_origin_allowed


@pytest.mark.parametrize(
    ("origin", "host", "allowed", "expected"),
    [
        (None, "a.example", (), True),
        ("https://a.example", "a.example", (), True),
        ("http://a.example:8080", "a.example:8080", (), True),
        ("http://a.example:8080", "a.example:5000", (), False),
        ("https://evil.example", "a.example", (), False),
        ("https://evil.example", None, (), False),
        ("https://evil.example", "a.example", ("*",), True),
        ("https://good.example", "a.example", ("https://Good.example/",), True),
        ("http://localhost:3000", "a.example", (), True),
        ("http://app.localhost", "a.example", (), True),
        ("http://127.0.0.1:5173", "a.example", (), True),
        ("http://[::1]:5173", "a.example", (), True),
        ("http://127.0.0.1.evil.example", "a.example", (), False),
        ("null", "a.example", (), False),
        ("file://", "a.example", (), False),
        ("http://a:b", "a", (), False),
        ("http://[", "a", (), False),
    ],
)
def test_origins(
    origin: str | None, host: str | None, allowed: tuple[str, ...], expected: bool
) -> None:
    """None, its own, loopback and named ones; a lookalike is none of these."""
    found = is_origin_allowed(origin, host=host, scheme="ws", allowed=allowed)
    assert found is expected
