"""Runs side by side, what people say of one, and what can be taken from a chart."""

import csv
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Looker, Scheme
from tests.browser.running import Running, numbered


@pytest.fixture(scope="module")
def two(up: Running) -> Running:
    """Beside others two runs, of which one has a NaN and ends later."""
    for name, rate, stop in (("base", 0.1, 40), ("wild", 0.2, 60)):
        config = {"lr": rate, "model": {"layers": 2}, "host": f"<b>{name}</b>"}
        up.write_lines(name, "# " + json.dumps({"config": config}))
        records = numbered(0, stop, accuracy=rate)
        records[-1]["telemetry"]["accuracy"] = float("nan")
        up.write(name, *records)
    return up


LINK = "?session=base&compare=wild"
THREE = ("base", "wild", "third")


def test_runs_are_drawn_together(two: Running, look: Looker) -> None:
    """All points of both, what differs in how they began, and how they stand."""
    one = look(two.url, LINK)
    one.shows("loss", points=100)
    configs = one.page.get_by_role("region", name="Config")
    expect(configs.get_by_role("row").filter(has_text="lr")).to_have_text("lr0.10.2")
    # A value is text, whatever it looks like; what is the same is only counted.
    expect(configs).to_contain_text("<b>wild</b>")
    expect(configs).to_contain_text("1 the same")
    expect(configs).not_to_contain_text("layers")
    standing = one.page.get_by_role("region", name="Values at one place")
    expect(standing.get_by_role("spinbutton")).to_have_value("39")
    expect(standing.get_by_role("row").filter(has_text="base")).to_contain_text("NaN ▲")
    standing.get_by_role("spinbutton").fill("1")
    expect(standing.get_by_role("row").filter(has_text="wild")).to_contain_text(
        "Δ +0.1"
    )
    one.page.get_by_role("button", name="hide wild").click()
    one.shows("loss", points=40)
    two.write("base", *numbered(40, 45))
    one.shows("loss", points=45)
    one.page.get_by_role("button", name="Take wild out").click()
    expect(one.page.get_by_role("heading", name="base")).to_be_visible()
    one.is_quiet()


def test_runs_that_are_not_there_yet_are_waited_for(up: Running, look: Looker) -> None:
    """A sweep's address is opened before they begin, and they are drawn as they do."""
    one = look(up.url, "?session=early&compare=earlier")
    expect(one.page.get_by_text("waiting for its first record")).to_have_count(2)
    for name in ("early", "earlier"):
        up.write(name, *numbered(0, 10))
    one.shows("loss", points=20)
    up.write("early", *numbered(10, 15))
    one.shows("loss", points=25)


def test_one_question_tells_how_all_runs_are(two: Running, look: Looker) -> None:
    """Again and again, and what was changed is seen; none is asked for by itself."""
    two.write("third", *numbered(0, 10))
    one = look(two.url, f"{LINK},third")
    runs = one.page.get_by_role("list", name="Runs").get_by_role("listitem")
    expect(runs).to_have_text([re.compile(f"{name}running") for name in THREE])
    two.write("third", *numbered(10, 70))
    expect(runs.last).to_contain_text("69")
    asked = [one.url for one in one.responses]
    assert any(
        url.endswith("?sessionId=base&sessionId=wild&sessionId=third") for url in asked
    )
    assert not any("/api/snapshot" in url for url in asked)


def test_all_are_drawn_that_can_be_told_apart(up: Running, look: Looker) -> None:
    """As many as there are hues and dashes; how many more are chosen is said."""
    names = [f"many_{number:02}" for number in range(25)]
    for name in names:
        up.write(name, *numbered(0, 10))
    one = look(up.url, f"?session={names[0]}&compare={','.join(names[1:])}")
    one.shows("loss", points=240)
    note = one.page.get_by_text("24 runs are drawn at once; 1 more is chosen.")
    expect(note).to_be_visible()
    one.page.get_by_role("button", name="Take many_07 out").click()
    expect(note).to_have_count(0)
    one.shows("loss", points=240)
    one.is_quiet()


def test_the_tables_follow_the_charts_at_once(two: Running, look: Looker) -> None:
    """However few charts there are: the list of metrics beside them leaves no space."""
    one = look(two.url, LINK)
    expect(one.chart("loss")).to_have_attribute("data-last", re.compile("0.02"))
    feet = [
        box["y"] + box["height"]
        for chart in one.page.locator("[data-chart]").all()
        if (box := chart.bounding_box())
    ]
    table = one.page.get_by_role("region", name="Config").bounding_box()
    assert len(feet) == 2
    assert table is not None
    assert table["y"] - max(feet) <= 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1600, 360])
@pytest.mark.parametrize("query", [LINK, f"{LINK}&table=1"])
def test_everybody_can_compare(
    two: Running, look: Looker, query: str, scheme: Scheme, width: int
) -> None:
    """Whoever sees little, uses no mouse, or holds a phone."""
    one = look(two.url, query, width=width, scheme=scheme)
    expect(one.chart("loss")).to_have_attribute("data-last", re.compile("0.02"))
    expect(one.page.get_by_role("region", name="Config")).to_be_visible()
    one.is_within_its_width()
    one.is_accessible()
    one.is_quiet()


def test_what_is_said_of_a_run_is_kept_and_told_to_others(
    two: Running, look: Looker
) -> None:
    """Tags, notes and a pin, in a page that was open before and in one after."""
    before, one = look(two.url, "?session=wild"), look(two.url, "?session=wild")
    one.page.get_by_label("Add a tag").fill("best")
    one.page.get_by_label("Add a tag").press("Enter")
    one.page.get_by_label("Notes").fill("it <i>diverges</i> later")
    one.page.get_by_label("Notes").press("Control+Enter")
    one.page.get_by_role("button", name="☆ pin").click()
    for page in (one.page, before.page, look(two.url, "?session=wild").page):
        expect(page.get_by_role("button", name="★ pinned")).to_be_visible()
        expect(page.get_by_text("best", exact=True)).to_be_visible()
        expect(page.get_by_label("Notes")).to_have_value("it <i>diverges</i> later")
    before.page.get_by_role("button", name="Remove the tag best").click()
    expect(one.page.get_by_text("best", exact=True)).to_have_count(0)


def test_figures_and_pictures_can_be_taken(
    two: Running, look: Looker, tmp_path: Path
) -> None:
    """As a table by a key, as a file for spreadsheets, as a picture."""
    one = look(two.url, "?session=wild&metrics=accuracy")
    one.shows("accuracy", points=59)
    one.page.keyboard.press("t")
    table = one.page.get_by_role("region", name="accuracy, as a table")
    expect(table.get_by_role("row")).to_have_count(61)
    expect(table.get_by_role("row").last).to_contain_text("NaN")
    with one.page.expect_download() as taken:
        one.page.get_by_role("button", name="CSV").click()
    assert taken.value.suggested_filename == "wild_accuracy.csv"
    taken.value.save_as(tmp_path / "accuracy.csv")
    with (tmp_path / "accuracy.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == list(range(60))
    assert [row["mean"] for row in rows] == ["0.2"] * 59 + ["NaN"]
    with one.page.expect_download() as taken:
        one.page.get_by_role("button", name="PNG").click()
    taken.value.save_as(tmp_path / "accuracy.png")
    assert (tmp_path / "accuracy.png").read_bytes().startswith(b"\x89PNG")
    one.is_quiet()
