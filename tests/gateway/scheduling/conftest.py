"""What tests of turns have in common."""

import pytest

from tests.gateway.scheduling.rig import Rig


@pytest.fixture
def rig() -> Rig:
    """A scheduler, and who computes."""
    return Rig()
