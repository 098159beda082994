"""What `make dist` builds says what it is, and runs outside the checkout."""

import email
import email.message
import fcntl
import json
import os
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tailcast_service.build import VERSION, read_build
from tests.e2e.command import tailcast_up
from tests.patience import PATIENCE_SECONDS


ROOT = Path(__file__).parent.parent.parent
UV = Path(sys.executable).with_name("uv")
# Distribution, and what is imported of it.
NAMES = {
    name: name.replace("-", "_")
    for name in (
        "tailcast",
        "tailcast-gateway",
        "tailcast-index",
        "tailcast-indexer",
        "tailcast-service",
        "tailcast-streams",
        "tailcast-tailer",
    )
}
SECONDS = 200
# Where everything of ours was found, and where else Python looks.
LOOK = (
    "import json, sys, {0}; print(json.dumps([sys.path, [m.__file__ for m in [{0}]]]))"
)


def _run(*command: str | Path, cwd: Path = ROOT) -> str:
    """What it says, in an environment that names nothing of this one."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "TAILCAST_", "MAKE", "VIRTUAL_ENV"))
    }
    finished = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert finished.returncode == 0, f"{command}: {finished.stdout}{finished.stderr}"
    return finished.stdout


def _build(directory: Path) -> Path:
    """As `make dist` does, which here sets up nothing of Python's anew.

    Another worker may be at it, and there is one page in the checkout. What is built
    in the folder already is as good.
    """
    with (ROOT / ".venv" / "dist.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.exists():
            new = directory.with_name(f"{directory.name}.new")
            _run("make", "--silent", "-o", ".venv/.run-set", "dist", f"DIST={new}")
            new.rename(directory)
    return directory


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all wheels and sdists, one for all workers."""
    base = tmp_path_factory.getbasetemp()
    is_shared = "PYTEST_XDIST_WORKER" in os.environ
    return _build((base.parent if is_shared else base) / "dist")


def _told_to(client: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of this kind."""
    while True:
        message: dict[str, Any] = json.loads(client.recv(60))
        if message["type"] == kind:
            return message


def _content(sdist: tarfile.TarFile, path: str) -> bytes:
    file = sdist.extractfile(path)
    assert file is not None
    return file.read()


def _told(metadata: bytes) -> email.message.Message:
    return email.message_from_bytes(metadata)


@pytest.mark.parametrize("name", NAMES)
def test_a_distribution_says_what_it_is(built: Path, name: str) -> None:
    """The wheel and the sdist alike, with the licence in both."""
    stem = f"{NAMES[name]}-{VERSION}"
    wheel = zipfile.ZipFile(built / f"{stem}-py3-none-any.whl")
    with wheel, tarfile.open(built / f"{stem}.tar.gz") as sdist:
        licences = [wheel.read(f"{stem}.dist-info/licenses/LICENSE")]
        told = [_told(wheel.read(f"{stem}.dist-info/METADATA"))]
        licences.append(_content(sdist, f"{stem}/LICENSE"))
        told.append(_told(_content(sdist, f"{stem}/PKG-INFO")))
        assert f"{NAMES[name]}/py.typed" in wheel.namelist()
        assert not [one for one in wheel.namelist() if one.endswith(".pyc")]
    assert licences == [(ROOT / "LICENSE").read_bytes()] * 2
    for one in told:
        assert (one["Name"], one["Version"]) == (name, VERSION)
        assert one["License-Expression"] == "MIT"
        assert one["Author"] == "the Tailcast authors"
        assert one["Keywords"]
        assert "Typing :: Typed" in one.get_all("Classifier", [])
        # There is none to name.
        assert one["Project-URL"] is None
        assert str(one.get_payload()).startswith(f"# {name}\n")
        siblings = [
            need for need in one.get_all("Requires-Dist", []) if "tailcast" in need
        ]
        assert all(need.endswith(f"=={VERSION}") for need in siblings)


def test_the_gateway_has_the_page(built: Path) -> None:
    """As it was built here, in the wheel and in the sdist."""
    stem = f"tailcast_gateway-{VERSION}"
    static = "tailcast_gateway/static"
    page = f"{static}/dashboard/index.html"
    here = ROOT / "services" / "gateway" / "src"
    parts = {
        str(path.relative_to(here))
        for path in (here / static).rglob("*")
        if path.is_file()
    }
    assert any(part.endswith(".js.gz") for part in parts)
    wheel = zipfile.ZipFile(built / f"{stem}-py3-none-any.whl")
    with wheel, tarfile.open(built / f"{stem}.tar.gz") as sdist:
        assert parts <= set(wheel.namelist())
        assert {f"{stem}/src/{part}" for part in parts} <= set(sdist.getnames())
        assert wheel.read(page) == (here / page).read_bytes()


def test_what_is_built_runs_outside_the_checkout(built: Path, tmp_path: Path) -> None:
    """With the locked libraries, `tailcast up` brings a record to a client."""
    python = tmp_path / "environment" / "bin" / "python"
    install = (UV, "pip", "install", "--quiet", "--python", python)
    _run(UV, "venv", "--quiet", "--python", sys.executable, tmp_path / "environment")
    _run(*install, "--require-hashes", "--requirement", ROOT / "requirements/run.txt")
    wheels = sorted(built.glob("*.whl"))
    _run(*install, "--offline", "--no-deps", *wheels, cwd=tmp_path)
    _run(UV, "pip", "check", "--quiet", "--python", python, cwd=tmp_path)

    look = LOOK.format(", ".join(NAMES.values()))
    path, files = json.loads(_run(python, "-P", "-c", look, cwd=tmp_path))
    assert not [one for one in path if Path(one).is_relative_to(ROOT)]
    assert all(Path(one).is_relative_to(tmp_path / "environment") for one in files)

    logs = tmp_path / "logs"
    logs.mkdir()
    program = (str(python.with_name("tailcast")),)
    with (
        tailcast_up(tmp_path, str(logs), program=program) as address,
        connect(f"ws://{address}/ws/telemetry", proxy=None) as client,
    ):
        client.send('{"type":"subscribe"}')
        # What comes after these is told; what came before is not.
        _told_to(client, "positions")
        (logs / "run.jsonl").write_text('{"step":42}\n')
        message = _told_to(client, "telemetry")
        with urllib.request.urlopen(
            f"http://{address}/", timeout=PATIENCE_SECONDS
        ) as answer:
            assert b'src="./assets/' in answer.read()
    assert message["data"] == [{"step": 42}]
    told = _run(*program, "--version", cwd=tmp_path)
    with zipfile.ZipFile(next(built.glob("tailcast_service-*.whl"))) as wheel:
        revision = wheel.read("tailcast_service/REVISION").decode().strip()
    assert told == f"tailcast {VERSION} (revision {revision})\n"
    # A commit, where this is a checkout; maybe with changes.
    assert revision.startswith(read_build().revision)


@pytest.mark.long
def test_the_same_source_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    """Whenever, wherever and by whomever it is built."""
    mask = os.umask(0o077)
    try:
        again = _build(tmp_path / "dist")
    finally:
        os.umask(mask)
    digests = [
        {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
        for folder in (built, again)
    ]
    assert len(digests[0]) == 2 * len(NAMES)
    assert digests[0] == digests[1]
