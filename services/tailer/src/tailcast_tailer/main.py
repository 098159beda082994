"""The tailer's way in; `tailcast_service.program` says what that is."""

from tailcast_service import program
from tailcast_tailer.settings import TailerSettings


__all__ = ["main", "serve"]


def main() -> None:
    """The entry point of `tailcast-tailer`."""
    program.run_program("tailer", serve)


def serve(**flags: str | None) -> None:
    """Run the tailer until it is told to end; a flag that is None was not given."""
    program.serve("tailer", TailerSettings, **flags)
