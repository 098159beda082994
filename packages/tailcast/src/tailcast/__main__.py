"""`python -m tailcast`: how `up` starts its children."""

# ruff: noqa: E402  # a signal may come while the rest is being imported

from tailcast_service.exits import take_signals


take_signals()

from tailcast.main import main


if __name__ == "__main__":
    main()
