"""The profile `monitoring`: Prometheus sees every replica, and its rules say when."""

import asyncio
import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.checker.compose_stack import ROOT, ComposeStack


DOCKER = shutil.which("docker") or "docker"
IMAGE = "prom/prometheus:v2.53.3"
PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def prometheus(stack: ComposeStack) -> Iterator[int]:
    """Its port, beside a stack that is up."""
    monitoring = ("--profile", "monitoring")
    stack.compose(
        *monitoring, "up", "--detach", "--no-recreate", "--wait", "prometheus"
    )
    try:
        yield stack.prometheus_port
    finally:
        stack.compose(*monitoring, "rm", "--stop", "--force", "prometheus")


def _ask(prometheus: int, path: str) -> Any:
    """What its API answers."""
    url = f"http://127.0.0.1:{prometheus}/api/v1/{path}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)["data"]


def _up(prometheus: int) -> dict[str, int]:
    """How many targets of each job answered when they were asked last."""
    found: dict[str, int] = {}
    for target in _ask(prometheus, "targets?state=active")["activeTargets"]:
        job = target["labels"]["job"]
        found[job] = found.get(job, 0) + (target["health"] == "up")
    return found


async def test_every_replica_is_asked(stack: ComposeStack, prometheus: int) -> None:
    """One of each, and as many gateways as there are at any time."""
    for gateways in (3, 2):
        stack.scale(gateways)
        there = {"gateway": gateways, "tailer": 1, "indexer": 1, "balancer": 1}
        async with asyncio.timeout(PATIENCE_SECONDS):
            while _up(prometheus) != there:
                await asyncio.sleep(0.5)


async def test_rules_are_loaded_and_can_be_computed(prometheus: int) -> None:
    """All of the file's, each computed at least once without an error."""
    text = (ROOT / "deploy/alerts.yml").read_text()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            groups = _ask(prometheus, "rules")["groups"]
            rules = [rule for group in groups for rule in group["rules"]]
            health = {rule["health"] for rule in rules}
            if "unknown" not in health:
                break
            await asyncio.sleep(0.5)
    assert health == {"ok"}
    assert len(rules) == len(re.findall(r"- (?:alert|record): ", text))


@pytest.mark.usefixtures("prometheus")
def test_alerts_come_when_they_should() -> None:
    """The examples of alerts_test.yml, by Prometheus' own tool."""
    finished = subprocess.run(
        [
            *(DOCKER, "run", "--rm", "--entrypoint", "promtool"),
            *("--volume", f"{ROOT}/deploy/alerts.yml:/rules/alerts.yml:ro"),
            *("--volume", f"{ROOT}/tests/compose/alerts_test.yml:/rules/test.yml:ro"),
            *(IMAGE, "test", "rules", "/rules/test.yml"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_every_alert_has_an_example() -> None:
    """A rule that was never seen to come may never come."""
    rules = (ROOT / "deploy/alerts.yml").read_text()
    examples = (ROOT / "tests/compose/alerts_test.yml").read_text()
    names = [line.split()[-1] for line in rules.splitlines() if "- alert: " in line]
    assert names
    assert [name for name in names if f"alertname: {name}\n" not in examples] == []
