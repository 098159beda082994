"""docs/operations.md has every setting, metric, alert and close code, and no other."""

import re
from typing import NamedTuple

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from pydantic.fields import FieldInfo

from tailcast.settings import CommandSettings
from tailcast_gateway import instruments as gateway_instruments
from tailcast_gateway.limits import ALL_LIMITS
from tailcast_gateway.protocol.close_codes import ALL_CLOSE_CODES
from tailcast_gateway.replica import Replica
from tailcast_gateway.settings import GatewaySettings
from tailcast_indexer import instruments as indexer_instruments
from tailcast_indexer.settings import IndexerSettings
from tailcast_service.names import COMPOSE, PREFIX, SETTINGS
from tailcast_service.settings import ServiceSettings, show
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_tailer import instruments as tailer_instruments
from tailcast_tailer.settings import TailerSettings
from tests.docs.pages import named, read_page, rows, section


PAGE = read_page("docs/operations.md")
# Defaults that are too long to be read in a table.
LONG_DEFAULT = 40
HISTOGRAM_PARTS = ("_bucket", "_sum", "_count")


MODELS: dict[str, type[ServiceSettings]] = {
    "tailer": TailerSettings, "indexer": IndexerSettings, "gateway": GatewaySettings,
}  # fmt: skip  # one name a line would hide what they are


class Setting(NamedTuple):
    """What the row of a setting says."""

    default: str
    # `tailer`, `gateway`, `tailer, indexer`, or `all`
    service: str
    meaning: str


def _settings() -> dict[str, Setting]:
    """Every setting of a service."""
    fields: dict[str, FieldInfo] = {}
    services: dict[str, list[str]] = {}
    for service, model in MODELS.items():
        for field_name, field in model.model_fields.items():
            name = f"{PREFIX}{field_name.upper()}"
            fields[name] = field
            services.setdefault(name, []).append(service)
    for field_name, field in CommandSettings.model_fields.items():
        name = f"{PREFIX}{field_name.upper()}"
        if name not in fields:
            fields[name], services[name] = field, ["command line"]
    return {
        name: Setting(
            _default(field),
            "all" if services[name] == list(MODELS) else ", ".join(services[name]),
            field.description or "",
        )
        for name, field in fields.items()
    }


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "(required)"
    text = show(field, field.default)
    if len(text) > LONG_DEFAULT:
        return "a list"
    return f"`{text}`" if text else "(empty)"


def _metrics(registry: CollectorRegistry) -> dict[str, str]:
    """Each metric as Prometheus shows it, and what the code says of it."""
    return {
        f"{one.name}_total" if one.type == "counter" else one.name: one.documentation
        for one in registry.collect()
    }


METRICS = {
    "Tailer": _metrics(tailer_instruments.Instruments().registry),
    "Indexer": _metrics(indexer_instruments.Instruments().registry),
    # It keeps its registry to itself.
    "Gateway": _metrics(gateway_instruments.Instruments()._registry),
}


def test_every_setting_has_its_row() -> None:
    """With its default, and who reads it."""
    documented = named(section(PAGE, "Settings"))
    wrong = [
        f"write the row | `{name}` | {' | '.join(setting)} |"
        for name, setting in _settings().items()
        if documented.get(name, [])[:2] != [setting.default, setting.service]
    ]
    only_compose = {f"{PREFIX}{name}" for name in COMPOSE}
    wrong += [
        f"no setting is called {name}: remove its row"
        for name in documented.keys() - _settings().keys() - only_compose
        if name.startswith(PREFIX)
    ]
    wrong += [
        f"docker-compose.yml reads {name}: write its row"
        for name in sorted(only_compose - documented.keys())
    ]
    assert not wrong, "\n".join(["docs/operations.md, Settings:", *wrong])


def test_every_limit_has_its_row() -> None:
    """As the code has it, in the same order; its setting is one."""
    documented = [tuple(cells[:3]) for cells in rows(section(PAGE, "Limits"))][1:]
    expected = [
        (
            f"`{one.name}`",
            f"`{PREFIX}{one.setting}`" if one.setting else "fixed",
            one.answer,
        )
        for one in ALL_LIMITS
    ]
    wrong = [
        f"write the row | {' | '.join(one)} |"
        for one in expected
        if one not in documented
    ]
    assert not wrong, "\n".join(["docs/operations.md, Limits:", *wrong])
    assert documented == expected


@pytest.mark.parametrize("service", METRICS)
def test_every_metric_has_its_row(service: str) -> None:
    """Under the name that Prometheus shows."""
    documented = named(section(section(PAGE, "Metrics"), service))
    there = METRICS[service]
    wrong = [
        f"write the row | `{name}` | {meaning} |"
        for name, meaning in there.items()
        if name not in documented
    ]
    wrong += [
        f"no metric is called {name}: remove its row"
        for name in documented
        if name.startswith("tailcast_") and name not in there
    ]
    assert not wrong, "\n".join([f"docs/operations.md, {service}:", *wrong])


def test_whatever_else_is_named_exists() -> None:
    """Settings and metrics in advice, in examples and in the rules of the alerts."""
    text = PAGE + read_page("deploy/alerts.yml")
    settings = {f"{PREFIX}{name}" for name in SETTINGS | COMPOSE}
    settings |= {f"{name}_FILE" for name in settings}
    metrics = {name for there in METRICS.values() for name in there}
    metrics |= {f"{name}{part}" for name in metrics for part in HISTOGRAM_PARTS}
    mentioned = set(
        re.findall(r"\bTAILCAST_[A-Z_]+[A-Z]|\btailcast_[a-z_]+[a-z]", text)
    )
    unknown = mentioned - settings - metrics
    assert not unknown, f"named, and not there: {sorted(unknown)}"


def test_every_alert_is_explained() -> None:
    """As severe as its rule says, and with a section to go to."""
    rules = re.findall(
        r"- alert: (\w+)\n(?:.*\n)*?\s+severity: (\w+)", read_page("deploy/alerts.yml")
    )
    assert rules
    documented = named(section(PAGE, "Alerts"))
    assert {name: cells[0] for name, cells in documented.items()} == dict(rules)


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


def test_every_close_code_is_explained() -> None:
    """What a client is told has an entry for whoever is asked about it."""
    cells = [row[0] for row in rows(section(PAGE, "A client is closed"))]
    documented = {int(code) for cell in cells for code in re.findall(r"\d{4}", cell)}
    assert documented == {code.number for code in ALL_CLOSE_CODES}
