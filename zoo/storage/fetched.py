"""Published folders at a web address: fetched once, and each file is what its SHA-256 says."""

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from ssl import SSLError

from zoo.errors import ZooError
from zoo.storage import files, run_json
from zoo.storage.cache_folder import cache
from zoo.storage.processes import locked

_ADDRESS = re.compile(r"(https?://[^#\s]+?)/*(?:#sha256=([0-9a-f]{64}))?", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)
_TRIES, _SECONDS, _BLOCK = 5, 30.0, 2**20
_BROKEN = (
    urllib.error.URLError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
    SSLError,
)
_MOST = 2**32  # bytes of a file: a server may send without end


def local(name: str | Path) -> str | Path:
    """The folder on this machine that holds what an address does; anything else as it is.

    Args:
        name: `https://HOST/FOLDER#sha256=DIGEST`, as `zoo publish` prints it. The digest is of the
            folder's `run.json`, which has those of all other files.

    Returns:
        The folder, in `$ZOO_CACHE`. What is there is not asked for again; what was cut short goes
        on where it stopped.

    Raises:
        ZooError: the address has no digest, cannot be reached, or serves something else.
    """
    if not (isinstance(name, str) and name.startswith(("https://", "http://"))):
        return name
    found = _ADDRESS.fullmatch(name)
    if not found or not found[2]:
        raise ZooError(
            f"{name}: expected an address with the SHA-256 of what is there, as `zoo publish` "
            "prints it: https://HOST/FOLDER#sha256=..."
        )
    address, digest = found.groups()
    folder = cache() / "published" / digest
    if not _is_whole(folder, digest):  # else several processes may read it at once
        with locked(folder):
            fetch(f"{address}/{run_json.RUN}", folder / run_json.RUN, digest)
            for file, known in _others(folder):
                fetch(f"{address}/{file}", folder / file, known)
    return folder


def _is_whole(folder: Path, digest: str) -> bool:
    is_told = _is_there(folder / run_json.RUN, digest)
    return is_told and all(_is_there(folder / file, known) for file, known in _others(folder))


def _others(folder: Path) -> Iterator[tuple[str, str]]:
    """All files but `run.json`, and their SHA-256."""
    record = folder / run_json.RUN
    for file, digest in run_json.read(record).get("sha256", {}).items():
        if not _NAME.fullmatch(file):
            raise ZooError(f"{record}: expected plain names of files, got {file!r}")
        yield file, digest


def _is_there(path: Path, digest: str) -> bool:
    return path.is_file() and files.sha256(files.read_bytes(path)) == digest


def fetch(address: str, path: Path, digest: str) -> None:
    """Makes a file be there, with the bytes that it should have.

    Raises:
        ZooError: the address cannot be reached, or serves something else.
    """
    if _is_there(path, digest):
        return
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _download(address, part)
        if (actual := files.sha256(part.read_bytes())) != digest:
            part.unlink()
            raise ZooError(
                f"{address}: expected a file of SHA-256 {digest}, got {actual}: it was changed or "
                "damaged; ask whoever published it for the address of today"
            )
        part.replace(path)
    except OSError as error:
        raise files.unwritable(path, error) from error


def _download(address: str, part: Path) -> None:
    """Appends what is missing; a connection that breaks off is taken up again."""
    why: object = "it breaks off"
    for _ in range(_TRIES):
        try:
            if _appended(address, part):
                return
        except urllib.error.HTTPError as error:
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return  # all of it is here
            raise ZooError(f"{address}: expected a file, got {error.code} {error.reason}") from None
        except _BROKEN as error:
            why = getattr(error, "reason", None) or error
    raise ZooError(
        f"{address} cannot be fetched: {why}; what came is kept, and the next try goes on from it"
    )


def _appended(address: str, part: Path) -> bool:
    """Whether all came."""
    from tqdm import tqdm

    done = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(address, headers={"Range": f"bytes={done}-"} if done else {})
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
        goes_on = answer.status == http.HTTPStatus.PARTIAL_CONTENT
        left = answer.length
        bar = tqdm(desc=part.stem, total=left, unit="B", unit_scale=True, leave=False, delay=1)
        with part.open("ab" if goes_on else "wb") as file, bar:
            while block := answer.read(_BLOCK):
                file.write(block)
                bar.update(len(block))
                if file.tell() > _MOST:
                    raise ZooError(f"{address}: expected at most {_MOST:,} bytes, got more")
        return left is None or bar.n == left
