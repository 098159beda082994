"""docs/clients.md names every example client, with the versions it was run with."""

import json
import re
import tomllib
from pathlib import Path

from tests.docs.pages import ROOT, read_page, rows, section
from tests.languages.programs import EXAMPLES, PROGRAMS


PAGE = read_page("docs/clients.md")
_LINK = re.compile(r"\]\((\.\./[^)]+)\)")
_VERSIONED = re.compile(r"([\w./-]+) (\d+\.\d+\.\d+)")
# Whose version stands elsewhere, and whose nowhere: runtimes, and what a system brings.
_ELSEWHERE = {"libcurl": "tests/languages/libcurl/Cargo.toml"}
_NOWHERE = {"cJSON"}
_MANIFESTS = ("*.in", "package.json", "go.mod", "Cargo.toml", "pom.xml")
_RUNNERS = ("browser", "Node", "Deno")


def _programs() -> list[list[str]]:
    """The rows of the table, its heading left out."""
    return list(rows(section(PAGE, "The programs")))[1:]


def test_each_program_has_its_row() -> None:
    """In the order in which they are run, by what runs them."""
    named = [
        "/".join(
            [re.findall(r"\[([\w-]+)\]", cell)[0]]
            + [one.lower() for one in _RUNNERS if re.search(rf"\b{one}\b", cell)]
        )
        for cell, *_ in _programs()
    ]
    assert named == [program.name for program in PROGRAMS]


def test_each_folder_is_one_of_a_program() -> None:
    """Nobody leaves an example behind that is not run."""
    folders = {path.name for path in EXAMPLES.iterdir()}
    assert folders == {program.source.name for program in PROGRAMS}


def test_what_the_page_refers_to_is_there() -> None:
    """Each program is included by a link to its file."""
    links = _LINK.findall(PAGE)
    assert links
    for link in links:
        assert (ROOT / "docs" / link).is_file(), link


def test_versions_are_those_of_the_manifests() -> None:
    """What the page says was run is what is pinned."""
    for cell, libraries, _ in _programs():
        folder = EXAMPLES / re.findall(r"\[([\w-]+)\]", cell)[0]
        for library, version in _VERSIONED.findall(libraries):
            if library not in _NOWHERE:
                assert version in _manifest(folder, library), (folder.name, library)


def _manifest(folder: Path, library: str) -> str:
    if library in _ELSEWHERE:
        return read_page(_ELSEWHERE[library])
    (path,) = (path for pattern in _MANIFESTS for path in folder.glob(pattern))
    return path.read_text()


def test_manifests_pin_exact_versions() -> None:
    """Whoever builds an example next year builds what was tested."""
    for path in EXAMPLES.glob("*/package.json"):
        manifest = json.loads(path.read_text())
        for kind in ("dependencies", "devDependencies"):
            for version in manifest.get(kind, {}).values():
                assert re.fullmatch(r"\d+\.\d+\.\d+", version), path
    for path in EXAMPLES.glob("*/Cargo.toml"):
        for requirement in tomllib.loads(path.read_text())["dependencies"].values():
            is_text = isinstance(requirement, str)
            version = requirement if is_text else requirement["version"]
            assert version.startswith("="), path
    for path in EXAMPLES.glob("*/requirements.in"):
        assert all("==" in line for line in path.read_text().splitlines()), path
