"""What is being written beside its target, by whom, and what killed writers left of it."""

import contextlib
import os
import re
import shutil
import time
import uuid
from pathlib import Path

from zoo.storage import processes

PARTIAL, OLD = ".partial", ".old"
"""Endings of what is being written, and of a folder that was set aside for it."""
_NAME = re.compile(rf"(\w+)-(\d{{1,18}})-(\w+)({re.escape(PARTIAL)}|{re.escape(OLD)})", re.ASCII)
_ABANDONED = 86_400.0  # seconds after which another machine's leftover is nobody's
_mine: set[str] = set()


def beside(target: Path, end: str) -> Path:
    """A path beside a target that no other writer has, and which says who has it."""
    token = uuid.uuid4().hex[:12]
    _mine.add(token)
    name = f"{processes.here()}-{os.getpid()}-{token}{end}"
    return target.with_name(_prefix(target.name) + name)


def found(target: Path) -> list[Path]:
    """What writers of a target, killed or still at work, have beside it."""
    prefix = _prefix(target.name)
    try:
        near = [path for path in target.parent.iterdir() if path.name.startswith(prefix)]
    except OSError:
        return []
    return sorted(path for path in near if _NAME.fullmatch(path.name.removeprefix(prefix)))


def clear(target: Path) -> None:
    """Removes what killed writers left.

    A folder that one of them set aside, and put nothing in the place of, goes back there.
    """
    for path in filter(_is_abandoned, found(target)):
        with contextlib.suppress(OSError):
            if path.name.endswith(OLD) and not os.path.lexists(target):
                os.replace(path, target)
            else:
                remove(path)


def remove(path: Path) -> None:
    """Removes a file or folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _prefix(name: str) -> str:
    """A name, cut where it and what is added would be too long for a file system."""
    return os.fsencode(name)[:120].decode("utf-8", "ignore") + "."


def _is_abandoned(path: Path) -> bool:
    found = _NAME.search(path.name)
    if found is None:
        return False
    host, pid, token, _ = found.groups()
    if host != processes.here():
        return _age(path) > _ABANDONED
    return token not in _mine if int(pid) == os.getpid() else not processes.runs(int(pid))


def _age(path: Path) -> float:
    try:
        return time.time() - path.lstat().st_mtime
    except OSError:
        return 0.0
