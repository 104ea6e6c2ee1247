"""A static site that runs exported nets in the browser."""

from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from zoo.errors import ZooError, need
from zoo.export import litert_js, site_nets
from zoo.export.manifest import paths_in
from zoo.storage import files
from zoo.storage.json_types import is_of
from zoo.version import __version__

WEB = Path(__file__).with_name("web")
INDEX = "models.json"
_PAGE = ("*.html", "*.css", "*.js", "*.svg", "tasks/*.js", "samples/*.jpg", "licences/*.txt")


def build(folder, names: Iterable[str] = (), runs: Iterable[str | Path] = ()) -> Path:
    """Writes a site that needs nothing else: the page, LiteRT.js, the nets and their index.

    Args:
        folder: new, empty, or an earlier site, which is replaced.
        names: of the zoo; without any, and without runs, all that have weights.
        runs: folders of `zoo.train` or `Pipeline.save`, which the page calls as they are called.

    Returns:
        The folder.

    Raises:
        ZooError: LiteRT.js was not fetched, or was changed; a name is unknown, a folder
            no run, or either without weights, or not one that the page can run; the folder holds
            something else or cannot be written.
        MissingExtra: ai-edge-litert is not installed.
    """
    target = Path(folder).resolve()
    _refuse_foreign(target)
    need("ai_edge_litert", "exporting")
    nets = site_nets.chosen(names, runs)
    litert = litert_js.read()
    with files.whole(target) as partial:
        _copy_page(partial)
        for path, data in litert.items():
            _write(partial / "litert" / path, data)
        about = {
            "zoo": __version__,
            "litert": litert_js.version(),
            "models": [
                site_nets.add(net, partial, f"net{number}")
                for number, net in enumerate(tqdm(nets, "nets", disable=None), 1)
            ],
        }
        about["files"] = sorted(paths_in(partial))
        files.write_json(partial / INDEX, about)
    return Path(folder)


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
