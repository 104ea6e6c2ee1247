"""LiteRT.js, which runs nets in browsers: fetched once, where it is asked for, and checked."""

import tarfile
from pathlib import Path

from zoo.errors import ZooError
from zoo.storage import fetched, files
from zoo.storage.cache_folder import cache

_BARE, _BY_PATH = b'"@litertjs/wasm-utils"', b'"./wasm-utils.js"'


def version() -> str:
    return _about()["version"]


def folder() -> Path:
    """Where it is kept."""
    return cache() / f"litert.js-{version()}"


def fetch() -> Path:
    """Gets its packages from npm's registry, where they are not here yet.

    Returns:
        `folder()`.

    Raises:
        ZooError: the registry cannot be reached, or serves something else.
    """
    for name, package in _about()["packages"].items():
        archive = folder() / f"{name}.tgz"
        fetched.fetch(package["address"], archive, package["sha256"])
        with tarfile.open(archive) as packed:
            for path in _files_of(name):
                inside = packed.extractfile(f"package/{path}")
                assert inside, "an archive of this SHA-256 has it"
                with files.whole(folder() / name / path) as partial:
                    partial.write_bytes(inside.read())
    return folder()


def is_here() -> bool:
    return all((folder() / path).is_file() for path in _about()["files"])


def read() -> dict[str, bytes]:
    """What a page needs of it, by its path in the site.

    Raises:
        ZooError: it was not fetched, or was changed since.
    """
    found = {}
    for path, facts in _about()["files"].items():
        source = folder() / path
        if not source.is_file():
            raise ZooError(f"LiteRT.js {version()}, which runs nets in browsers, is not in "
                           f"{folder()}; `zoo web --fetch` gets it, once (12 MB)")  # fmt: skip
        found[facts["to"]] = data = source.read_bytes()
        if (actual := files.sha256(data)) != facts["sha256"]:
            raise ZooError(
                f"{source} is not that of LiteRT.js {version()}: its SHA-256 is {actual}, "
                f"{facts['sha256']} was expected; `zoo web --fetch` gets it again"
            )
    found["core.js"] = found["core.js"].replace(_BARE, _BY_PATH)
    return found


def _about() -> dict:
    return files.read_json(Path(__file__).with_name("web") / "litert.json")


def _files_of(package: str) -> list[str]:
    paths = (path.partition("/") for path in _about()["files"])
    return [rest for first, _, rest in paths if first == package]
