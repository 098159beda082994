"""What a browser is told besides the page."""

from base64 import b64encode
from hashlib import sha256

import pytest

from tailcast_gateway.http.core.page_headers import page_headers, takes_gzip


def policy_of(html: str) -> dict[str, list[str]]:
    """What a page may do, by its policy."""
    directives = page_headers(html)["content-security-policy"].split("; ")
    return {name: sources for name, *sources in map(str.split, directives)}


def test_a_page_may_do_what_it_says_itself() -> None:
    """Its inline scripts and styles by their hashes, so that no others run."""
    digest = b64encode(sha256(b"\none()\n").digest()).decode()
    policy = policy_of("<p>1</p><script>\none()\n</script><style>p {}</style>")
    assert policy["script-src"] == ["'self'", f"'sha256-{digest}'"]
    assert len(policy["style-src"]) == 2


def test_a_page_may_do_nothing_else() -> None:
    """It loads from here alone, nobody frames it, and no text becomes HTML."""
    policy = policy_of('<script type="module" src="./a.js"></script>')
    assert policy["default-src"] == policy["script-src"] == ["'self'"]
    assert policy["style-src"] == ["'self'"]
    assert policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
    assert policy["require-trusted-types-for"] == ["'script'"]
    assert "unsafe" not in str(policy)
    assert "://" not in str(policy)


@pytest.mark.parametrize(
    ("header", "takes"),
    [
        ("gzip, deflate, br", True),
        ("br, GZIP", True),
        ("deflate, gzip;q=0.5", True),
        ("*", True),
        ("gzip; q=0", False),
        ("gzip;q=0.000, *", False),
        ("br, x-gzip", False),
        ("", False),
    ],
)
def test_who_takes_gzip(header: str, takes: bool) -> None:
    """Whoever says so."""
    assert takes_gzip(header) is takes
