"""All of this is run by `make test-languages` only."""

import pytest

from tests.languages.building import build_all
from tests.languages.programs import PROGRAMS, Program


@pytest.fixture(scope="session")
def broken() -> dict[str, str]:
    """What is wrong with programs that cannot be run, by their names."""
    return build_all()


@pytest.fixture(scope="session")
def able(broken: dict[str, str]) -> list[Program]:
    """Those that can be."""
    return [one for one in PROGRAMS if one.name not in broken]
