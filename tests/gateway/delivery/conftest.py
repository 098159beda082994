"""What tests of who serves followers have in common."""

import pytest

from tailcast_gateway.delivery import catch_up as catch_up_module


@pytest.fixture
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is tried again at once."""
    monkeypatch.setattr(catch_up_module, "CATCH_UP_RETRY_SECONDS", 0.0)
