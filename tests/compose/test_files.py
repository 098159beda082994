"""What docker-compose.yml says, asked of `docker compose config`: without an engine."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tailcast_gateway.settings import GatewaySettings
from tailcast_indexer.settings import IndexerSettings
from tailcast_service.build import VERSION
from tailcast_tailer.settings import TailerSettings


ROOT = Path(__file__).parent.parent.parent
DOCKER = shutil.which("docker") or "docker"
EXTERNAL = ("-f", "docker-compose.yml", "-f", "deploy/compose.external-redis.yml")
# Of an image that nobody told when its source was made.
NO_TIME = "1970-01-01T00:00:00Z"
# What containers have from the file, and nobody sets.
FIXED = {"REDIS_URL", "LOG_DIR", "METRICS_PORT", "HOST", "PORT", "PUBLISH"}
# What the file has something to add to, or a value of its own for.
ADDED_TO = {"ALLOWED_HOSTS", "ALLOWED_ORIGINS", "TRUSTED_PROXIES"}
# What only `tailcast up PATH` has a use for, and what is not taken since the balancer
# takes such headers away, whoever sends them.
NOT_HERE = {
    "LISTEN_FDS",
    "PATHS",
    "PROXY_SESSIONS_HEADER",
    "PROXY_USER_HEADER",
    "READY_FD",
}


def _compose(
    *arguments: str, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TAILCAST_", "COMPOSE_"))
    }
    return subprocess.run(
        [DOCKER, "compose", *arguments],
        cwd=ROOT,
        env={**environment, **(variables or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _services(*files: str, variables: Mapping[str, str] | None = None) -> Any:
    finished = _compose(*files, "config", "--format", "json", variables=variables)
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)["services"]


@pytest.mark.parametrize(
    ("service", "settings"),
    [
        ("tailer", TailerSettings),
        ("indexer", IndexerSettings),
        ("gateway", GatewaySettings),
    ],
)
def test_every_setting_of_a_service_reaches_it(
    service: str, settings: type[TailerSettings | IndexerSettings | GatewaySettings]
) -> None:
    """What the settings class has, the file passes on; and nothing else."""
    environment = _services()[service]["environment"]
    fields = {name.upper() for name in settings.model_fields}
    expected = {f"TAILCAST_{name}" for name in fields - NOT_HERE}
    assert set(environment) == expected
    unset = {name for name, value in environment.items() if value is None}
    assert unset == {
        f"TAILCAST_{name}" for name in fields - NOT_HERE - FIXED - ADDED_TO
    }


def test_a_gateway_is_called_by_its_services_too() -> None:
    """Beside the names that are given, and loopback pages may connect to it."""
    for given, hosts in (
        ({}, "gateway,lb,"),
        ({"TAILCAST_ALLOWED_HOSTS": "runs.example"}, "gateway,lb,runs.example"),
    ):
        environment = _services(variables=given)["gateway"]["environment"]
        assert environment["TAILCAST_ALLOWED_HOSTS"] == hosts
        assert environment["TAILCAST_ALLOWED_ORIGINS"] == "loopback"


def test_it_is_published_on_loopback_unless_told_otherwise() -> None:
    """Only the balancer is published, and to others only knowingly."""
    opened = {"TAILCAST_PUBLISH": "192.0.2.1", "TAILCAST_PORT": "8080"}
    for variables, address, port in (
        ({}, "127.0.0.1", "5000"),
        (opened, "192.0.2.1", "8080"),
    ):
        services = _services(variables=variables)
        ports = services["lb"].pop("ports")
        assert [(one["host_ip"], one["published"]) for one in ports] == [
            (address, port)
        ]
        assert [name for name, one in services.items() if "ports" in one] == []


def test_another_redis_takes_the_place_of_ours() -> None:
    """With the override there is no Redis here, and the services use the one named."""
    url = "redis://elsewhere:6379/0"
    services = _services(*EXTERNAL, variables={"TAILCAST_REDIS_URL": url})
    assert "redis" not in services
    for name in ("tailer", "indexer", "gateway"):
        assert services[name]["environment"]["TAILCAST_REDIS_URL"] == url


def test_another_redis_has_to_be_named() -> None:
    """Without its address the override says what to set."""
    finished = _compose(*EXTERNAL, "config")
    assert finished.returncode != 0
    assert "TAILCAST_REDIS_URL" in finished.stderr


def test_prometheus_is_this_machines_and_by_request() -> None:
    """Without the profile it is not there; with it, on loopback whatever is opened."""
    assert "prometheus" not in _services()
    opened = {"TAILCAST_PUBLISH": "192.0.2.1", "TAILCAST_PROMETHEUS_PORT": "9191"}
    services = _services("--profile", "monitoring", variables=opened)
    (port,) = services["prometheus"]["ports"]
    assert (port["host_ip"], port["published"]) == ("127.0.0.1", "9191")


@pytest.mark.parametrize("service", ["tailer", "indexer", "gateway"])
def test_an_image_is_named_by_its_version(service: str) -> None:
    """This one's, or the one that is asked for; nothing is known of its source."""
    (ours, asked) = (
        _services(variables=variables)[service]
        for variables in ({}, {"TAILCAST_VERSION": "0.0.9"})
    )
    assert ours["image"] == f"tailcast-{service}:{VERSION}"
    assert asked["image"] == f"tailcast-{service}:0.0.9"
    assert ours["build"]["args"] == {"REVISION": "unknown", "CREATED": NO_TIME}
