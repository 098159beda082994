"""Every name that a `TAILCAST_` variable may have, whoever reads it.

The services share one environment (a `.env`, a compose file), and none may import the
other; so the table of all names is here, and a misspelt one is found by each of them.
Nothing here reads the environment.
"""

import difflib
import re

from tailcast_service.exceptions import SettingsError


__all__ = ["PREFIX", "check_name", "is_injected"]

PREFIX = "TAILCAST_"

# Declared as a field by one of the settings classes (a test compares).
SETTINGS = frozenset(
    {
        "ALLOWED_ORIGINS",
        "COMPRESSION",
        "DRAIN_SECONDS",
        "EMERGENCY_PATTERNS",
        "HOST",
        "KEY_PREFIX",
        "LOG_DIR",
        "LOG_FORMAT",
        "LOG_LEVEL",
        "MAX_CONNECTIONS",
        "MAX_LINE_BYTES",
        "MAX_MESSAGE_BYTES",
        "MAX_SUBSCRIPTIONS",
        "METRICS_PORT",
        "PATHS",
        "PING_INTERVAL",
        "POLL_INTERVAL",
        "PONG_TIMEOUT",
        "PORT",
        "REDIS_URL",
        "RETENTION_BYTES",
        "RETENTION_TOTAL_BYTES",
        "ROOT_PATH",
        "SESSION_PREFIX",
        "SESSION_TTL",
        "SLOW_TIMEOUT",
        "START_AT",
        "STEP_KEYS",
        "TELEMETRY_PATTERNS",
        "TIME_KEYS",
        "WINDOW_BYTES",
    }
)

# Reserved: to take one and do nothing would promise what is not kept.
NOT_YET = frozenset(
    {
        "AUTH",
        "COMMANDS_PER_SECOND",
        "JWKS_URL",
        "JWT_AUDIENCE",
        "JWT_ISSUER",
        "JWT_PUBLIC_KEY",
        "JWT_SECRET",
        "MAX_CONNECTIONS_PER_CLIENT",
        "TLS_CERT",
        "TLS_KEY",
        "TRUSTED_PROXIES",
    }
)

# Read by the compose file, and no business of ours.
COMPOSE = frozenset(
    {
        "CREATED",
        "GID",
        "HOSTNAME",
        "PROMETHEUS_PORT",
        "PUBLISH",
        "REVISION",
        "UID",
        "VERSION",
    }
)

# What Kubernetes puts into a pod's environment for a Service called tailcast, or
# tailcast-SOMETHING, in the same namespace.
_INJECTED_NAME = re.compile(
    r"TAILCAST_(?:[A-Z0-9_]+_)?"
    r"(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?"
    r"|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)"
)
_INJECTED_PORT_NAME = re.compile(r"TAILCAST_(?:[A-Z0-9_]+_)?PORT")
_INJECTED_PORT_VALUE = re.compile(r"(?:tcp|udp|sctp)://")


def is_injected(name: str, value: str) -> bool:
    """Whether Kubernetes put this variable there, and not a person."""
    if _INJECTED_NAME.fullmatch(name):
        return True
    named_as_port = _INJECTED_PORT_NAME.fullmatch(name) is not None
    return named_as_port and _INJECTED_PORT_VALUE.match(value) is not None


def check_name(name: str, where: str) -> None:
    """Raise SettingsError if no setting has this name; `where` it was found."""
    bare = name.removeprefix(PREFIX)
    if bare in COMPOSE:
        return
    if bare not in SETTINGS | NOT_YET:
        bare = bare.removesuffix("_FILE")
    if bare in SETTINGS:
        return
    if bare in NOT_YET:
        raise SettingsError(f"{name}{where} has no effect in this version: remove it")
    nearest = difflib.get_close_matches(bare, SETTINGS, n=1, cutoff=0)
    raise SettingsError(
        f"{name}{where} is no setting of Tailcast: did you mean {PREFIX}{nearest[0]}?"
    )
