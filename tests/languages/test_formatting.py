"""The examples are formatted as their languages' own tools do it, where these are."""

import shutil
import subprocess

import pytest

from tests.languages.programs import EXAMPLES, HERE, PROGRAMS, ROOT


DENO = next(one for one in PROGRAMS if one.name.endswith("/deno"))
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
    assert DENO.missing() is None
    assert (fault := DENO.make()) is None, fault
    deno = str(DENO.directory / "node_modules/.bin/deno")
    _assert_silent(
        [deno, "fmt", "--quiet", "--check", "--line-width", "88", *JAVASCRIPT]
    )


def _assert_silent(command: list[str]) -> None:
    checked = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stderr
