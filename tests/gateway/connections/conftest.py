"""Every test of the transport runs on both event loops."""

import pytest


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """The loop: asyncio's own, or uvloop."""
    return "asyncio", {"use_uvloop": request.param}
