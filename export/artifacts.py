"""From a pipeline to a folder of files that run elsewhere, and what that folder says of itself."""

import hashlib
import importlib.metadata
import platform
import tempfile
from dataclasses import dataclass
from pathlib import Path

import zoo
from export import saved_model, tflite
from export.signature import SERVE, describe, static_shape
from zoo import files
from zoo.errors import ZooError
from zoo.parts import Part, parts

FORMS = ("saved_model", "float32_free", "float32_static")
MANIFEST, REPORT = "export.json", "report.json"
_PACKAGES = ("tensorflow", "keras", "numpy", "ai-edge-litert")


@dataclass(frozen=True)
class Artifact:
    """One file, or one SavedModel, of an export.

    Attributes:
        key: the form, with the part's name before it where there are several.
        path: where it lies in the folder.
    """

    name: str
    part: Part
    form: str

    @property
    def key(self) -> str:
        return "_".join(filter(None, (self.part.name, self.form)))

    @property
    def path(self) -> str:
        return self.key if self.form == "saved_model" else f"{self.name}_{self.key}.tflite"


def artifacts(pipeline) -> list[Artifact]:
    """All that `export` writes of a pipeline, but for the manifest."""
    name = pipeline.entry.name
    return [Artifact(name, part, form) for part in parts(pipeline) for form in FORMS]


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
    with files.whole(target) as partial:
        partial.mkdir()
        for part in parts(pipeline):
            _write_part(pipeline.entry.name, part, partial, static_size)
        about = _manifest(pipeline, partial, static_size)
        files.write_json(partial / MANIFEST, about)
    return Path(folder)


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


def _write_part(name: str, part: Part, folder: Path, static_size: int) -> None:
    model, free, static = (folder / Artifact(name, part, form).path for form in FORMS)
    saved_model.write(part, model, part.shape)
    free.write_bytes(tflite.convert(model, name))
    with tempfile.TemporaryDirectory() as scratch:
        saved_model.write(part, Path(scratch), static_shape(part, static_size))
        static.write_bytes(tflite.convert(Path(scratch), name))


def _manifest(pipeline, folder: Path, static_size: int) -> dict:
    spec = pipeline.spec
    about = {
        "name": pipeline.entry.full_name,
        "task": spec.task,
        "weights": {"source": pipeline.source, "sha256": weights_sha256(pipeline.net)},
        "signature": SERVE,
        "artifacts": {a.key: _about(a, static_size) for a in artifacts(pipeline)},
        "files": _all_files(folder),
        "versions": versions(),
    }
    if spec.restores:
        about |= {"degrade": list(spec.degrade), "scale": spec.scales[0]}
        about |= {"scales": list(spec.scales), "reach": spec.reach}
        about |= {"margin": spec.margin, "luma": spec.luma}
    if spec.latent:
        about["latent"] = spec.latent
    if spec.labels:
        about["labels"] = list(spec.labels)
    return about


def _about(artifact: Artifact, static_size: int) -> dict:
    part = artifact.part
    shape = static_shape(part, static_size) if artifact.form == "float32_static" else part.shape
    return {"path": artifact.path} | describe(part, shape)


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
