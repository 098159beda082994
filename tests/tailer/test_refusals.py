"""A broker that answers, and refuses what a tailer needs."""

from contextlib import aclosing
from pathlib import Path

import pytest

from tailcast_streams.redis.broker import RedisBroker
from tests.accounts import add_account
from tests.brokers import BrokerServer
from tests.tailer.harness import (
    eventually,
    lines,
    running,
    session_path,
    texts,
    wait_for_records,
)


@pytest.mark.parametrize("command", ["set", "client|setname", "zadd", "evalsha"])
async def test_what_is_refused_is_told_and_waited_for(
    own_broker: BrokerServer,
    tmp_path: Path,
    command: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not as a broker that is away: with its words and what mends it, once."""
    monkeypatch.setattr("tailcast_tailer.pipeline.DEFECT_SECONDS", 0.1)
    monkeypatch.setattr("tailcast_service.broker_news.REFUSED_SECONDS", 1.0)
    session_path(tmp_path, "a").write_bytes(lines(1))
    url = add_account(own_broker, "tailer", f"~* &* +@all -{command}")
    async with (
        aclosing(RedisBroker(url)) as broker,
        running(broker, tmp_path, audit_interval=0.1) as tailer,
    ):

        async def is_told() -> bool:
            reason = tailer.why_not_ready()
            return reason.startswith("the broker refuses: NOPERM ") and (
                reason.endswith("docs/operations.md has the rule")
            )

        await eventually(is_told)
        with own_broker.client() as client:
            client.execute_command("ACL", "SETUSER", "tailer", f"+{command}")
        await wait_for_records(broker, "a", texts(1))

        async def is_ready() -> bool:
            return not tailer.why_not_ready()

        await eventually(is_ready)
    told = capsys.readouterr().out
    assert told.count("broker refused") == 1
    assert "cannot be reached" not in told
