"""From a pipeline to a folder of files that run elsewhere, and what that folder says of itself."""

import hashlib
import importlib.metadata
import platform
import tempfile
from pathlib import Path

import zoo
from export import saved_model, tflite
from export.signature import SERVE, Shape, describe, free_shape, static_shape
from zoo import files
from zoo.errors import ZooError

ARTIFACTS = ("saved_model", "float32_free", "float32_static")
MANIFEST, REPORT = "export.json", "report.json"
_PACKAGES = ("tensorflow", "keras", "numpy", "ai-edge-litert")


def export(pipeline, folder, static_size: int = 256) -> Path:
    """Writes a pipeline as SavedModel and TFLite files, with `export.json`, whole or not at all.

    Args:
        pipeline: from `zoo.load`; its preprocessing goes into every file.
        folder: new, empty, or an earlier export, which is replaced.
        static_size: side of the pictures that the static file of a net of free size takes.

    Returns:
        The folder.

    Raises:
        ZooError: the folder holds something else or cannot be written; the net needs operators
            that LiteRT does not have built in.
        MissingExtra: ai-edge-litert is not installed.
    """
    tflite.litert("exporting")
    target = Path(folder).resolve()
    _refuse_foreign(target)
    free, static = free_shape(pipeline.spec), static_shape(pipeline.spec, static_size)
    with files.whole(target) as partial:
        partial.mkdir()
        _write_files(pipeline, partial, free, static)
        about = _manifest(pipeline, partial, free, static)
        files.write_json(partial / MANIFEST, about)
    return Path(folder)


def artifact_path(name: str, artifact: str) -> str:
    """Where an artifact of a net lies in its export folder."""
    return artifact if artifact == "saved_model" else f"{name}_{artifact}.tflite"


def read_manifest(folder: Path) -> dict:
    """Reads `export.json`.

    Raises:
        ZooError: there is none, or it is not one that `export` writes.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise ZooError(f"{folder} is no export: it holds no {MANIFEST}; make one with `zoo export`")
    manifest = files.read_json(path)
    if not {"name", "weights", "files"} <= manifest.keys():
        raise ZooError(f"{path} is not what `zoo export` writes; export again into a new folder")
    return manifest


def weights_sha256(net) -> str:
    """SHA-256 of the bytes of a net's weights, in the net's order; whichever file they were in."""
    digest = hashlib.sha256()
    for array in net.get_weights():
        digest.update(array.tobytes())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Of the zoo, Python and the packages that an export depends on."""
    found = {package: importlib.metadata.version(package) for package in _PACKAGES}
    return {"zoo": zoo.__version__, "python": platform.python_version()} | found


def facts_of_file(path: Path) -> dict:
    """SHA-256 and size of a file."""
    data = path.read_bytes()
    return {"sha256": files.sha256(data), "bytes": len(data)}


def _write_files(pipeline, folder: Path, free: Shape, static: Shape) -> None:
    name = pipeline.entry.name
    saved_model.write(pipeline, folder / "saved_model", free)
    data = tflite.convert(folder / "saved_model", name)
    (folder / artifact_path(name, "float32_free")).write_bytes(data)
    with tempfile.TemporaryDirectory() as scratch:
        saved_model.write(pipeline, Path(scratch), static)
        data = tflite.convert(Path(scratch), name)
    (folder / artifact_path(name, "float32_static")).write_bytes(data)


def _manifest(pipeline, folder: Path, free: Shape, static: Shape) -> dict:
    spec = pipeline.spec
    shapes = {name: static if name.endswith("_static") else free for name in ARTIFACTS}
    about = {
        "name": pipeline.entry.full_name,
        "task": spec.task,
        "weights": {"source": pipeline.source, "sha256": weights_sha256(pipeline.net)},
        "signature": SERVE,
        "artifacts": {
            artifact: {"path": artifact_path(pipeline.entry.name, artifact)}
            | describe(pipeline, shape)
            for artifact, shape in shapes.items()
        },
        "files": _all_files(folder),
        "versions": versions(),
    }
    if spec.restores:
        about |= {"degrade": list(spec.degrade), "scale": spec.scales[0]}
    if spec.labels:
        about["labels"] = list(spec.labels)
    return about


def _all_files(folder: Path) -> dict[str, dict]:
    paths = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): facts_of_file(p) for p in paths}


def _refuse_foreign(folder: Path) -> None:
    """An earlier export is replaced as a whole: nothing else may go with it."""
    if folder.is_file():
        raise ZooError(f"{folder} is a file: name a folder to export into")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    known = {Path(path).parts[0] for path in read_manifest(folder)["files"]} | {MANIFEST, REPORT}
    foreign = sorted(p.name for p in folder.iterdir() if p.name not in known)
    if foreign:
        raise ZooError(
            f"{folder} holds {foreign[0]}, which is not of the export there and would be lost; "
            "move it away or choose another folder"
        )
