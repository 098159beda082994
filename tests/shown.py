"""What a statement is shown by: tests, and rows of the accidents; or a reason."""

import ast
from functools import cache
from pathlib import Path

from tests.accidents.table import TABLE
from tests.accidents.test_accidents import GROUPS


TESTS = Path(__file__).parent
# A row of `tests/accidents`, by its name.
ACCIDENT = "accident "
# Where nothing is to be shown: why.
BECAUSE = "because "


def assert_there(shown_by: str) -> None:
    """It is a test, `module.py::test_name`, or a row; or it says why there is none."""
    if shown_by.startswith(ACCIDENT):
        row = shown_by.removeprefix(ACCIDENT)
        assert row in TABLE, shown_by
        assert any(row in vars(group) for group in GROUPS), shown_by
    elif not shown_by.startswith(BECAUSE):
        module, _, name = shown_by.partition("::")
        assert name.startswith("test_"), shown_by
        assert name in _functions_of(module), shown_by


@cache
def _functions_of(module: str) -> frozenset[str]:
    tree = ast.parse((TESTS / module).read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(one.name for one in ast.walk(tree) if isinstance(one, kinds))
