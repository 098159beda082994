"""All names that a `TAILCAST_` variable may have, in any service.

The services share one environment (a `.env`, a compose file), but must not import each
other. So all names are listed here, and each service finds a misspelt one. Nothing here
reads the environment.
"""

import difflib
import re

from tailcast_service.exceptions import SettingsError


__all__ = ["PREFIX", "check_name", "is_injected"]

PREFIX = "TAILCAST_"

# The fields of all settings classes (a test compares them).
SETTINGS = frozenset(
    {
        "ALLOWED_HOSTS",
        "ALLOWED_ORIGINS",
        "AUTH",
        "AUTH_DEFAULT_SESSIONS",
        "AUTH_TIMEOUT",
        "AUTH_TOKEN",
        "COMMAND_BURST",
        "COMMAND_RATE",
        "COMPRESSION",
        "CONNECTION_BURST",
        "CONNECTION_RATE",
        "DRAIN_SECONDS",
        "EMERGENCY_PATTERNS",
        "HANDSHAKE_TIMEOUT",
        "HOST",
        "JWT_AUDIENCE",
        "JWT_ISSUER",
        "JWT_JWKS_URL",
        "JWT_KEY",
        "JWT_MAX_LIFETIME",
        "JWT_SESSIONS_CLAIM",
        "KEY_PREFIX",
        "LISTEN_FDS",
        "LOG_DIR",
        "LOG_FORMAT",
        "LOG_LEVEL",
        "MAX_CONNECTIONS",
        "MAX_CONNECTIONS_PER_ADDRESS",
        "MAX_CONNECTIONS_PER_SUBJECT",
        "MAX_CONTROL_FRAMES",
        "MAX_EXPORTS",
        "MAX_EXPORTS_PER_SUBJECT",
        "MAX_HEADER_BYTES",
        "MAX_INVALID_MESSAGES",
        "MAX_LINE_BYTES",
        "MAX_MESSAGE_BYTES",
        "MAX_NAMED_BYTES",
        "MAX_NAMED_CLIENTS",
        "MAX_NAMED_CLIENT_BYTES",
        "MAX_PATTERN_CHARACTERS",
        "MAX_REPLAYS",
        "MAX_SESSIONS",
        "MAX_SUBSCRIPTIONS",
        "MAX_UNBORN_SESSIONS",
        "MAX_WATCHED_SESSIONS",
        "MAX_WILDCARDS",
        "MEMORY_WATERMARK",
        "METRICS_PORT",
        "PART_PATTERNS",
        "PATHS",
        "PING_INTERVAL",
        "POLL_INTERVAL",
        "PONG_TIMEOUT",
        "PORT",
        "PROXY_SESSIONS_HEADER",
        "PROXY_USER_HEADER",
        "PUBLISH",
        "READY_FD",
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
        "TLS_CERT",
        "TLS_KEY",
        "TOKEN",
        "TRUSTED_PROXIES",
        "WINDOW_BYTES",
    }
)

# Names that only the compose file reads.
COMPOSE = frozenset(
    {
        "CREATED",
        "GID",
        "HOSTNAME",
        "PROMETHEUS_PORT",
        "REVISION",
        "UID",
        "VERSION",
    }
)

# The variables that Kubernetes sets in a pod for a Service called tailcast, or
# tailcast-SOMETHING, in the same namespace.
_INJECTED_NAME = re.compile(
    r"TAILCAST_(?:[A-Z0-9_]+_)?"
    r"(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?"
    r"|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)"
)
_INJECTED_PORT_NAME = re.compile(r"TAILCAST_(?:[A-Z0-9_]+_)?PORT")
_INJECTED_PORT_VALUE = re.compile(r"(?:tcp|udp|sctp)://")


def is_injected(name: str, value: str) -> bool:
    """Whether Kubernetes has set this variable, and not a person."""
    if _INJECTED_NAME.fullmatch(name):
        return True
    named_as_port = _INJECTED_PORT_NAME.fullmatch(name) is not None
    return named_as_port and _INJECTED_PORT_VALUE.match(value) is not None


def check_name(name: str, where: str) -> None:
    """Raise SettingsError if no setting has this name; `where` says where it is set."""
    bare = name.removeprefix(PREFIX)
    if bare in COMPOSE:
        return
    if bare not in SETTINGS:
        bare = bare.removesuffix("_FILE")
    if bare in SETTINGS:
        return
    nearest = difflib.get_close_matches(bare, SETTINGS, n=1, cutoff=0)
    raise SettingsError(
        f"{name}{where} is no setting of Tailcast: did you mean {PREFIX}{nearest[0]}?"
    )
