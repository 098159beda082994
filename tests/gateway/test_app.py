"""A gateway does not start with settings that would let in whom nobody meant."""

import pytest

from tailcast_gateway.app import run
from tailcast_gateway.settings import GatewaySettings
from tailcast_service.exceptions import SettingsError


# What a gateway needs for other reasons; it asks nobody there before it starts.
NEEDED = {"TAILCAST_REDIS_URL": "redis://127.0.0.1:1"}
TOKEN = "a-shared-token-of-thirty-two-characters"


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (
            {"AUTH": "proxy", "PROXY_USER_HEADER": "X-Forwarded-User"},
            r"TAILCAST_AUTH=proxy: .*TAILCAST_TRUSTED_PROXIES",
        ),
        # By a header alone it is the same mode.
        ({"PROXY_USER_HEADER": "X-Forwarded-User"}, "TAILCAST_TRUSTED_PROXIES"),
        (
            {"AUTH_TOKEN": TOKEN, "ALLOWED_ORIGINS": "*"},
            r"TAILCAST_ALLOWED_ORIGINS=\*: with TAILCAST_AUTH name the origins",
        ),
        (
            {"AUTH_TOKEN": TOKEN, "ALLOWED_ORIGINS": "https://a.example,*"},
            r"TAILCAST_ALLOWED_ORIGINS=\*",
        ),
        ({"HOST": "192.0.2.1"}, r"TAILCAST_AUTH=auto: 192\.0\.2\.1 can be reached"),
        ({"AUTH_TOKEN": "short"}, "TAILCAST_AUTH_TOKEN: .*32 characters"),
        ({"AUTH": "jwt"}, "TAILCAST_JWT_KEY"),
        (
            {"JWT_JWKS_URL": "https://issuer.example/keys"},
            "TAILCAST_JWT_ISSUER and TAILCAST_JWT_AUDIENCE",
        ),
        ({"TLS_CERT": "cert.pem"}, "TAILCAST_TLS_CERT and TAILCAST_TLS_KEY"),
    ],
)
def test_what_it_refuses_to_start_with(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], words: str
) -> None:
    """In one line, which names the setting to mend and repeats no secret."""
    for name, value in variables.items():
        monkeypatch.setenv(f"TAILCAST_{name}", value)
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=words) as refused:
        run(GatewaySettings.load())
    text = str(refused.value)
    assert "\n" not in text
    assert TOKEN not in text
