"""Several subscriptions of one client, over one socket, while a gateway is killed."""

import asyncio
import os
import signal
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from tests.clients.watching import CLIENT, NODE, Line, process_of, until_said
from tests.e2e.command import tailcast_up


@pytest.mark.timeout(200)
async def test_each_subscription_has_each_record_once(tmp_path: Path) -> None:
    """To all sessions, and to two of them: with what came while nobody was there."""
    logs = tmp_path / "logs"
    for folder in ("telemetry", "emergency"):
        (logs / folder).mkdir(parents=True)

    def write(**steps: int) -> None:
        for session, step in steps.items():
            with (logs / "telemetry" / f"{session}.jsonl").open("a") as lines:
                lines.write(f'{{"step":{step}}}\n')

    with tailcast_up(tmp_path, "--log-dir", "logs") as address:
        process = await asyncio.create_subprocess_exec(
            *(NODE, "tests/share.mjs", f"http://{address}"),
            cwd=CLIENT,
            stdin=PIPE,
            stdout=PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            # Both are there, and have begun before the subscriptions to them.
            write(a=1, b=1)
            said = await until_said(
                process.stdout,
                lambda said: all(
                    said.get(name, {}).get("isSubscribed") for name in ("a", "b")
                ),
            )
            write(a=2, b=2)
            await until_said(process.stdout, lambda said: _newest(said, a=2, b=2))
            os.kill(process_of("gateway", tmp_path / "data"), signal.SIGKILL)
            write(a=3, b=3, born=1)
            (logs / "emergency" / "gpu.json").write_text('{"reason":"hot"}')
            said = await until_said(
                process.stdout,
                lambda said: (
                    _newest(said, a=3, b=3)
                    and said["all"].get("born") == [1]
                    and all(said["emergencies"].values())
                ),
            )
            assert said["sockets"] == 2
            process.stdin.write(b"close\n")
            write(a=4, b=4)
            said = await until_said(
                process.stdout,
                lambda said: said["a"]["a"][-1] == 4 and said["b"]["b"][-1] == 4,
            )
        finally:
            process.kill()
            await process.communicate()
    for name, session in (("all", "a"), ("all", "b"), ("a", "a"), ("b", "b")):
        steps = said[name][session]
        assert steps == [*range(steps[0], steps[-1] + 1)], (name, said)
        assert steps[0] <= 2
    assert said["emergencies"] == {"all": ["hot"], "a": ["hot"], "b": ["hot"]}
    assert said["sockets"] == 2


def _newest(said: Line, **steps: int) -> bool:
    return all(
        said[name].get(session, [0])[-1] == step
        for session, step in steps.items()
        for name in ("all", session)
    )
