"""One public name is one thing: no two modules of a package have the same."""

import ast
from collections import defaultdict
from pathlib import Path
from types import ModuleType

import pytest

import tailcast
import tailcast_gateway
import tailcast_index
import tailcast_indexer
import tailcast_service
import tailcast_streams
import tailcast_tailer


@pytest.mark.parametrize(
    "package",
    [
        tailcast,
        tailcast_gateway,
        tailcast_index,
        tailcast_indexer,
        tailcast_service,
        tailcast_streams,
        tailcast_tailer,
    ],
    ids=lambda package: str(package.__name__),
)
def test_no_public_name_stands_in_two_modules(package: ModuleType) -> None:
    """Classes, functions and constants; a type variable is its module's own."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path in Path(str(package.__file__)).parent.rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            for name in _defined(node):
                places[name].append(path.stem)
    assert {name: at for name, at in places.items() if len(at) > 1} == {}


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        names = [node.name]
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [target.id for target in targets if isinstance(target, ast.Name)]
    else:
        names = []
    return [name for name in names if not name.startswith("_")]
