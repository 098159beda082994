"""What people say of a session: what is stored of a PATCH's body."""

import pytest

from tailcast_gateway.http.core.edits import edits_in
from tailcast_gateway.protocol.client_messages import InvalidMessage


@pytest.mark.parametrize(
    ("body", "edits"),
    [
        (b'{"tags":["a","b","a"]}', {"tags": b'["a","b"]'}),
        (b'{"tags":[]}', {"tags": b"[]"}),
        (b'{"tags":null,"pinned":null}', {"tags": b"", "pinned": b""}),
        (
            b'{"notes":"x \xc3\xa9","pinned":true}',
            {"notes": b"x \xc3\xa9", "pinned": b"1"},
        ),
        (b'{"notes":"","pinned":false}', {"notes": b"", "pinned": b""}),
    ],
)
def test_what_is_said_is_stored(body: bytes, edits: dict[str, bytes]) -> None:
    """What is absent stays; null takes it back."""
    assert edits_in(body) == edits


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "can be changed"),
        (b"{}", "say what to change"),
        (b"[1]", "can be changed"),
        (b'{"name":"x"}', "name"),
        (b'{"tags":"x"}', "tags"),
        (b'{"tags":[""]}', "tags"),
        (b'{"tags":["%b"]}' % (b"x" * 129), "tags"),
        (b'{"tags":[%b]}' % b",".join(b'"%d"' % n for n in range(65)), "tags"),
        (b'{"notes":"%b"}' % (b"x" * 4_097), "notes"),
        (b'{"notes":"\\ud800"}', "can be changed"),
        (b'{"pinned":1}', "pinned"),
    ],
)
def test_what_cannot_be_said(body: bytes, why: str) -> None:
    """It is bounded, and nothing else can be changed."""
    with pytest.raises(InvalidMessage, match=why):
        edits_in(body)
