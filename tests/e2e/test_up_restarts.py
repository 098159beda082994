"""`tailcast up` through restarts of its gateway, and of all of it: nothing is lost."""

import pytest

from benchmarks.survival import restarts


@pytest.mark.long
async def test_clients_come_back_to_a_lone_gateway(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After SIGTERM, after SIGKILL, and after `tailcast up` was ended and begun."""
    monkeypatch.setattr(restarts, "QUIET_SECONDS", 6.0)
    found = [figures async for figures in restarts.measure(followers=3)]
    assert [one.what for one in found] == list(restarts.FAULTS)
    assert [one.wrong for one in found] == [0, 0, 0]
