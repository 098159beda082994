"""Which of the example clients can be run on this machine."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.languages.programs import PROGRAMS, Program


def build_all() -> dict[str, str]:
    """What is wrong with programs that cannot be run, by their names."""
    with ThreadPoolExecutor(2) as pool:
        faults = pool.map(_fault, PROGRAMS)
        return {
            one.name: fault
            for one, fault in zip(PROGRAMS, faults, strict=True)
            if fault is not None
        }


def _fault(program: Program) -> str | None:
    return program.missing() or program.make()


def need(program: Program, broken: dict[str, str]) -> None:
    """Skips where the machine lacks something, fails where the program is at fault."""
    if (reason := program.missing()) is not None:
        pytest.skip(f"{program.name}: {reason}")
    assert program.name not in broken, broken[program.name]
