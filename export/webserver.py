"""A static site that runs exported nets in the browser, and a server for it on this machine."""

import functools
import http.server
import io
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from zoo import files, loading, weights
from zoo.errors import ZooError, need
from zoo.export.artifacts import export, facts_of_file, read_manifest
from zoo.index import Entry, short_name
from zoo.report import figures
from zoo.version import __version__

WEB = Path(__file__).with_name("web")
NPM = WEB / "node_modules"
INDEX = "models.json"
PHOTOGRAPHS = {"chelsea": "Cat", "coffee": "Coffee", "camera": "Cameraman (grey)"}
_MOST_SAMPLES = 16
_PAGE = ("*.html", "*.css", "*.js", "*.svg", "tasks/*.js", "samples/*.jpg", "licences/*.txt")
_BARE, _BY_PATH = '"@litertjs/wasm-utils"', '"./wasm-utils.js"'
_POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
# The first two let nets run on several threads: browsers share memory with isolated pages only.
_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".tflite": "application/octet-stream",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
}


def build(folder, names: Iterable[str] = (), npm=NPM) -> Path:
    """Writes a site that needs nothing else: the page, LiteRT.js, the nets and their index.

    Args:
        folder: new, empty, or an earlier site, which is replaced.
        names: of the zoo; without any, all that have weights.
        npm: the `node_modules` that holds LiteRT.js.

    Returns:
        The folder.

    Raises:
        ZooError: LiteRT.js is missing, or not as it is published; a name is unknown or without
            weights; the folder holds something else or cannot be written.
        MissingExtra: ai-edge-litert is not installed.
    """
    target = Path(folder).resolve()
    _refuse_foreign(target)
    need("ai_edge_litert", "exporting")
    entries = weights.chosen(names)
    for entry in entries:
        weights.check(entry, "pretrained")
    litert = _litert_files(Path(npm))
    with files.whole(target) as partial:
        _copy_page(partial)
        for path, data in litert.items():
            _write(partial / "litert" / path, data)
        about = {
            "zoo": __version__,
            "litert": _litert()["version"],
            "models": [_add(entry, partial) for entry in tqdm(entries, "nets", disable=None)],
        }
        files.write_json(partial / INDEX, about)
    return Path(folder)


def server(folder, port: int = 8000) -> http.server.ThreadingHTTPServer:
    """A server for a site, to this machine only; the caller runs and closes it.

    Args:
        folder: that `build` wrote.
        port: 0 for any that is free.

    Raises:
        ZooError: the folder is no such site; the port is taken.
    """
    if not (Path(folder) / INDEX).is_file():
        raise ZooError(f"{folder} is no site: it holds no {INDEX}; build it first")
    handler = functools.partial(_Handler, directory=str(Path(folder).resolve()))
    try:
        return _Server(("127.0.0.1", port), handler)
    except (OSError, OverflowError) as error:
        raise ZooError(f"port {port} cannot be used: {error}; choose another") from error


def serve(folder, port: int = 8000) -> None:
    """Serves a site until it is interrupted.

    Raises:
        ZooError: as `server`.
    """
    with server(folder, port) as running:
        print(f"Open http://localhost:{running.server_port}/ (Ctrl+C stops it)", flush=True)
        try:
            running.serve_forever()
        except KeyboardInterrupt:
            print("\nStopped.")


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a page that was left while loading
            super().handle_error(request, client_address)


class _Handler(http.server.SimpleHTTPRequestHandler):
    # In place of the machine's own table of types, which may call JavaScript plain text.
    extensions_map = {"": "application/octet-stream"} | _TYPES

    def end_headers(self):
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_):
        pass


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


def _add(entry: Entry, site: Path) -> dict:
    """Exports a net into the site; gives what the page has to know of it."""
    with tempfile.TemporaryDirectory() as scratch:
        exported = export(loading.load(entry.full_name), Path(scratch) / "out")
        artifact = _static(read_manifest(exported))
        path = site / "models" / short_name(entry) / artifact["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(exported / artifact["path"], path)
    file = {"path": path.relative_to(site).as_posix()} | facts_of_file(path)
    return _about(entry) | {"file": file, "samples": _samples(entry, site)}


def _static(manifest: dict) -> dict:
    """The artifact for browsers: a TFLite file that gives one thing, with all sizes fixed."""
    for artifact in manifest["artifacts"].values():
        sides = [s for t in (artifact["input"], *artifact["outputs"]) for s in t["shape"]]
        one = len(artifact["outputs"]) == 1
        if one and None not in sides and artifact["path"].endswith(".tflite"):
            return artifact
    raise ZooError(f"the export of {manifest['name']} has no TFLite file of fixed sizes")


def _about(entry: Entry) -> dict:
    spec = entry.spec
    damages = [{"kind": d.kind, "low": d.low, "high": d.high} for d in spec.degradations]
    return {
        "name": short_name(entry),
        "task": spec.task,
        "summary": entry.summary,
        "headline": figures.headline(entry),
        "licence": entry.data_licence,
        "limits": list(entry.limits),
        "labels": list(spec.labels),
        "degrade": damages,
        "scale": spec.scales[0],
        "scales": list(spec.scales),
        "reach": spec.reach,
        "margin": spec.margin,
        "luma": spec.luma,
        "free": spec.free_size,
    }


def _samples(entry: Entry, site: Path) -> list[dict]:
    if entry.spec.restores:
        return [{"path": f"samples/{n}.jpg", "title": title} for n, title in PHOTOGRAPHS.items()]
    if entry.spec.task != "classify":
        return []
    with np.load(weights.pretrained_folder(entry) / weights.GOLDEN) as golden:
        pictures = golden["pixels"][:_MOST_SAMPLES]
    paths = [f"samples/{entry.name}_{number}.png" for number in range(1, len(pictures) + 1)]
    for path, pixels in zip(paths, pictures, strict=True):
        _write(site / path, _png(pixels))
    return [{"path": path, "title": f"Picture {n}"} for n, path in enumerate(paths, 1)]


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _refuse_foreign(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ZooError(f"{folder} is a file: name a folder for the site")
    files.refuse_unwritable(folder)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / INDEX).is_file():
        raise ZooError(
            f"{folder} holds other files, which would be lost; choose a new or empty folder"
        )
