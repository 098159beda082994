"""How clients prove who they are, as the settings say it. Pure."""

from collections.abc import Collection, Sequence
from typing import Final, Literal, TypeAlias, cast, get_args

from tailcast_gateway.http.core.hosts import host_in, is_loopback


Mode: TypeAlias = Literal["none", "token", "jwt", "proxy"]
AUTO: Final = "auto"
MODES: Final = frozenset({AUTO, *get_args(Mode)})

_NEEDS: Final = {
    "token": "TAILCAST_AUTH_TOKEN",
    "jwt": "TAILCAST_JWT_KEY or TAILCAST_JWT_JWKS_URL",
    "proxy": "TAILCAST_PROXY_USER_HEADER",
}


def modes_in_force(
    asked: Sequence[str], *, addresses: Sequence[str], given: Collection[str]
) -> tuple[Mode, ...]:
    """The modes that count. Raises ValueError, whose text says what to set.

    Args:
        asked: what `TAILCAST_AUTH` has.
        addresses: where the gateway can be reached.
        given: the modes for which a secret or a key is set.
    """
    names = tuple(dict.fromkeys(asked))
    if not names or not MODES.issuperset(names):
        raise ValueError(f"name one of {', '.join(sorted(MODES))}")
    if len(names) > 1 and not {AUTO, "none"}.isdisjoint(names):
        raise ValueError("auto and none stand alone")
    if names == (AUTO,):
        return _automatic(addresses, given)
    for name in names:
        if name in _NEEDS and name not in given:
            raise ValueError(f"{name} needs {_NEEDS[name]}")
    for name in sorted(given):
        if name not in names:
            raise ValueError(f"{_NEEDS[name]} is set, and has no effect: add {name}")
    return cast("tuple[Mode, ...]", names)


def _automatic(addresses: Sequence[str], given: Collection[str]) -> tuple[Mode, ...]:
    if given:
        return cast("tuple[Mode, ...]", tuple(sorted(given)))
    open_to = [one for one in addresses if not is_here(one)]
    if not open_to:
        return ("none",)
    raise ValueError(
        f"{open_to[0]} can be reached by others: set TAILCAST_AUTH_TOKEN to 32"
        " characters or more, or TAILCAST_JWT_KEY, or TAILCAST_AUTH=none if everybody"
        " there may read everything"
    )


def is_here(address: str) -> bool:
    """Whether an address to listen on can be reached from this machine alone."""
    host = host_in(f"[{address}]" if ":" in address else address)
    return host is not None and is_loopback(host)
