import pytest

from tailcast_gateway.http.core.hosts import AllowedHosts, host_in, is_loopback


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("localhost", "localhost"),
        ("LocalHost:5000", "localhost"),
        ("runs.example.org.", "runs.example.org"),
        ("runs.example.org.:5000", "runs.example.org"),
        ("a_b-c.example:", "a_b-c.example"),
        ("127.0.0.1:5000", "127.0.0.1"),
        ("[::1]:5000", "::1"),
        ("", None),
        (".", None),
        (":5000", None),
        ("::1", None),
        ("a b", None),
        ("a.example,b.example", None),
        ("user@a.example", None),
        ("a.example/path", None),
        ("a.example:port", None),
        ("a.example:5000:5000", None),
        ("[::1", None),
        ("bücher.example", None),
    ],
)
def test_what_a_header_names(text: str, expected: str | None) -> None:
    """One name or address, with or without a port, in any case of letters."""
    assert host_in(text) == expected


@pytest.mark.parametrize(
    "host",
    ["localhost", "app.localhost", "127.0.0.1", "127.8.8.8", "::1"],
)
def test_loopback(host: str) -> None:
    """The names and addresses of this machine are its own for everybody."""
    assert is_loopback(host)
    assert host in AllowedHosts()


@pytest.mark.parametrize("host", ["192.0.2.7", "2001:db8::7"])
def test_addresses(host: str) -> None:
    """An address is nobody's to give away, and is no loopback by that."""
    assert host in AllowedHosts()
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "127.1"],
)
def test_names_of_others(host: str) -> None:
    """However much they look like one's own."""
    assert host not in AllowedHosts(["runs.example.org", "*.team.example"])


def test_names_that_are_given() -> None:
    """Without regard to their port, and to the case of letters."""
    allowed = AllowedHosts(["Runs.example.org:8443", "*.team.example", "no host"])
    assert "runs.example.org" in allowed
    assert "a.b.team.example" in allowed
    assert "team.example" not in allowed
    assert "steam.example" not in allowed
    assert "sub.runs.example.org" not in allowed


def test_all_names() -> None:
    """For gateways that others guard."""
    assert "evil.example" in AllowedHosts(["*"])
