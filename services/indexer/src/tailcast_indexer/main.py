"""The entry point of the indexer; `tailcast_service.program` runs it."""

from tailcast_service.exits import take_signals


__all__ = ["main", "serve"]


def main() -> None:
    """The entry point of `tailcast-indexer`."""
    # A signal may come while the rest is being imported.
    take_signals()
    from tailcast_service.program import run_program  # noqa: PLC0415  # as said above

    run_program("indexer", serve)


def serve(**flags: str | None) -> None:
    """Run the indexer until a signal ends it; None is a flag that was not given."""
    from tailcast_indexer.settings import IndexerSettings  # noqa: PLC0415  # as above
    from tailcast_service import program  # noqa: PLC0415  # as above

    program.serve("indexer", IndexerSettings, **flags)
