"""Paths as texts."""

import os

from tailcast_tailer.core.texts import as_text


def test_a_path_is_text_that_can_be_encoded() -> None:
    """UTF-8 stays as it is, whatever it is; other bytes are shown escaped."""
    assert as_text("/logs/é\n\\x") == "/logs/é\n\\x"
    text = as_text(os.fsdecode(b"/logs/caf\xe9.log"))
    assert text == r"/logs/caf\xe9.log"
    assert text.encode()
