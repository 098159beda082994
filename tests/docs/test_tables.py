"""The tables of the manual are made of the code."""

import re

import pytest

from docs.generate import PAGES
from docs.tables import settings, tables, with_tables
from tests.docs.pages import read_page


def test_each_table_stands_in_one_page() -> None:
    """None is made for nobody, and no mark waits for one."""
    pages = "".join(map(read_page, PAGES))
    marks = re.findall(r"^<!-- made of the code: (.*) -->$", pages, re.MULTILINE)
    assert sorted(marks) == sorted(tables())


@pytest.mark.parametrize("name", PAGES)
def test_what_is_written_there_by_hand_is_found(name: str) -> None:
    """A row that is gone, another one, and another word: all are as they were then."""
    page = read_page(name)
    assert with_tables(page) == page
    for table in tables().values():
        *_, row = table.splitlines(keepends=True)
        if row in page:
            assert with_tables(page.replace(row, "")) == page
            assert with_tables(page.replace(row, row + row)) == page
            assert with_tables(page.replace(row, row.upper())) == page


def test_who_reads_a_setting() -> None:
    """All services, or one of them."""
    rows = {one.name: one for one in settings()}
    assert rows["TAILCAST_REDIS_URL"].who == "all"
    assert rows["TAILCAST_REDIS_URL"].default == "(required)"
    assert rows["TAILCAST_START_AT"][1:3] == ("`beginning`", "tailer")
    assert rows["TAILCAST_TOKEN"].who == "command line"
    assert rows["TAILCAST_LOG_DIR"].who == "tailer"
    assert rows["TAILCAST_STEP_KEYS"].default == "a list"
    assert "\n" not in "".join(one.meaning for one in rows.values())
