"""docs/operations.md has every variable and alert, and no other."""

import re

from prometheus_client.parser import text_string_to_metric_families

from docs.tables import metrics, settings
from tailcast_gateway.replica import Replica
from tailcast_indexer import instruments as indexer_instruments
from tailcast_service.names import COMPOSE, PREFIX, SETTINGS
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_tailer import instruments as tailer_instruments
from tests.docs.pages import named, read_page, section


PAGE = read_page("docs/operations.md")
SCALING = "docs/scaling.md"
HISTOGRAM_PARTS = ("_bucket", "_sum", "_count")


SERVICES = ("tailer", "indexer", "gateway")


def test_every_variable_of_compose_has_its_row() -> None:
    """And each of the rows is of one; those of settings are made of the code."""
    only_compose = {f"{PREFIX}{name}" for name in COMPOSE}
    there = {one.name for one in settings()}
    documented = set(named(section(PAGE, "Settings"))) - there
    assert {one for one in documented if one.startswith(PREFIX)} == only_compose


def test_whatever_else_is_named_exists() -> None:
    """Settings and metrics in advice, in examples, in alerts and of threats."""
    text = "".join(map(read_page, ("deploy/alerts.yml", "SECURITY.md", SCALING)))
    there = {f"{PREFIX}{name}" for name in SETTINGS | COMPOSE}
    there |= {f"{name}_FILE" for name in there}
    there |= {name for service in SERVICES for name in metrics(service)}
    there |= {f"{name}{part}" for name in there for part in HISTOGRAM_PARTS}
    mentioned = set(
        re.findall(r"\bTAILCAST_[A-Z_]+[A-Z]|\btailcast_[a-z_]+[a-z]", PAGE + text)
    )
    unknown = mentioned - there
    assert not unknown, f"named, and not there: {sorted(unknown)}"


def test_every_alert_is_explained() -> None:
    """As severe as its rule says, and with a section to go to."""
    rules = re.findall(
        r"- alert: (\w+)\n(?:.*\n)*?\s+severity: (\w+)", read_page("deploy/alerts.yml")
    )
    assert rules
    documented = named(section(PAGE, "Alerts"))
    assert {name: cells[0] for name, cells in documented.items()} == dict(rules)


def test_what_tells_that_more_is_needed_is_an_alert() -> None:
    """The page on scaling names alerts that exist."""
    alerts = {*re.findall(r"- alert: (\w+)", read_page("deploy/alerts.yml"))}
    mentioned = {*re.findall(r"`(Tailcast[A-Z]\w+)`", read_page(SCALING))}
    assert mentioned
    assert mentioned <= alerts


def test_what_alerts_count_is_there_before_its_first_count() -> None:
    """A series that begins with a count has no increase: such an alert comes late."""
    expositions = (
        Replica(MemoryBroker()).instruments.exposition(),
        tailer_instruments.Instruments().exposition(),
        indexer_instruments.Instruments().exposition(),
    )
    samples = [
        sample
        for text in expositions
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    ]
    counted = 0
    for rule in read_page("deploy/alerts.yml").split("- alert: ")[1:]:
        if " unless tailcast_" in rule or "unless {__name__" in rule:
            # It looks for series that have just begun.
            continue
        for name, labels in re.findall(r"increase\((\w+)(?:{([^}]*)})?\[", rule):
            counted += 1
            wanted = re.findall(r'(\w+)=~?"([^"]*)"', labels)
            assert any(
                sample.name == name
                and all(
                    re.fullmatch(value, sample.labels[key]) for key, value in wanted
                )
                for sample in samples
            ), f"{name} {labels} is not there at the start"
    assert counted


def test_links_lead_to_sections() -> None:
    """Whoever is on call has no time to look for them."""
    titles = re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    anchors = {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles
    }
    wanted = set(re.findall(r"\]\(#([^)]*)\)", PAGE))
    runbooks = re.findall(r"operations\.md#([\w-]+)", read_page("deploy/alerts.yml"))
    assert runbooks
    assert not (wanted | set(runbooks)) - anchors
