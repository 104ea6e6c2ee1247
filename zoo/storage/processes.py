"""Which process writes where: whether it still runs, and locks on folders."""

import contextlib
import functools
import json
import os
import re
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from zoo.errors import ZooError

LOCK = ".lock"
"""The ending of the file beside a folder that says which process writes into it."""
_TOUCHED, _ABANDONED = 30.0, 600.0  # seconds: a lock is touched so often; older ones are nobody's
_held: set[str] = set()


@functools.cache
def here() -> str:
    """This machine, as it stands in names of files: among containers of one host name, this one."""
    try:
        numbered_apart = re.sub(r"\D", "", os.readlink("/proc/self/ns/pid"))
    except OSError:
        numbered_apart = ""
    return re.sub(r"\W", "_", socket.gethostname(), flags=re.ASCII)[:32] + "_" + numbered_apart


def runs(pid: int, born: str = "") -> bool:
    """Whether a process of this machine runs, and was born when it should have been."""
    if sys.platform == "win32":
        return _runs_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it runs, for another user
        pass
    return not born or birth(pid) in ("", born)


def birth(pid: int) -> str:
    """When a process began, in ticks since the machine did; "" where this is not to be seen."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _runs_on_windows(pid: int) -> bool:  # where a signal 0 is Control-C
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]  # there only
    limited_information, still_active = 0x1000, 259
    handle = kernel.OpenProcess(limited_information, False, pid)
    if not handle:
        return False
    status = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(status))
    kernel.CloseHandle(handle)
    return status.value == still_active


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps a folder for one process, by a file beside it that only one can create.

    This holds on network folders, too. The lock of a process that has ended is taken over: on this
    machine at once, on another when it was not touched for ten minutes.

    Raises:
        ZooError: another process holds it, which is named; the file cannot be written.
    """
    folder = Path(os.path.abspath(folder))
    path = folder.with_name(folder.name + LOCK)
    token = uuid.uuid4().hex
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while not _created(path, token):
            _remove_stale(path, folder)
    except OSError as error:
        raise ZooError(f"{path} cannot be written: {error.strerror or error}") from error
    _held.add(token)
    ended = threading.Event()
    threading.Thread(target=_touch, args=(path, ended), daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        _held.discard(token)
        if _holder(path).get("token") == token:
            path.unlink(missing_ok=True)


def _touch(path: Path, ended: threading.Event) -> None:
    while not ended.wait(_TOUCHED):
        with contextlib.suppress(OSError):
            os.utime(path)


def _created(path: Path, token: str) -> bool:
    mine = {"host": here(), "pid": os.getpid(), "born": birth(os.getpid()), "token": token}
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(mine | {"since": time.strftime("%Y-%m-%d %H:%M:%S")}, file)
    return True


def _remove_stale(path: Path, folder: Path) -> None:
    """Removes the lock of a process that has ended. Raises ZooError where it holds."""
    holder, age = _holder(path), _age(path)
    if not _is_stale(holder, age):
        raise ZooError(
            f"{folder} is in use: expected no other writer, got process {holder.get('pid', '?')} "
            f"on {holder.get('host', '?')} since {holder.get('since', '?')}; wait for it or stop "
            f"it, and if it is gone remove {path}"
        )
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    with contextlib.suppress(FileNotFoundError):  # another took it over at this very moment
        os.rename(path, aside)
        if _holder(aside) != holder:  # and its new one was moved: it goes back
            with contextlib.suppress(OSError):
                os.link(aside, path)
        aside.unlink()


def _is_stale(holder: dict, age: float) -> bool:
    pid = holder.get("pid")
    if not isinstance(pid, int):
        return age > 10  # empty while it is being written; or damaged
    if holder.get("host") != here():
        return age > _ABANDONED
    if pid == os.getpid():
        return holder.get("token") not in _held
    return not runs(pid, str(holder.get("born", "")))


def _holder(path: Path) -> dict:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _age(path: Path) -> float:
    """Seconds since the last change; 0 where the file is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0
