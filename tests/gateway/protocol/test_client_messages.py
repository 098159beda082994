import contextlib
import json

import pytest
from hypothesis import given, strategies as st

from tailcast_gateway.protocol.client_messages import (
    Acknowledging,
    From,
    Heartbeat,
    InvalidMessage,
    Subscribe,
    Unsubscribe,
    error_message,
    not_allowed,
    parse,
    read_acknowledging,
    why_unavailable,
)
from tailcast_gateway.scheduling.time_limit import WaitedTooLong
from tailcast_streams.exceptions import BrokerFull, BrokerRefused, BrokerUnavailable


def refused(text: str | bytes) -> InvalidMessage:
    """What a text is refused with."""
    with pytest.raises(InvalidMessage) as caught:
        parse(text.encode() if isinstance(text, str) else text)
    return caught.value


def test_what_is_understood() -> None:
    """All fields, under the names of the protocol."""
    text = (
        '{"type":"subscribe","id":7,"sessionIds":["a","b*"],"add":true,'
        '"from":{"last":3},"cursors":{"a":"1-2-00000000","b":null},"at":5}'
    )
    assert parse(text.encode()) == Subscribe(
        id=7, session_ids=["a", "b*"], add=True, from_=From(last=3),
        cursors={"a": "1-2-00000000", "b": None}, at=5,
    )  # fmt: skip  # one glance
    assert parse(b'{"type":"subscribe","from":"start"}') == Subscribe(from_="start")
    assert parse(b'{"type":"unsubscribe","sessionId":"a"}') == Unsubscribe(
        session_id="a"
    )
    assert parse(b'{"type":"heartbeat","everyMs":9}') == Heartbeat(every_ms=9)
    assert parse(b'{"type":"heartbeat","more":1}') == Heartbeat()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", "null", '"subscribe"', '{"type":1}', '{"type":null}', "{}",
     '{"type":"dance"}', "[" * 100_000, b"\xff\xfe", b'{"type":"\xff"}'],
)  # fmt: skip  # one glance
def test_what_is_no_message(text: str | bytes) -> None:
    """Base's words, whatever it was."""
    error = refused(text)
    assert (error.code, error.text) == ("invalid_message", "Invalid message format")


def deep(levels: int) -> str:
    """Lists within each other, so many levels with the message around them."""
    return "[" * (levels - 1) + "]" * (levels - 1)


@pytest.mark.parametrize("levels", [101, 128, *range(900, 1_000, 7), 50_000])
@pytest.mark.parametrize(
    "text",
    [
        '{"type":"subscribe","id":7,"where":%s}',
        '{"type":"subscribe","id":7,"strict":true,"more":%s}',
        '{"type":"subscribe","id":7,"from":%s}',
        '{"id":7,"type":"heartbeat","x":%s}',
    ],
)
def test_a_message_that_is_too_deep_gets_its_error(text: str, levels: int) -> None:
    """However deep; with its ID, unless that cannot be read either."""
    error = refused(text.replace("%s", deep(levels)))
    assert error.code == "invalid_message"
    if levels < 900:
        assert error.id == 7
        assert error.text == (
            "Invalid message: nested too deeply: more than 100 levels"
        )


def test_a_message_may_be_as_deep_as_a_record() -> None:
    """What is not known is passed over."""
    text = b'{"type":"heartbeat","x":%b,"y":"%b"}'
    assert parse(text % (deep(100).encode(), b"[" * 200)) == Heartbeat()


@pytest.mark.parametrize("id", [2**63, -(2**63) - 1, 10**30, 10**400])
def test_a_number_that_no_answer_could_repeat_is_no_id(id: int) -> None:
    """MessagePack has none such."""
    assert refused(b'{"type":"heartbeat","id":%d}' % id).code == "invalid_message"
    assert refused(b'{"type":"dance","id":%d}' % id).id is None
    assert parse(b'{"type":"heartbeat","id":%d}' % (2**63 - 1)).id == 2**63 - 1


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ('{"type":"subscribe","sessionId":5}', "invalid_message", "sessionId"),
        ('{"type":"subscribe","sessionId":""}', "invalid_message", "length"),
        ('{"type":"subscribe","sessionId":"!x"}', "invalid_message", "!"),
        ('{"type":"subscribe","sessionIds":[]}', "invalid_message", "empty"),
        ('{"type":"unsubscribe","sessionIds":["!"]}', "invalid_message", "!"),
        ('{"type":"subscribe","replay":-1}', "invalid_message", "replay"),
        ('{"type":"subscribe","from":"now","replay":1}', "invalid_message", "exclude"),
        ('{"type":"subscribe","from":"then"}', "invalid_message", "then"),
        ('{"type":"subscribe","from":{}}', "invalid_message", "one of"),
        ('{"type":"subscribe","from":{"last":1,"step":2}}', "invalid_message",
         "one of"),
        ('{"type":"subscribe","from":{"x":1}}', "invalid_message", "x"),
        ('{"type":"subscribe","maxRate":0}', "invalid_message", "maxRate"),
        ('{"type":"subscribe","maxPoints":1}', "invalid_message", "maxPoints"),
        ('{"type":"subscribe","metrics":[]}', "invalid_message", "metrics"),
        ('{"type":"subscribe","clientId":""}', "invalid_message", "clientId"),
        ('{"type":"subscribe","ack":"later"}', "invalid_message", "ack"),
        ('{"type":"ack","sessionId":"a"}', "invalid_message", "cursor"),
        ('{"type":"auth"}', "invalid_message", "token"),
        ('{"type":"history","sessionId":"!a"}', "invalid_message", "!"),
        ('{"type":"history","sessionId":"a","before":"x","after":"x"}',
         "invalid_message", "exclude"),
        ('{"type":"heartbeat","strict":true,"x":1}', "invalid_message", "field: x"),
        ('{"type":"subscribe","strict":true,"sesionId":"a"}', "invalid_message",
         "sesionId"),
    ],
)  # fmt: skip  # one glance
def test_what_does_not_fit(text: str, code: str, words: str) -> None:
    """A code, and words that name what does not fit; the message's own ID is kept."""
    error = refused(json.dumps({**json.loads(text), "id": "mine"}))
    assert error.code == code
    assert words in error.text
    assert error.id == "mine"


def test_strict_messages_that_fit() -> None:
    """Known fields are no offence."""
    text = b'{"type":"subscribe","strict":true,"sessionId":"a","from":"now","id":1}'
    assert parse(text) == Subscribe(id=1, strict=True, session_id="a", from_="now")


@given(st.binary() | st.text().map(str.encode))
def test_no_input_crashes(data: bytes) -> None:
    """Anything is a message or an `InvalidMessage`."""
    with contextlib.suppress(InvalidMessage):
        parse(data)


def test_who_has_seen_an_emergency() -> None:
    """With a note or without; whatever else is said is not understood."""
    assert read_acknowledging(b'{"who":"ada"}') == Acknowledging(who="ada", note="")
    for text in (b"", b"{}", b'{"who":""}', b'{"who":"a","x":1}', b'{"who":"\xff"}'):
        with pytest.raises(InvalidMessage):
            read_acknowledging(text)


def test_answers() -> None:
    """Errors leave out what there is not to say."""
    assert error_message("unavailable", "no") == {
        "type": "error", "code": "unavailable", "message": "no",
    }  # fmt: skip  # one glance
    full = error_message("unavailable", "no", id=0, retry_after_ms=5)
    assert (full["id"], full["retryAfterMs"]) == (0, 5)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BrokerUnavailable("connection refused"), "The broker cannot be reached now"),
        (BrokerFull("OOM …"), "The broker is full now"),
        (
            WaitedTooLong(),
            "Not in time: others are served: it has waited 30 s for its turn",
        ),
        (
            BrokerRefused("NOPERM …", code="NOPERM"),
            "The broker refuses this (NOPERM): whoever runs the server must mend it",
        ),
        (
            BrokerRefused("too old"),
            "The broker refuses this: whoever runs the server must mend it",
        ),
    ],
)
def test_what_is_told_of_the_broker(error: Exception, words: str) -> None:
    """Whether to wait or to ask somebody, with its code and without its words."""
    assert why_unavailable(error) == words


def test_a_session_that_is_not_allowed() -> None:
    """It is named, and nothing is said of whether it exists."""
    error = not_allowed("a/b", 7)
    assert (error.code, error.text, error.id) == (
        "not_authorized", "Not authorized: a/b", 7,
    )  # fmt: skip  # one glance
