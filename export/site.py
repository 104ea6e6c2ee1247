"""A static site that runs exported nets in the browser."""

from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from zoo.errors import ZooError, need
from zoo.export import site_nets
from zoo.export.manifest import paths_in
from zoo.storage import files
from zoo.storage.json_types import is_of
from zoo.version import __version__

WEB = Path(__file__).with_name("web")
NPM = WEB / "node_modules"
INDEX = "models.json"
_PAGE = ("*.html", "*.css", "*.js", "*.svg", "tasks/*.js", "samples/*.jpg", "licences/*.txt")
_BARE, _BY_PATH = '"@litertjs/wasm-utils"', '"./wasm-utils.js"'


def build(folder, names: Iterable[str] = (), npm=NPM, runs: Iterable[str | Path] = ()) -> Path:
    """Writes a site that needs nothing else: the page, LiteRT.js, the nets and their index.

    Args:
        folder: new, empty, or an earlier site, which is replaced.
        names: of the zoo; without any, and without runs, all that have weights.
        npm: the `node_modules` that holds LiteRT.js.
        runs: folders of `zoo.train` or `Pipeline.save`, which the page calls as they are called.

    Returns:
        The folder.

    Raises:
        ZooError: LiteRT.js is missing, or not as it is published; a name is unknown, a folder
            no run, or either without weights, or not one that the page can run; the folder holds
            something else or cannot be written.
        MissingExtra: ai-edge-litert is not installed.
    """
    target = Path(folder).resolve()
    _refuse_foreign(target)
    need("ai_edge_litert", "exporting")
    nets = site_nets.chosen(names, runs)
    litert = _litert_files(Path(npm))
    with files.whole(target) as partial:
        _copy_page(partial)
        for path, data in litert.items():
            _write(partial / "litert" / path, data)
        about = {
            "zoo": __version__,
            "litert": _litert()["version"],
            "models": [
                site_nets.add(net, partial, f"net{number}")
                for number, net in enumerate(tqdm(nets, "nets", disable=None), 1)
            ],
        }
        about["files"] = sorted(paths_in(partial))
        files.write_json(partial / INDEX, about)
    return Path(folder)


def _litert() -> dict:
    return files.read_json(WEB / "litert.json")


def _litert_files(npm: Path) -> dict[str, bytes]:
    """What the page needs of LiteRT.js, by its path in the site; checked."""
    about = _litert()
    how = f"to get it: npm ci --ignore-scripts --prefix {WEB}"
    found = {}
    for path, facts in about["files"].items():
        source = npm / "@litertjs" / path
        if not source.is_file():
            raise ZooError(f"LiteRT.js {about['version']}, which runs nets in browsers, is not in "
                           f"{npm}; {how}")  # fmt: skip
        data = source.read_bytes()
        if (actual := files.sha256(data)) != facts["sha256"]:
            raise ZooError(
                f"{source} is not that of LiteRT.js {about['version']}: its SHA-256 is {actual}, "
                f"{facts['sha256']} was expected; {how}"
            )
        found[facts["to"]] = data
    found["core.js"] = found["core.js"].replace(_BARE.encode(), _BY_PATH.encode())
    return found


def _copy_page(site: Path) -> None:
    for pattern in _PAGE:
        for source in sorted(WEB.glob(pattern)):
            _write(site / source.relative_to(WEB), source.read_bytes())


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _refuse_foreign(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ZooError(f"{folder} is a file: name a folder for the site")
    files.refuse_unwritable(folder)
    if folder.is_dir() and (foreign := sorted(paths_in(folder) - _files_of_site(folder))):
        raise ZooError(
            f"{folder} holds {foreign[0]}, which is not of an earlier site and would be lost; move "
            "it away, or choose a new or empty folder"
        )


def _files_of_site(folder: Path) -> set[str]:
    """What `build` wrote into a folder, as its index says."""
    if not (folder / INDEX).is_file():
        return set()
    about = files.read_json(folder / INDEX)
    if not {"zoo", "litert", "models"} <= about.keys() or not is_of(about.get("files"), list[str]):
        return set()
    return {INDEX, *about["files"]}
