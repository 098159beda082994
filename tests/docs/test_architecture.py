"""The maps of the rooms of services and of the index on the page are the folders'."""

import ast
import re
from pathlib import Path

import pytest

import tailcast_gateway
import tailcast_index
import tailcast_indexer
import tailcast_tailer
from tests.docs.pages import read_page


FOLDERS = {
    "tailer": Path(str(tailcast_tailer.__file__)).parent,
    "index": Path(str(tailcast_index.__file__)).parent,
    "indexer": Path(str(tailcast_indexer.__file__)).parent,
    "gateway": Path(str(tailcast_gateway.__file__)).parent,
}
services = pytest.mark.parametrize("service", FOLDERS)


def rows(service: str) -> dict[str, str]:
    """What a service's map says of each room, and of each module outside them."""
    page = read_page("docs/architecture.md")
    below = page.partition(f"| room of the {service} | its law |\n")[2]
    table = below.partition("\n\n")[0]
    found = re.findall(r"^\| ((?:`\w+` ?)+)\| (.*) \|$", table, re.MULTILINE)
    return {name: law for names, law in found for name in re.findall(r"\w+", names)}


@services
def test_the_map_names_every_room_and_module(service: str) -> None:
    """Who adds a room says what it is about."""
    folder = FOLDERS[service]
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    rooms = {path.parent.name for path in folder.glob("*/__init__.py")}
    assert set(rows(service)) == modules | rooms


@services
def test_the_map_has_the_laws_of_the_rooms(service: str) -> None:
    """A room's law is the first line of its package."""
    for path in FOLDERS[service].glob("*/__init__.py"):
        law = ast.get_docstring(ast.parse(path.read_text()))
        assert law is not None
        assert law.partition("\n")[0] == rows(service)[path.parent.name]
