"""The command line as a person meets it: a process, its output, its exit code."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE_SECONDS


def run(
    *arguments: str, cwd: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """`tailcast ARGUMENTS` in that directory, with only these settings."""
    environment = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith("TAILCAST_")
    }
    return subprocess.run(
        [sys.executable, "-P", "-m", "tailcast", *arguments],
        cwd=cwd,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def test_the_version_is_told(tmp_path: Path) -> None:
    """`--version` names the program and ends with 0."""
    result = run("--version", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("tailcast ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bogus"], "No such command 'bogus'"),
        (["up", "--bogus"], "No such option: --bogus"),
        (["up", "--port", "x"], "--port x: write a whole number"),
        (["up", "--port", "0"], "--port 0: must be greater"),
        (["up", "nowhere"], "nowhere: no such file or directory"),
        (["up", "--redis-url", "nope"], "--redis-url nope: write an address as"),
        (["tailer"], "TAILCAST_REDIS_URL is required"),
        (["gateway"], "TAILCAST_REDIS_URL is required"),
        (["indexer"], "TAILCAST_REDIS_URL is required"),
        (["simulate", "--rate", "0"], "--rate 0: must be above 0"),
        (["simulate", "--steps", "x"], "Invalid value for '--steps'"),
    ],
)
def test_wrong_usage_is_one_line_and_2(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    """The line says what is wrong; there is no traceback and nothing on stdout."""
    result = run(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"tailcast: {message}")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("service", ["tailer", "indexer", "gateway"])
def test_an_address_that_no_service_understands_ends_it_with_2(
    service: str, tmp_path: Path
) -> None:
    """Starting it again would change nothing; its last line says what is wrong."""
    url = "redis://localhost/0?nonsense=1"
    result = run(service, cwd=tmp_path, TAILCAST_REDIS_URL=url)
    assert result.returncode == 2
    last = result.stderr.splitlines()[-1]
    assert last.startswith("tailcast: TAILCAST_REDIS_URL: not a broker URL")
    assert "nonsense" in last


@pytest.mark.parametrize(
    "arguments",
    [["up"], ["tailer"], ["indexer"], ["gateway"], ["config"], ["simulate"]],
)
def test_a_misspelt_setting_stops_every_command(
    arguments: list[str], tmp_path: Path
) -> None:
    """Whoever starts first tells it."""
    result = run(*arguments, cwd=tmp_path, TAILCAST_PROT="1")
    assert result.returncode == 2
    assert "TAILCAST_PROT" in result.stderr
    assert "TAILCAST_PORT" in result.stderr
    assert result.stderr.count("\n") == 1


def test_no_command_says_what_there_is(tmp_path: Path) -> None:
    """Help goes to stderr, since it was not asked for."""
    result = run(cwd=tmp_path)
    assert result.returncode == 2
    assert "simulate" in result.stderr


def test_config_shows_every_setting(tmp_path: Path) -> None:
    """Name, value, origin, default and meaning, secrets masked."""
    result = run("config", cwd=tmp_path, TAILCAST_REDIS_URL="redis://:pw@h")
    assert result.returncode == 0
    assert "TAILCAST_REDIS_URL = redis://:***@h    [environment]" in result.stdout
    assert "TAILCAST_PORT = 5000    [default]" in result.stdout
    assert "TCP port to listen on; default: 5000" in result.stdout
    assert "TAILCAST_LOG_DIR = logs    [default]" in result.stdout
    assert "pw" not in result.stdout


def test_config_needs_no_broker(tmp_path: Path) -> None:
    """What is required and not set is listed as that."""
    result = run("config", cwd=tmp_path)
    assert result.returncode == 0
    assert "TAILCAST_REDIS_URL = (none)    [not set]" in result.stdout


def test_a_gateway_that_does_not_answer_is_one_line_and_1(tmp_path: Path) -> None:
    """`sessions` says what to start."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        result = run("sessions", "--url", url, cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith(f"tailcast: no gateway answers at {url}")
    assert result.stderr.count("\n") == 1


def test_a_taken_port_names_the_option(tmp_path: Path) -> None:
    """It is found before anything starts."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = run("up", "--port", port, cwd=tmp_path)
    assert result.returncode == 1
    expected = f"tailcast: port {port} is taken: choose another with --port\n"
    assert result.stderr == expected
    assert not (tmp_path / ".tailcast").exists()


def test_simulate_writes_what_a_training_job_would(tmp_path: Path) -> None:
    """Records, an emergency among them, and its document beside them."""
    arguments = "simulate --sessions 2 --rate 10000 --steps 20 --emergency-at 5"
    for _ in range(2):
        assert run(*arguments.split(), cwd=tmp_path).returncode == 0
    files = sorted((tmp_path / "logs" / "telemetry").glob("session_*_00?.jsonl"))
    assert [path.stem[-3:] for path in files] == ["001", "002", "003", "004"]
    lines = [json.loads(line) for line in files[0].read_text().splitlines()]
    steps = [line["step"] for line in lines]
    assert steps == [*range(1, 6), *range(5, 21)]
    assert set(lines[0]["telemetry"]) == {
        "phi",
        "kappa_eff",
        "regime",
        "basin_distance",
        "recursion_depth",
        "breakdown_pct",
        "coherence_drift",
        "emergency",
    }
    assert set(lines[5]["emergency"]) == {
        "reason",
        "severity",
        "metric",
        "value",
        "threshold",
    }
    documents = sorted((tmp_path / "logs" / "emergency").glob("*.json"))
    assert len(documents) == 4
    assert json.loads(documents[0].read_text())["session_id"] == files[0].stem


def test_simulate_says_where_it_cannot_write(tmp_path: Path) -> None:
    """A file in the way is a failure in one line."""
    (tmp_path / "logs").write_text("")
    result = run("simulate", "--steps", "1", cwd=tmp_path)
    assert result.returncode == 1
    assert "logs" in result.stderr
    assert result.stderr.count("\n") == 1
