"""The gateway's entry point; `tailcast_service.program` has what all services share."""

from tailcast_service.start import begin


__all__ = ["main", "serve"]


def main() -> None:
    """The entry point of `tailcast-gateway`."""
    begin()
    from tailcast_service.program import run_program  # noqa: PLC0415  # as said above

    run_program("gateway", serve)


def serve(**flags: str | None) -> None:
    """Run the gateway until a signal ends it; a flag that is None was not given."""
    from tailcast_gateway.settings import GatewaySettings  # noqa: PLC0415  # as above
    from tailcast_service import program  # noqa: PLC0415  # as above

    program.serve("gateway", GatewaySettings, **flags)
