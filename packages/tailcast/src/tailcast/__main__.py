"""`python -m tailcast`: how `up` starts its children."""

from tailcast.main import main


if __name__ == "__main__":
    main()
