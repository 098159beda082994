"""What codes of errors say."""

from typing import get_args

from tailcast_gateway.protocol.client_messages import ErrorCode
from tailcast_gateway.protocol.error_codes import ERROR_TEXTS


def test_each_is_explained() -> None:
    """And no other."""
    assert ERROR_TEXTS.keys() == set(get_args(ErrorCode))
