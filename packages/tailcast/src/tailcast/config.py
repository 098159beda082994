"""`tailcast config`: every setting as it is in force, secrets masked."""

from tailcast_gateway.settings import GatewaySettings
from tailcast_indexer.settings import IndexerSettings
from tailcast_service.settings import SettingInForce
from tailcast_tailer.settings import TailerSettings


__all__ = ["print_config"]


def print_config() -> None:
    """One block for each setting, by name; those of several services once."""
    all_settings = [
        *IndexerSettings.in_force(),
        *TailerSettings.in_force(),
        *GatewaySettings.in_force(),
    ]
    once = {line.name: line for line in all_settings}
    for setting in sorted(once.values(), key=by_name):
        print(describe(setting))  # noqa: T201  # the command's answer


def by_name(setting: SettingInForce) -> str:
    """What the settings are sorted by."""
    return setting.name


def describe(setting: SettingInForce) -> str:
    """Name, value and origin on one line, meaning and default below."""
    value = setting.value or "(empty)"
    origin = setting.origin
    if origin == "missing":
        value, origin = "(none)", "not set"
    return (
        f"{setting.name} = {value}    [{origin}]\n"
        f"    {setting.meaning}; default: {setting.default or '(empty)'}"
    )
