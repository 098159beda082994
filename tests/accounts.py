"""Accounts on a test's broker: what an operator writes into its ACL."""

from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.brokers import BrokerServer


ROOT = Path(__file__).parents[1]
PASSWORD = "secret"  # of a broker that lives as long as a test


def add_account(server: BrokerServer, name: str, rule: str) -> str:
    """Make an account with a rule as `ACL SETUSER` takes it; the URL to use it."""
    with server.client() as client:
        client.execute_command(
            "ACL", "SETUSER", name, "reset", "on", f">{PASSWORD}", *_parts(rule)
        )
    return account_url(server, name)


def account_url(server: BrokerServer, name: str) -> str:
    """The broker's URL for an account."""
    parts = urlsplit(server.url)
    netloc = f"{name}:{PASSWORD}@{parts.netloc}"
    return urlunsplit(parts._replace(netloc=netloc))


def documented_rule(service: str) -> str:
    """The rule that operators are given for a service."""
    lines = (ROOT / "docs" / "operations.md").read_text().splitlines()
    start = f"user {service} on >PASSWORD "
    return next(one.removeprefix(start) for one in lines if one.startswith(start))


def denials(server: BrokerServer, name: str) -> list[str]:
    """What the broker refused an account, in its own words."""
    with server.client() as client:
        entries = client.acl_log()
    return [
        f"{entry['reason']}: {entry['object']}"
        for entry in entries
        if entry["username"] == name and entry["object"] != "client|setinfo"
    ]


def _parts(rule: str) -> list[str]:
    """The rule's words; what stands in parentheses is one of them."""
    parts: list[str] = []
    for word in rule.split():
        if parts and parts[-1].startswith("(") and not parts[-1].endswith(")"):
            parts[-1] += f" {word}"
        else:
            parts.append(word)
    return parts
