"""Which ways to say who one is are in force, and when there is no start."""

from collections.abc import Collection

import pytest

from tailcast_gateway.http.core.modes import Mode, is_here, modes_in_force


ALL = "0.0.0.0"  # noqa: S104  # nothing listens there


@pytest.mark.parametrize(
    ("asked", "address", "given", "expected"),
    [
        (["auto"], "localhost", [], ("none",)),
        (["auto"], "::1", [], ("none",)),
        (["auto"], ALL, ["token"], ("token",)),
        (["auto"], "127.0.0.1", ["jwt", "token"], ("jwt", "token")),
        (["none"], ALL, [], ("none",)),
        (["token"], "localhost", ["token"], ("token",)),
        (["auto"], ALL, ["proxy"], ("proxy",)),
        (["jwt", "proxy"], ALL, ["jwt", "proxy"], ("jwt", "proxy")),
        (["jwt", "token", "jwt"], "host", ["token", "jwt"], ("jwt", "token")),
    ],
)
def test_what_is_in_force(
    asked: list[str], address: str, given: Collection[str], expected: tuple[Mode, ...]
) -> None:
    """What is set is in force; nothing need be set where nobody else can come."""
    assert modes_in_force(asked, addresses=[address], given=given) == expected


@pytest.mark.parametrize(
    ("asked", "address", "given", "words"),
    [
        (["auto"], ALL, [], "TAILCAST_AUTH=none"),
        (["auto"], "::", [], "TAILCAST_AUTH_TOKEN"),
        (["auto"], "", [], "TAILCAST_AUTH_TOKEN"),
        (["auto"], "runs.example", [], "runs.example"),
        (["none", "token"], "localhost", ["token"], "alone"),
        (["auto", "jwt"], "localhost", ["jwt"], "alone"),
        (["token"], "localhost", [], "TAILCAST_AUTH_TOKEN"),
        (["jwt"], "localhost", [], "TAILCAST_JWT_KEY"),
        (["proxy"], "localhost", [], "TAILCAST_PROXY_USER_HEADER"),
        (["token"], "localhost", ["token", "proxy"], "no effect"),
        (["none"], "localhost", ["token"], "no effect"),
        (["token"], "localhost", ["token", "jwt"], "no effect"),
        (["basic"], "localhost", [], "name one of"),
        ([], "localhost", [], "name one of"),
    ],
)
def test_what_cannot_be(
    asked: list[str], address: str, given: Collection[str], words: str
) -> None:
    """It says what to set."""
    with pytest.raises(ValueError, match=words):
        modes_in_force(asked, addresses=[address], given=given)


def test_addresses_of_this_machine() -> None:
    """Loopback, by name or number."""
    assert all(map(is_here, ("localhost", "127.0.0.1", "127.8.8.8", "::1")))
    assert not any(map(is_here, (ALL, "::", "10.0.0.1", "host", "")))
