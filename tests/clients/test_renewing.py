"""A client whose tokens are short, against a gateway that wants one."""

import asyncio
from asyncio.subprocess import PIPE
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.watching import CLIENT, NODE, Line, until_said
from tests.e2e.command import tailcast_up


SECRET = "0123456789-abcdefghij-ABCDEFGHIJ"
RENEWALS = 3


@pytest.mark.timeout(200)
async def test_records_go_on_while_tokens_are_renewed(tmp_path: Path) -> None:
    """Over one connection, each once and in order."""
    file = tmp_path / "logs" / "telemetry" / "run.jsonl"
    file.parent.mkdir(parents=True)
    settings = {"TAILCAST_AUTH": "jwt", "TAILCAST_JWT_KEY": SECRET}
    with tailcast_up(tmp_path, "--log-dir", "logs", **settings) as address:
        process = await asyncio.create_subprocess_exec(
            *(NODE, "tests/renew.mjs", f"http://{address}", "run", SECRET),
            cwd=CLIENT,
            stdout=PIPE,
        )
        assert process.stdout is not None
        try:
            step = 0
            said: Line = {"tokens": 0}
            while said["tokens"] <= RENEWALS:
                step += 1
                with file.open("a") as lines:
                    lines.write(f'{{"step":{step}}}\n')
                said = await until_said(process.stdout, _reaching(step))
        finally:
            process.kill()
            await process.communicate()
    assert said["steps"] == [*range(1, step + 1)]
    assert said["sockets"] == 1


def _reaching(step: int) -> Callable[[Line], bool]:
    return lambda said: said["steps"][-1] == step
