"""The gateway's way in; `tailcast_service.program` says what that is."""

from tailcast_gateway.settings import GatewaySettings
from tailcast_service import program


__all__ = ["main", "serve"]


def main() -> None:
    """The entry point of `tailcast-gateway`."""
    program.run_program("gateway", serve)


def serve(**flags: str | None) -> None:
    """Run the gateway until it is told to end; a flag that is None was not given."""
    program.serve("gateway", GatewaySettings, **flags)
