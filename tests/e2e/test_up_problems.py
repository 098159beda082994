"""Whoever starts it where nothing will be seen is told so, and what to do."""

import asyncio
import json
import os
import sys
from pathlib import Path
from urllib.request import urlopen

from tests.brokers import free_port
from tests.integration.gateway_rig import PATIENCE_SECONDS


async def test_a_file_beside_the_patterns_is_said(tmp_path: Path) -> None:
    """At the start, and by the API: the same words, with the line that mends it."""
    logs = tmp_path / "logs" / "telemetry"
    logs.mkdir(parents=True)
    (logs / "other.jsonl").write_text('{"step":1}\n')
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tailcast", "up", "--log-dir", str(logs.parent),
        "--port", str(port), "--data-dir", str(tmp_path / "data"),
        env={**os.environ, "TAILCAST_TELEMETRY_PATTERNS": "telemetry/run_*.jsonl"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip  # as it is typed
    assert process.stdout is not None
    told = list[str]()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not any("other.jsonl" in line for line in told):
                told.append((await process.stdout.readline()).decode())
                assert told[-1], told
        url = f"http://localhost:{port}/api/status"
        with await asyncio.to_thread(urlopen, url) as answer:  # ours
            problems = json.load(answer)["problems"]
    finally:
        process.terminate()
        await process.wait()
    assert told[0].startswith("tailcast ready on")
    for problem in problems:
        line = f"problem: {problem['about']}: {problem['reason']} → {problem['mend']}\n"
        assert line in told
    (mine,) = [one for one in problems if one["about"].endswith("other.jsonl")]
    assert mine["mend"].startswith(f"tailcast up {logs}")
