"""From a pipeline to a folder of files that run elsewhere, and what that folder says of itself."""

import datetime
import functools
import hashlib
import importlib.metadata
import platform
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from zoo import files
from zoo.errors import ZooError, need
from zoo.export import calibration as calibrating
from zoo.export import flat, golden, metadata, tflite
from zoo.export.forms import FORMS, QUICK
from zoo.export.making import LABELS, Maker, labels_text
from zoo.export.manifest import MANIFEST, facts_of_file, key_of, read_manifest
from zoo.export.signature import SERVE, describe, static_shape, static_side
from zoo.index import Entry
from zoo.report.card import CODE_LICENCE, WEIGHTS_LICENCE
from zoo.tasks.parts import Ends, ends, parts
from zoo.version import __version__
from zoo.weights import GOLDEN

REPORT = "report.json"
_PACKAGES = ("tensorflow", "keras", "numpy", "ai-edge-litert")


@dataclass(frozen=True)
class Artifact:
    """One file, or one SavedModel, of an export.

    Attributes:
        name: of the net.
        part: what it does; one that takes colour, in the forms for MediaPipe.
        form: a key of `zoo.export.forms.FORMS`.
        key: the form, with the part's name before it where there are several.
        path: where it lies in the folder.
    """

    name: str
    part: Ends
    form: str

    @property
    def key(self) -> str:
        return key_of(self.part, self.form)

    @property
    def path(self) -> str:
        suffix = FORMS[self.form].suffix
        return f"{self.name}_{self.key}{suffix}" if suffix else self.key

    @property
    def lite(self) -> bool:
        """Whether it is a TFLite file."""
        return self.path.endswith(".tflite")


def artifacts(pipeline, formats=None) -> list[Artifact]:
    """All that `export` writes of a pipeline in some formats, but for what describes them.

    Raises:
        ZooError: as `export` does of formats.
    """
    return [_coloured(made) for made in _planned(pipeline.entry, parts(pipeline), formats)]


def refuse(entry: Entry, formats=None) -> list[str]:
    """Raises as `export` of forms that cannot be written; takes no net, and no TensorFlow.

    Returns:
        The forms that will be.
    """
    forms = list(dict.fromkeys(a.form for a in _planned(entry, ends(entry.spec), formats)))
    need("ai_edge_litert", "exporting")
    for form in forms:
        if FORMS[form].needs:
            need(FORMS[form].needs, f"a file in the form {form}")
    return forms


def refuse_target(folder) -> None:
    """Raises as `export` of a folder that it cannot write, or should not."""
    target = Path(folder).resolve()
    _refuse_foreign(target)
    files.refuse_unwritable(target)


def export(
    pipeline, folder, static_size: int | None = None, formats=None, calibration: str | None = None
) -> Path:
    """Writes a pipeline as files that run elsewhere, with `export.json`, whole or not at all.

    Args:
        pipeline: from `zoo.load`; its preprocessing goes into every file.
        folder: new, empty, or an earlier export, which is replaced.
        static_size: side of the pictures that the static file of a net of free size takes; by
            default 256, of one that enlarges as much less.
        formats: some of `zoo.export.forms.FORMS`, `"all"` that fit the net, or None for `QUICK`.
        calibration: for int8, a set as `zoo.data.sources.load` reads it, such as `folder:PATH`,
            in place of the recipe's training pictures.

    Returns:
        The folder.

    Raises:
        ZooError: the folder holds something else or cannot be written; a format is unknown or
            cannot be had of this net; the net needs operators that LiteRT does not have built
            in; there is nothing to calibrate on.
        MissingExtra: ai-edge-litert, or what a format takes, is not installed.
    """
    refuse_target(folder)
    refuse(pipeline.entry, formats)
    tflite.litert("exporting")
    static_size = static_side(pipeline.spec) if static_size is None else static_size
    target = Path(folder).resolve()
    written = artifacts(pipeline, formats)
    with files.whole(target) as partial:
        partial.mkdir()
        for part in parts(pipeline):
            with tempfile.TemporaryDirectory() as scratch:
                maker = Maker(pipeline, part, Path(scratch), static_size, calibration)
                for made in written:
                    if made.part.name == part.name:
                        maker.write(made.form, made.part, partial / made.path)
        if pipeline.spec.kind == "recognition":
            (partial / LABELS).write_text(labels_text(pipeline), encoding="utf-8")
        golden.write(pipeline, partial / GOLDEN, static_size)
        about = _manifest(pipeline, written, partial, static_size, calibration)
        files.write_json(partial / MANIFEST, about)
    return Path(folder)


def weights_sha256(net) -> str:
    """SHA-256 of the bytes of a net's weights, in the net's order; whichever file they were in."""
    digest = hashlib.sha256()
    for array in net.get_weights():
        digest.update(array.tobytes())
    return digest.hexdigest()


def stamp(pipeline) -> dict[str, str]:
    """Of which weights a figure is, and of which day."""
    return {"weights": weights_sha256(pipeline.net)[:12], "date": today()}


def today() -> str:
    """The date, in UTC."""
    return datetime.datetime.now(datetime.timezone.utc).date().isoformat()


def versions() -> dict[str, str]:
    """Of the zoo, Python and the packages that an export depends on."""
    found = {package: importlib.metadata.version(package) for package in _PACKAGES}
    return {"zoo": __version__, "python": platform.python_version()} | found


def _planned(entry: Entry, some: list[Ends], formats) -> list[Artifact]:
    asked = _asked(formats)
    made = [Artifact(entry.name, part, form) for part in some for form in asked]
    refused = {a: why for a in made if (why := entry.refused.get(a.form) or _impossible(a))}
    if refused and formats != "all":
        first, why = next(iter(refused.items()))
        raise ZooError(f"{entry.name} has no {first.key} file: {why}")
    return [artifact for artifact in made if artifact not in refused]


def _coloured(artifact: Artifact) -> Artifact:
    if not FORMS[artifact.form].mediapipe:
        return artifact
    return replace(artifact, part=metadata.coloured(artifact.part))


def _impossible(artifact: Artifact) -> str:
    """Why a form cannot be had of a part, as far as that is known beforehand, or ""."""
    form, part = FORMS[artifact.form], artifact.part
    if form.classifiers and part.outputs != ("probs",):
        other = "float32_static" if form.mediapipe else "int8, which has the same inside"
        return f"only classifiers have one; use {other}"
    return ""


def _asked(formats) -> tuple[str, ...]:
    if formats is None:
        return QUICK
    if formats == "all":
        return tuple(FORMS)
    wanted = (formats,) if isinstance(formats, str) else tuple(formats)
    unknown = [form for form in wanted if form not in FORMS]
    if unknown or not wanted:
        came = repr(unknown[0]) if unknown else "none"
        raise ZooError(f"format {came}: expected {', '.join(FORMS)}, or all")
    return tuple(form for form in FORMS if form in wanted)


def _manifest(
    pipeline, written: list[Artifact], folder: Path, static_size: int, calibration: str | None
) -> dict:
    entry, spec = pipeline.entry, pipeline.spec
    described = functools.cache(describe)  # which traces the net
    about = {
        "name": entry.full_name,
        "task": spec.task,
        "weights": {"source": pipeline.source, "sha256": weights_sha256(pipeline.net)},
        "licence": {
            "code": CODE_LICENCE,
            "weights": WEIGHTS_LICENCE,
            "training data": entry.data_licence,
        },
        "signature": SERVE,
        "formats": sorted({a.form for a in written}, key=list(FORMS).index),
        "artifacts": {a.key: _about(a, folder, static_size, described) for a in written},
        "files": _all_files(folder),
        "versions": versions(),
    }
    if spec.restores:
        about |= {"degrade": list(spec.degrade), "scale": spec.scales[0]}
        about |= {"scales": list(spec.scales), "reach": spec.reach}
        about |= {"margin": spec.margin, "luma": spec.luma}
    if any(FORMS[a.form].calibrated for a in written):
        about["calibration"] = calibration or calibrating.source(pipeline)
    if spec.latent:
        about["latent"] = spec.latent
    if spec.labels:
        about["labels"] = list(spec.labels)
    return about


def _about(artifact: Artifact, folder: Path, static_size: int, described: Callable) -> dict:
    part = artifact.part
    static = FORMS[artifact.form].static
    shape = static_shape(part, static_size) if static else part.shape
    about = {"part": part.name, "form": artifact.form, "path": artifact.path}
    about |= described(part, shape)
    if not artifact.lite:
        return about
    data = (folder / artifact.path).read_bytes()
    if artifact.form.endswith("uint8"):
        ends = flat.ends(data)
        about["input"] = about["input"] | ends[0]
        about["outputs"] = [about["outputs"][0] | ends[1]]
    return about | {"constants": flat.census(data)}


def _all_files(folder: Path) -> dict[str, dict]:
    paths = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): facts_of_file(p) for p in paths}


def _refuse_foreign(folder: Path) -> None:
    """An earlier export is replaced as a whole: nothing else may go with it."""
    if folder.exists() and not folder.is_dir():
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
