"""What is loaded before a service serves: nothing that it does not need for that.

Each of these costs a tenth of a second or more where a machine is busy, and that much
longer are clients without their gateway when it is started anew.
"""

import os
import subprocess
import sys

import pytest


ASKED_ONLY = {"httpx", "docker", "textual", "mcp", "rich", "pygments"}
SERVERS = {"fastapi", "starlette", "uvicorn", "websockets"}
BROKERS = {"redis", "hiredis"}


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        # The command line, which all commands begin with.
        (
            "tailcast.main",
            {"pydantic", "structlog", "prometheus_client", *SERVERS, *BROKERS},
        ),
        # It checks the settings of all services and runs none.
        ("tailcast.up", {"prometheus_client", "watchfiles", *SERVERS, *BROKERS}),
        ("tailcast_tailer.app", {"tailcast_gateway", "tailcast", "typer", *SERVERS}),
        (
            "tailcast_indexer.app",
            {"tailcast_tailer", "tailcast_gateway", "tailcast", "typer", *SERVERS},
        ),
        # The routes are made while it listens.
        (
            "tailcast_gateway.app",
            {"tailcast_tailer", "tailcast", "typer", "fastapi", "jwt"},
        ),
    ],
)
def test_nothing_is_loaded_that_the_start_does_not_need(
    module: str, forbidden: set[str]
) -> None:
    """What only some requests or commands need is loaded when these come."""
    look = (
        "import sys; from tailcast_service.start import begin; begin();"
        f"import {module}; print(*filter(sys.modules.get, sys.modules), sep='\\n')"
    )
    loaded = subprocess.run(
        [sys.executable, "-P", "-c", look], capture_output=True, text=True, check=True
    ).stdout
    names = {name.partition(".")[0] for name in loaded.splitlines()}
    assert module.partition(".")[0] in names
    assert names & (forbidden | ASKED_ONLY) == set()


def test_no_service_goes_through_all_that_is_installed() -> None:
    """As pydantic does for plugins, unless it is told not to."""
    start = (
        "from tailcast_service.start import begin; begin();"
        "import importlib.metadata as installed; installed.distributions = None;"
        "import tailcast_tailer.settings, tailcast_gateway.settings"
    )
    command = [sys.executable, "-P", "-c", start]
    subprocess.run(command, capture_output=True, check=True)
    environment = {**os.environ, "PYDANTIC_DISABLE_PLUGINS": ""}
    does = subprocess.run(command, capture_output=True, check=False, env=environment)
    assert b"'NoneType' object is not callable" in does.stderr
