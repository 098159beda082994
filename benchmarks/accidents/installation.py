"""Others who follow files, brought from Debian's packages and the Go module proxy.

Nothing is installed: packages are unpacked into a cache beside this, and what is built
goes there too.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple


HERE = Path(__file__).parent
CACHE = HERE / ".cache"
DEBIAN_PACKAGES = (
    "rsyslog", "rsyslog-hiredis", "libhiredis0.14", "libestr0", "libfastjson4",
    "liblognorm5",
    "syslog-ng-core", "libivykis0", "libnet1", "libpcre3", "libwrap0",
)  # fmt: skip  # as a list
FILECONSUMER = "github.com/open-telemetry/opentelemetry-collector-contrib/pkg/stanza"


class Missing(Exception):  # it is no error: who cannot be had is left out
    """Somebody cannot be had here; the text says why."""


class Installed(NamedTuple):
    """A program that can be run."""

    program: Path
    version: str
    # What it must be run with.
    environment: dict[str, str]
    modules: Path = Path()


def rsyslog() -> Installed:
    """The daemon, with its modules."""
    root = _debian()
    return _daemon(root, "rsyslogd", "-v", "usr/lib/*/rsyslog")


def syslog_ng() -> Installed:
    """The daemon, with its modules."""
    root = _debian()
    return _daemon(root, "syslog-ng", "-V", "usr/lib/syslog-ng/*.*")


def fileconsumer() -> Installed:
    """A program around what the Collector's file receiver follows files with."""
    if shutil.which("go") is None:
        raise Missing("there is no Go to build it with")
    source, program = HERE / "fileconsumer", CACHE / "fileconsumer"
    CACHE.mkdir(exist_ok=True)
    _run(["go", "build", "-o", str(program), "."], source)
    required = re.search(rf"{FILECONSUMER} v(\S+)", (source / "go.mod").read_text())
    assert required is not None
    return Installed(program, required[1], {})


def _debian() -> Path:
    root = CACHE / "debian"
    if {name.name.partition("_")[0] for name in root.glob("*.deb")} >= {
        *DEBIAN_PACKAGES
    }:
        return root
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise Missing("this is no Debian to get it from")
    root.mkdir(parents=True, exist_ok=True)
    _run(["apt-get", "-qq", "download", *DEBIAN_PACKAGES], root)
    for package in root.glob("*.deb"):
        _run(["dpkg-deb", "-x", str(package), str(root)], root)
    return root


def _daemon(root: Path, name: str, asks_version: str, modules: str) -> Installed:
    program = root / "usr/sbin" / name
    libraries = [
        *root.glob("usr/lib/*-linux-*"),
        *root.glob("lib/*-linux-*"),
        root / "usr/lib/syslog-ng",
    ]
    environment = {"LD_LIBRARY_PATH": os.pathsep.join(map(str, libraries))}
    said = _run([str(program), asks_version], root, environment)
    version = re.search(r"\d+\.\d+\.\d+", said)
    if version is None:
        raise Missing(f"{name} does not say which one it is: {said[:100]!r}")
    where = [path for path in root.glob(modules) if path.is_dir()]
    return Installed(program, version[0], environment, where[0])


def _run(
    command: list[str], folder: Path, environment: dict[str, str] | None = None
) -> str:
    """What it said; Missing with its last words if it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines() or ["no word"]
        raise Missing(f"{command[0]} failed: {words[-1]}")
    return done.stdout + done.stderr
