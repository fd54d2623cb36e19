"""The `penstock` command; `python -m penstock` is the same."""

import sys

from penstock.installed import __version__, advice


def main() -> None:
    """Exit status 1 and one line where the packages that the command needs are not installed; --version needs none."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"penstock {__version__}\n")
        return
    try:
        from penstock.cli import app
    except ModuleNotFoundError as error:
        if advised := advice(error):
            sys.exit(f"penstock: {advised}")
        raise
    app(prog_name="penstock")


if __name__ == "__main__":
    main()
