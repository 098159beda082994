"""The entry point of the tailer; `tailcast_service.program` runs it."""

from tailcast_service.start import begin


__all__ = ["main", "serve"]


def main() -> None:
    """The entry point of `tailcast-tailer`."""
    begin()
    from tailcast_service.program import run_program  # noqa: PLC0415  # as said above

    run_program("tailer", serve)


def serve(**flags: str | None) -> None:
    """Run the tailer until a signal ends it; None is a flag that was not given."""
    from tailcast_service import program  # noqa: PLC0415  # as above
    from tailcast_tailer.settings import TailerSettings  # noqa: PLC0415  # as above

    program.serve("tailer", TailerSettings, **flags)
