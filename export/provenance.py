"""Which exports were made here, by this user: a SavedModel of another may not simply be run.

A SavedModel is a program: when it is run it can read and write any file that the user can. TFLite
and ONNX files compute, and nothing else.
"""

import contextlib

from zoo.storage.cache_folder import NoHome, cache

_made_here: set[str] = set()


def remember(digest: str) -> None:
    """Notes the digest of an export that was just made; for later processes, in the cache."""
    _made_here.add(digest)
    with contextlib.suppress(OSError, NoHome):  # then those have to be told
        folder = cache() / "exports"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / digest).touch()


def is_known(digest: str) -> bool:
    """Whether an export with this digest, which stands for all of its files, was made here."""
    if digest in _made_here:
        return True
    try:
        return (cache() / "exports" / digest).is_file()
    except (OSError, NoHome):
        return False
