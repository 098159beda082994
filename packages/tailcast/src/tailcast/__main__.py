"""`python -m tailcast`: the command line, as `tailcast` is."""

# ruff: noqa: E402  # a signal may come while the rest is being imported

from tailcast_service.start import begin


begin()

from tailcast.main import main


if __name__ == "__main__":
    main()
