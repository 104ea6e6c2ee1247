"""The command `zoo`, which is also `python -m zoo`."""

import sys

from zoo.cli import main
from zoo.console import own_output
from zoo.errors import ZooError


def run() -> None:
    """Runs the command in this process, whose output is then the command's alone."""
    try:
        own_output()
    except ZooError as error:
        sys.exit(f"Error: {error}")
    main(prog_name="zoo")


if __name__ == "__main__":
    run()
