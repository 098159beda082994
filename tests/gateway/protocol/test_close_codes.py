"""The close table: complete, sendable, and the same as the protocol's."""

import pytest

from tailcast_gateway.protocol import close_codes
from tailcast_gateway.protocol.close_codes import (
    ALL_ADVICE,
    ALL_CLOSE_CODES,
    CloseCode,
    ComeBack,
    close_code,
    counted_as,
    last_words,
)
from tailcast_gateway.protocol.frames import MAX_REASON_BYTES, close_frame


# Numbers that are only ever reported: no frame carries them.
NEVER_SENT = {1001, 1005, 1006}


def test_there_is_advice_on_each() -> None:
    """Once."""
    advised = [code.number for advice in ALL_ADVICE for code in advice.codes]
    assert sorted(advised) == [code.number for code in ALL_CLOSE_CODES]


def test_the_protocols_table() -> None:
    """Every close of the protocol is here, with its advice to the client."""
    advice = {code.number: code.come_back for code in ALL_CLOSE_CODES}
    expected = {
        1001: ComeBack.BACKING_OFF,
        1005: ComeBack.BACKING_OFF,
        1009: ComeBack.BACKING_OFF,
        1012: ComeBack.AFTER_DELAY,
        4001: ComeBack.WITH_NEW_TOKEN,
        4008: ComeBack.RESUME,
        4012: ComeBack.RESUME,
        4029: ComeBack.AFTER_DELAY,
    }
    assert expected.items() <= advice.items()


def test_only_what_nobody_else_sends_keeps_a_client_away() -> None:
    """Proxies and libraries send all the others too, for reasons of their own."""
    final = {code.number for code in ALL_CLOSE_CODES if code.come_back is ComeBack.NO}
    assert final == {4400, 4401, 4409}


@pytest.mark.parametrize("code", ALL_CLOSE_CODES, ids=lambda code: str(code.number))
@pytest.mark.parametrize("chance", [0.0, 0.999])
def test_each_is_said_before_in_a_message(code: CloseCode, chance: float) -> None:
    """Which code it is and why, and when to come back, if at all."""
    words = last_words(code, chance=chance)
    if code is close_codes.DRAINING:
        assert words["type"] == "draining"
        delay = words["reconnectAfterMs"]
        assert isinstance(delay, int)
        assert 100 <= delay < 1_000
        return
    assert (words["type"], words["close"]) == ("error", code.number)
    assert code.reason in str(words["message"])
    assert ("retryAfterMs" not in words) is (code.come_back is ComeBack.NO)


def test_numbers_are_distinct() -> None:
    """One number means one thing."""
    numbers = [code.number for code in ALL_CLOSE_CODES]
    assert len(set(numbers)) == len(numbers)


def test_every_constant_is_in_the_table() -> None:
    """No close code of the module is missing from its table."""
    constants = {v for v in vars(close_codes).values() if isinstance(v, CloseCode)}
    assert constants == set(ALL_CLOSE_CODES)


@pytest.mark.parametrize("code", ALL_CLOSE_CODES, ids=lambda code: str(code.number))
def test_each_can_be_sent_whole(code: CloseCode) -> None:
    """A close fits its frame, and says when it comes."""
    assert code.sent_when
    assert len(code.reason.encode()) <= MAX_REASON_BYTES
    if code.number not in NEVER_SENT:
        assert close_frame(code.number, code.reason).endswith(code.reason.encode())


def test_looking_up_a_number() -> None:
    """A number that was seen on the wire leads to its entry, a foreign one to none."""
    assert close_code(4008) is close_codes.TOO_SLOW
    assert close_code(3999) is None


def test_numbers_that_are_none_of_ours_are_counted_together() -> None:
    """A client may choose any of thousands."""
    assert counted_as(1011) == "1011"
    assert {counted_as(number) for number in (1010, 3000, 4999)} == {"other"}
