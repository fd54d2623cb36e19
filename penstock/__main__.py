"""The `penstock` command; `python -m penstock` is the same."""

import sys

from penstock.hosting.installed import advice


def main() -> None:
    """Exit status 1 and one line where the packages that the command needs are not installed."""
    try:
        from penstock.cli import app
    except ModuleNotFoundError as error:
        if advised := advice(error):
            sys.exit(f"penstock: {advised}")
        raise
    app(prog_name="penstock")


if __name__ == "__main__":
    main()
