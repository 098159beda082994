"""A name that no setting has is found, whoever starts."""

import pytest

from tailcast.settings import CommandSettings
from tailcast_gateway.settings import GatewaySettings
from tailcast_indexer.settings import IndexerSettings
from tailcast_service.exceptions import SettingsError
from tailcast_service.names import SETTINGS, check_name, is_injected
from tailcast_tailer.settings import TailerSettings


ALL_SETTINGS = (TailerSettings, IndexerSettings, GatewaySettings, CommandSettings)


def test_the_table_has_every_field_and_nothing_else() -> None:
    """What is declared somewhere is in the table, and the other way round."""
    declared = {
        name.upper() for settings in ALL_SETTINGS for name in settings.model_fields
    }
    assert declared == SETTINGS


@pytest.mark.parametrize(
    "name", ["TAILCAST_PORT", "TAILCAST_REDIS_URL_FILE", "TAILCAST_PUBLISH"]
)
def test_known_names_pass(name: str) -> None:
    """Settings, files with settings, and what the compose file reads."""
    check_name(name, "")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("TAILCAST_PROT", "TAILCAST_PORT"),
        ("TAILCAST_REDISURL", "TAILCAST_REDIS_URL"),
        ("TAILCAST_MAX_CONECTIONS_FILE", "TAILCAST_MAX_CONNECTIONS"),
    ],
)
def test_a_misspelt_name_is_told_with_its_nearest(name: str, nearest: str) -> None:
    """The message names what was written and what was probably meant."""
    with pytest.raises(SettingsError, match=f"{name} .*did you mean {nearest}"):
        check_name(name, "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TAILCAST_PORT", "tcp://10.0.0.1:5000"),
        ("TAILCAST_SERVICE_HOST", "10.0.0.1"),
        ("TAILCAST_SERVICE_PORT", "5000"),
        ("TAILCAST_SERVICE_PORT_HTTP", "5000"),
        ("TAILCAST_PORT_5000_TCP", "tcp://10.0.0.1:5000"),
        ("TAILCAST_PORT_5000_TCP_ADDR", "10.0.0.1"),
        ("TAILCAST_GATEWAY_PORT", "tcp://10.0.0.1:5000"),
        ("TAILCAST_GATEWAY_SERVICE_HOST", "10.0.0.1"),
    ],
)
def test_what_kubernetes_injects_is_recognised(name: str, value: str) -> None:
    """Variables of a Service called tailcast are no settings."""
    assert is_injected(name, value)


@pytest.mark.parametrize(
    ("name", "value"), [("TAILCAST_PORT", "5000"), ("TAILCAST_METRICS_PORT", "9100")]
)
def test_a_port_of_ours_is_no_injected_one(name: str, value: str) -> None:
    """A number is what a person sets."""
    assert not is_injected(name, value)
