"""The tables of the manual that are made of the code, which has their texts.

Each stands in its page between two marks, `<!-- made of the code: NAME -->` and
`<!-- until here -->`; `docs.generate` writes it there.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry
from pydantic.fields import FieldInfo

from tailcast.settings import CommandSettings
from tailcast_gateway import instruments as gateway
from tailcast_gateway.limits import ALL_LIMITS, CONNECTIONS_OF_TOKEN, Limit
from tailcast_gateway.protocol.close_codes import (
    ALL_ADVICE,
    ALL_CLOSE_CODES,
    ComeBack,
)
from tailcast_gateway.protocol.error_codes import ERROR_TEXTS
from tailcast_gateway.settings import GatewaySettings
from tailcast_indexer import instruments as indexer
from tailcast_indexer.settings import IndexerSettings
from tailcast_service.names import PREFIX
from tailcast_service.settings import ServiceSettings, show
from tailcast_tailer import instruments as tailer
from tailcast_tailer.settings import TailerSettings


_REGISTRIES: Final[Mapping[str, CollectorRegistry]] = {
    "tailer": tailer.Instruments().registry,
    "indexer": indexer.Instruments().registry,
    "gateway": gateway.Instruments().registry,
}
# Defaults that are too long to be read in a table.
LONG_DEFAULT: Final = 40

_SERVICES: Final[Mapping[str, type[ServiceSettings]]] = {
    "tailer": TailerSettings, "indexer": IndexerSettings, "gateway": GatewaySettings,
}  # fmt: skip  # one name a line would hide what they are
_ALL: Final = "all"
_MARKED: Final = re.compile(
    r"^(<!-- made of the code: ([a-z ]+) -->\n).*?^(?=<!-- until here -->$)",
    re.MULTILINE | re.DOTALL,
)


class Setting(NamedTuple):
    """A row of the settings."""

    name: str
    default: str
    who: str
    meaning: str


def with_tables(page: str) -> str:
    """A page with its tables as they are made of the code now."""
    made = tables()
    return _MARKED.sub(lambda found: found[1] + made[found[2]], page)


def tables() -> dict[str, str]:
    """All tables, by their names."""
    return {
        "settings": _table(
            ("setting", "default", "who", "meaning"),
            ((f"`{one.name}`", *one[1:]) for one in settings()),
        ),
        "limits": _table(
            ("limit", "setting", "answer"),
            ((f"`{one.name}`", _setting_of(one), one.answer) for one in ALL_LIMITS),
        ),
        "purposes": _table(
            ("limit", "setting", "what it is for"),
            ((f"`{one.name}`", _setting_of(one), one.purpose) for one in ALL_LIMITS),
        ),
        "errors": _table(
            ("code", "the message"),
            ((f"`{code}`", text) for code, text in ERROR_TEXTS.items()),
        ),
        "advice on closes": _table(
            ("code", "what happened", "what to do"),
            (
                (", ".join(str(code.number) for code in codes), happened, mend)
                for codes, happened, mend in ALL_ADVICE
            ),
        ),
        "close codes": _table(
            ("close", "reason", "sent when", "come back?"),
            (
                *(
                    (str(one.number), one.reason, one.sent_when, one.come_back.value)
                    for one in ALL_CLOSE_CODES
                ),
                ("any other", "", "not by Tailcast", ComeBack.BACKING_OFF.value),
            ),
        ),
        **{
            f"metrics of the {service}": _table(
                ("metric", "meaning"),
                ((f"`{name}`", text) for name, text in metrics(service).items()),
            )
            for service in _SERVICES
        },
    }


def settings() -> list[Setting]:
    """All settings: first those that all services have, then each service's own."""
    found: dict[str, Setting] = {}
    models: dict[str, type[ServiceSettings]] = {**_SERVICES}
    models["command line"] = CommandSettings
    for who, model in models.items():
        for field_name, field in model.model_fields.items():
            name = f"{PREFIX}{field_name.upper()}"
            if name not in found:
                found[name] = Setting(name, _default(field), who, _meaning(field))
            elif who in _SERVICES:
                # Whoever shares one with another service shares it with all.
                found[name] = found[name]._replace(who=_ALL)
    return sorted(found.values(), key=lambda one: one.who != _ALL)


def metrics(service: str) -> dict[str, str]:
    """What each metric of a service means, by the name that Prometheus shows."""
    return {
        f"{one.name}_total" if one.type == "counter" else one.name: one.documentation
        + (" (histogram)" if one.type == "histogram" else "")
        for one in _REGISTRIES[service].collect()
    }


def _setting_of(limit: Limit) -> str:
    if limit is CONNECTIONS_OF_TOKEN:
        return "the claim `conn`"
    return f"`{PREFIX}{limit.setting}`" if limit.setting else "fixed"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "(required)"
    text = show(field, field.default)
    if len(text) > LONG_DEFAULT:
        return "a list"
    return f"`{text}`" if text else "(empty)"


def _meaning(field: FieldInfo) -> str:
    """All that the code says of a setting, in one line."""
    parts = (field.description or "").split("\n\n")
    return ". ".join(" ".join(part.split()) for part in parts)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [_row(head), f"|{'---|' * len(head)}", *map(_row, rows)]
    return "".join(f"{line}\n" for line in lines)


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")
