"""All of this is run by `make test-languages` only."""

from pathlib import Path

import pytest

from tests.languages.building import build_all
from tests.languages.programs import PROGRAMS, Program


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """It needs compilers of many languages, and what their registries have."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.languages)


@pytest.fixture(scope="session")
def broken() -> dict[str, str]:
    """What is wrong with programs that cannot be run, by their names."""
    return build_all()


@pytest.fixture(scope="session")
def able(broken: dict[str, str]) -> list[Program]:
    """Those that can be."""
    return [one for one in PROGRAMS if one.name not in broken]
