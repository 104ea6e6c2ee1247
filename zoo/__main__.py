"""The command `zoo`, which is also `python -m zoo`."""

import errno
import os
import sys

from zoo.cli import main
from zoo.commands.console import own_output
from zoo.errors import ZooError


def run() -> None:
    """Runs the command in this process, whose output is then the command's alone."""
    try:
        own_output()
    except ZooError as error:
        sys.exit(f"Error: {error}")
    try:
        main(prog_name="zoo")
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename is not None:
            raise  # it is not of the terminal, or of what stands in its place
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (nothing more can be said there)
        sys.exit(f"Error: the output cannot be written: {error.strerror}")


if __name__ == "__main__":
    run()
