"""Where the package keeps what it made for a user: `$ZOO_CACHE`, or else the platform's folder for
what can be made again."""

import os
import sys
from pathlib import Path

from zoo.errors import ZooError

_NAME = "keras-image-zoo"


class NoHome(ZooError):
    """Nowhere is said where files are kept."""


def cache() -> Path:
    """The folder; besides such files it has notes of `zoo.export.provenance`. It may be removed."""
    usual = {"win32": os.environ.get("LOCALAPPDATA"), "darwin": "~/Library/Caches"}
    above = usual.get(sys.platform) or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    chosen = os.environ.get("ZOO_CACHE")
    try:
        return Path(chosen).expanduser() if chosen else Path(above).expanduser() / _NAME
    except RuntimeError:  # as in a container with a user of no name
        raise NoHome(
            f"{chosen or above}: there is no home folder to keep files in: set ZOO_CACHE to one"
        ) from None
