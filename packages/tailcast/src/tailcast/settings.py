"""The settings that the command line itself reads; the services read theirs."""

from tailcast_service.settings import ServiceSettings
from tailcast_service.values import SecretText, SecretUrl


__all__ = ["CommandSettings"]


class CommandSettings(ServiceSettings):
    """Where `up` finds the broker, and where files are."""

    redis_url: SecretUrl | None = None
    """the broker; unset: `tailcast up` brings its own"""

    log_dir: str = "logs"
    """directory below which the files are"""

    token: SecretText = ""
    """the token that is sent to a gateway that wants one

    `tailcast sessions` sends it
    """
