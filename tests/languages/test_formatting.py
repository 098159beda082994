"""The examples are formatted as their languages' own tools do it, where these are."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.languages.programs import DENO, EXAMPLES, HERE, PROGRAMS, ROOT


WITH_DENO = next(one for one in PROGRAMS if one.name.endswith("/deno"))
JAVASCRIPT = sorted(map(str, EXAMPLES.glob("javascript-*/*.mjs")))
GO = sorted(map(str, EXAMPLES.glob("go-*/*.go")))
RUST = sorted(
    map(str, [*EXAMPLES.glob("rust-*/src/*.rs"), *HERE.glob("libcurl/**/*.rs")])
)


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("gofmt", ["-d", *GO]),
        ("rustfmt", ["--check", "--edition", "2024", *RUST]),
    ],
)
def test_nothing_is_left_to_format(program: str, arguments: list[str]) -> None:
    """What a reader copies is not changed by their editor."""
    if (path := shutil.which(program)) is None:
        pytest.skip(f"there is no {program} on PATH")
    _assert_silent([path, *arguments])


def test_nothing_is_left_to_format_in_javascript() -> None:
    """By the formatter that comes with Deno."""
    assert (fault := WITH_DENO.make()) is None, fault
    check = ("fmt", "--quiet", "--check", "--line-width", "88", *JAVASCRIPT)
    _assert_silent([*DENO, *check], cwd=WITH_DENO.directory)


def _assert_silent(command: list[str], *, cwd: Path = ROOT) -> None:
    checked = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stderr
