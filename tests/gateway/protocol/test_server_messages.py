"""The models of what clients are sent: each kind once, strict about everything."""

import msgspec
import pytest

from tailcast_gateway.protocol.server_messages import SERVER_MESSAGES, ServerMessage


def read(text: str) -> ServerMessage:
    """Read a message by its model."""
    message: ServerMessage = msgspec.json.decode(text, type=ServerMessage)
    return message


def test_each_kind_has_one_model() -> None:
    """A message's `type` says which model is its own."""
    tags = [kind.__struct_config__.tag for kind in SERVER_MESSAGES]
    assert len(set(tags)) == len(tags)


@pytest.mark.parametrize(
    "fields",
    [
        '"from":"1-0-00000000","to":"1-2048-0a1b2c3d","reason":"unheard_of"',
        '"from":"1-0-00000000","to":"1-2048","reason":"trimmed"',
        '"from":"1-0-00000000","reason":"trimmed"',
        '"from":"1-0-00000000","to":"1-2048-0a1b2c3d","reason":"trimmed","more":1',
    ],
)
def test_what_is_not_documented_does_not_pass(fields: str) -> None:
    """Other words, other places, fields too few and fields too many."""
    with pytest.raises(msgspec.ValidationError):
        read(f'{{"type":"gap","sessionId":"a",{fields}}}')


def test_absent_is_not_null() -> None:
    """What a message may leave out does not come as null, unless it says so."""
    read('{"type":"subscribed","message":"m","cursor":null,"connectionId":"c"}')
    with pytest.raises(msgspec.ValidationError):
        read('{"type":"subscribed","message":"m","sessionId":null}')


def test_a_snapshot_is_of_one_or_of_several() -> None:
    """Never half of each, and never neither."""
    one = '"sessionId":"a","cursor":null,"data":null,"status":null'
    read(f'{{"type":"snapshot",{one}}}')
    read(f'{{"type":"snapshot","snapshots":[{{{one}}}],"more":false}}')
    for fields in ('"more":true', '"sessionId":"a"', f'{one},"snapshots":[]'):
        with pytest.raises(msgspec.ValidationError):
            read(f'{{"type":"snapshot",{fields}}}')
