"""The close table: complete, sendable, and the same as the protocol's."""

import pytest

from gateway import close_codes
from gateway.close_codes import ALL_CLOSE_CODES, CloseCode, ComeBack, close_code
from gateway.frames import MAX_REASON_BYTES, close_frame


# Numbers that are only ever reported: no frame carries them.
NEVER_SENT = {1005, 1006}


def test_the_protocols_table() -> None:
    """Every close of the protocol is here, with its advice to the client."""
    advice = {code.number: code.come_back for code in ALL_CLOSE_CODES}
    expected = {
        1000: ComeBack.NO,
        1001: ComeBack.NO,
        1009: ComeBack.NO,
        1012: ComeBack.AFTER_DELAY,
        4001: ComeBack.WITH_NEW_TOKEN,
        4008: ComeBack.RESUME,
        4409: ComeBack.NO,
        4012: ComeBack.RESUME,
        4029: ComeBack.AFTER_DELAY,
        4400: ComeBack.NO,
        4401: ComeBack.NO,
    }
    assert expected.items() <= advice.items()


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
