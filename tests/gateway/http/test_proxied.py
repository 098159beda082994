"""Whom a trusted proxy names, and what is no name."""

import pytest

from tailcast_gateway.http.core.credentials import Malformed
from tailcast_gateway.http.core.proxied import ProxyHeaders
from tailcast_gateway.views.grant import Grant


BOTH = ProxyHeaders("X-User", "X-Sessions", default_sessions=("open/*",))
ANN = (b"x-user", b" ann ")


@pytest.mark.parametrize(
    ("headers", "globs"),
    [
        ([ANN], ("open/*",)),
        ([ANN, (b"x-sessions", b"team-a/*, run_1,")], ("team-a/*", "run_1")),
        ([ANN, (b"x-sessions", b"")], ()),
        ([ANN, (b"x-other", b"bob"), (b"x_user-name", b"bob")], ("open/*",)),
    ],
)
def test_who_it_is(headers: list[tuple[bytes, bytes]], globs: tuple[str, ...]) -> None:
    """With the sessions that are named, or those that everybody may read."""
    assert BOTH.grant_in(headers) == Grant(sub="ann", globs=globs, can_write=True)


def test_without_a_header_of_sessions() -> None:
    """One that comes nevertheless says nothing."""
    grant = ProxyHeaders("X-User").grant_in([ANN, (b"x-sessions", b"team-a/*")])
    assert grant == Grant(sub="ann", globs=None, can_write=True)


@pytest.mark.parametrize("headers", [[], [(b"x-user", b"  ")], [(b"x-users", b"ann")]])
def test_nobody(headers: list[tuple[bytes, bytes]]) -> None:
    """The proxy does not say who asks."""
    assert BOTH.grant_in(headers) is None


@pytest.mark.parametrize(
    "headers",
    [
        [ANN, (b"x-user", b"bob")],
        [ANN, (b"x_user", b"bob")],
        [(b"x_user", b"bob")],
        [ANN, (b"x-sessions", b"a"), (b"x_sessions", b"*")],
        [(b"x-user", b"\xff")],
        [(b"x-user", b"a" * 257)],
        [(b"x-user", b"an\x07n")],
        [ANN, (b"x-sessions", b"a," * 300)],
    ],
)
def test_what_is_no_name(headers: list[tuple[bytes, bytes]]) -> None:
    """Twice there, spelled otherwise, or nothing that a person would be called."""
    with pytest.raises(Malformed, match="the header X-"):
        BOTH.grant_in(headers)
