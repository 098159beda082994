"""Getting what is compared: from npm, Debian, Go and the C compiler, into one cache.

Whatever cannot be had is told once, with the reason, and left out.
"""

import shutil
import subprocess
from pathlib import Path


CACHE = Path(__file__).parent / ".cache"
PEERS = Path(__file__).with_name("peers")
DEBIAN_PACKAGES = ("nginx", "libnginx-mod-nchan")
# What `go install` takes.
CENTRIFUGO = "github.com/centrifugal/centrifugo/v6@v6.9.1"
BUN_BUILDS = ("bun-linux-x64", "bun-linux-x64-baseline", "bun-linux-aarch64")


class Missing(Exception):
    """It is not on this machine and cannot be got."""


def compiled(source: Path) -> Path:
    """A C program of ours, built anew when its source is newer."""
    program = CACHE / source.stem
    if program.exists() and program.stat().st_mtime > source.stat().st_mtime:
        return program
    compiler = shutil.which("cc")
    if compiler is None:
        raise Missing("no C compiler (cc)")
    CACHE.mkdir(exist_ok=True)
    _run([compiler, "-O2", "-Wall", "-o", str(program), str(source)], "it")
    return program


def node_folder() -> Path:
    """Where the peers' scripts lie beside the packages that their lock names."""
    folder = CACHE / "peers"
    lock = PEERS / "package-lock.json"
    installed = folder / "package-lock.json"
    is_same = installed.exists() and installed.read_bytes() == lock.read_bytes()
    if not (is_same and (folder / "node_modules").exists()):
        npm = shutil.which("npm")
        if npm is None:
            raise Missing("no npm")
        shutil.copytree(PEERS, folder, dirs_exist_ok=True)
        _run([npm, "ci", "--silent", "--prefix", str(folder)], "npm ci")
    shutil.copytree(PEERS, folder, dirs_exist_ok=True)
    return folder


def node() -> str:
    """Node itself."""
    program = shutil.which("node")
    if program is None:
        raise Missing("no node")
    return program


def bun() -> str:
    """The program out of its npm package: the first build that this processor runs."""
    for build in BUN_BUILDS:
        program = node_folder() / "node_modules" / "@oven" / build / "bin" / "bun"
        if program.exists():
            found = subprocess.run(
                [str(program), "--version"], capture_output=True, check=False
            )
            if found.returncode == 0:
                return str(program)
    raise Missing("npm brought no build of Bun for this machine")


def nginx() -> tuple[Path, Path]:
    """The server and its nchan module: this system's, else out of Debian's packages."""
    try:
        # nchan has nginx make a folder below it, whatever the configuration says.
        Path("/var/lib/nginx").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Missing("nchan wants /var/lib/nginx, which cannot be made") from error
    for root in (Path("/"), CACHE / "debian"):
        program = root / "usr/sbin/nginx"
        module = root / "usr/lib/nginx/modules/ngx_nchan_module.so"
        if program.exists() and module.exists():
            return program, module
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise Missing("no nginx with nchan, and this is no Debian to get it from")
    folder = CACHE / "debian"
    folder.mkdir(parents=True, exist_ok=True)
    _run(["apt-get", "-qq", "download", *DEBIAN_PACKAGES], "apt-get", folder)
    for package in folder.glob("*.deb"):
        _run(["dpkg-deb", "-x", str(package), str(folder)], "dpkg-deb")
    return nginx()


def centrifugo() -> Path:
    """The program, built from its source; that takes some minutes, once."""
    folder = CACHE / CENTRIFUGO.rpartition("@")[2]
    program = folder / "centrifugo"
    if not program.exists():
        # Where Go is installed by its own instructions, which not every PATH has.
        go = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
        if go is None:
            raise Missing("no go")
        folder.mkdir(parents=True, exist_ok=True)
        _run(["env", f"GOBIN={folder}", go, "install", CENTRIFUGO], "go install")
    return program


def _run(command: list[str], what: str, folder: Path | None = None) -> None:
    """Run it to its end; Missing with its last words if it fails."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines() or ["no word"]
        raise Missing(f"{what} failed: {words[-1]}")
