"""The map of the gateway's rooms on the page is the folder's."""

import ast
import re
from pathlib import Path

import tailcast_gateway
from tests.docs.pages import read_page


FOLDER = Path(str(tailcast_gateway.__file__)).parent


def rows() -> dict[str, str]:
    """What the map says of each room, and of each module outside them."""
    table = read_page("docs/architecture.md").partition("| room | its law |")[2]
    found = re.findall(r"^\| ((?:`\w+` ?)+)\| (.*) \|$", table, re.MULTILINE)
    return {name: law for names, law in found for name in re.findall(r"\w+", names)}


def test_the_map_names_every_room_and_module() -> None:
    """Who adds a room says what it is about."""
    modules = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    rooms = {path.parent.name for path in FOLDER.glob("*/__init__.py")}
    assert set(rows()) == modules | rooms


def test_the_map_has_the_laws_of_the_rooms() -> None:
    """A room's law is the first line of its package."""
    for path in FOLDER.glob("*/__init__.py"):
        law = ast.get_docstring(ast.parse(path.read_text()))
        assert law is not None
        assert law.partition("\n")[0] == rows()[path.parent.name]
