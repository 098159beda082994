"""The map of the gateway's modules on the page is the folder's."""

import re
from pathlib import Path

import tailcast_gateway
from tests.docs.pages import read_page


def test_the_map_names_every_module_once() -> None:
    """Who adds a module says what it is about."""
    table = read_page("docs/architecture.md").partition("The gateway's modules")[2]
    named = re.findall(r"`(\w+)`", table)
    folder = Path(str(tailcast_gateway.__file__)).parent
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    rooms = {path.parent.name for path in folder.glob("*/__init__.py")}
    assert sorted(named) == sorted(modules | rooms)
