"""Writes an export: from a pipeline to a folder of files that run elsewhere."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from zoo import loading
from zoo.errors import NoSuchForm, ZooError, import_extra, need, warn
from zoo.export import cases, describe, provenance
from zoo.export import mixed as mixing
from zoo.export.artifacts import Artifact, Formats, artifacts, forms_of
from zoo.export.forms import FORMS
from zoo.export.maker import Maker
from zoo.export.manifest import (
    LABELS,
    MANIFEST,
    PAGE,
    REPORT,
    digest,
    index_name,
    labels_text,
    paths_in,
    read_manifest,
    write_manifest,
)
from zoo.export.signature import static_side
from zoo.index import Entry
from zoo.storage import files, leftovers
from zoo.storage.weights import GOLDEN
from zoo.tasks.functions import LATENT, Function, functions
from zoo.tasks.pipeline import Pipeline


def export(
    pipeline: Pipeline | str | Path,
    folder: str | Path,
    static_size: int | None = None,
    formats: Formats = None,
    calibration: str | None = None,
    keep_float: Sequence[str] = (),
    mixed: str | None = None,
) -> Path:
    """Writes a pipeline as files that run elsewhere, with `export.json`, whole or not at all.

    Args:
        pipeline: from `zoo.load`, or what `zoo.load` takes; its preprocessing goes into every file.
        folder: new, empty, or an earlier export of the same net, which is replaced.
        static_size: side of the pictures that the static file of a net of free size takes; by
            default 256, of one that enlarges as much less.
        formats: some of `zoo.export.forms.FORMS`, `"all"` that the net can have, or None for
            `QUICK`.
        calibration: for int8, a set as `zoo.data.sources.load` reads it, such as `folder:PATH`,
            in place of the recipe's training pictures.
        keep_float: names of layers that stay in float32 in int8, uint8 and dynamic_range files;
            `zoo.export.mixed.losses` says which lose most. `export.json` names them.
        mixed: "auto": of int8 and uint8 files also the fewest layers with which the file keeps the
            bound of its form on the pictures that it is calibrated on.

    Returns:
        The folder.

    Warns:
        ZooWarning: of all forms, the net cannot have some.

    Raises:
        ZooError: the folder holds something else or cannot be written; a format is unknown or
            cannot be had of this net; there is no such layer, or no choice of them suffices; the
            net needs operators that LiteRT does not have built in; there is nothing to calibrate
            on.
        MissingExtra: ai-edge-litert, or what a format takes, is not installed.
    """
    if isinstance(pipeline, (str, Path)):
        pipeline = loading.found(pipeline)
    refuse_target(folder, pipeline.entry)
    refuse(pipeline.entry, formats, keep_float, mixed)
    _refuse_unknown(keep_float, pipeline)
    import_extra("ai_edge_litert.interpreter", "exporting")
    if calibration and LATENT in functions(pipeline)[0].names:
        raise ZooError(
            f"calibration {calibration}: {pipeline.entry.name} takes latents, which are drawn, and "
            "no pictures"
        )
    static_size = static_side(pipeline.spec) if static_size is None else static_size
    if isinstance(static_size, int) and static_size % pipeline.spec.multiple:
        raise ZooError(
            f"static size {static_size}: {pipeline.entry.name} takes multiples of "
            f"{pipeline.spec.multiple}"
        )
    target = Path(folder).resolve()
    with files.whole(target) as partial:
        partial.mkdir()

        def maker(function: Function, scratch: Path) -> Maker:
            made = Maker(pipeline, function, scratch, static_size, calibration)
            made.keep(keep_float, mixed)
            return made

        planned = artifacts(pipeline, formats)
        in_float = _write(planned, functions(pipeline), maker, partial, formats == "all")
        written = [artifact for artifact in planned if artifact.key in in_float]
        if pipeline.spec.labels and not pipeline.spec.latent:
            (partial / LABELS).write_text(labels_text(pipeline.spec), encoding="utf-8")
        cases.write_golden(pipeline, partial / GOLDEN, static_size, calibration)
        about = describe.described(pipeline, written, partial, static_size, calibration, in_float)
        write_manifest(partial, about)
    provenance.remember(digest(about))
    return Path(folder)


def _write(
    planned: list[Artifact[Function]],
    parts: list[Function],
    maker: Callable[[Function, Path], Maker],
    folder: Path,
    but_impossible: bool,
) -> dict[str, list[str]]:
    """Writes all artifacts; forms that a net turns out not to have may be left out, with a warning.

    Returns:
        By the key of each that was written, the layers that were chosen to stay in float32.
    """
    in_float: dict[str, list[str]] = {}
    for function in parts:
        # on the disk of the target: whether it is full, only that matters
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            making = maker(function, Path(scratch))
            for artifact in [a for a in planned if a.function.name == function.name]:
                try:
                    in_float[artifact.key] = making.write(artifact, folder / artifact.path)
                except NoSuchForm as error:
                    if not but_impossible:
                        raise
                    warn(f"left out: {error}")
    return _of_whole_forms(planned, in_float, folder)


def _of_whole_forms(
    planned: list[Artifact[Function]], in_float: dict[str, list[str]], folder: Path
) -> dict[str, list[str]]:
    """Those of forms that all functions of a net have; files of others are removed."""
    broken = {artifact.form for artifact in planned if artifact.key not in in_float}
    for artifact in planned:
        if artifact.form in broken and in_float.pop(artifact.key, None) is not None:
            leftovers.remove(folder / artifact.path)
    return in_float


def refuse(
    entry: Entry, formats: Formats = None, keep_float: Sequence[str] = (), mixed: str | None = None
) -> list[str]:
    """Raises as `export` of forms that cannot be written; takes no net, and no TensorFlow.

    Returns:
        The forms that will be.
    """
    forms = forms_of(entry, formats)
    _refuse_choice(forms, keep_float, mixed)
    for form in forms:
        if FORMS[form].needs:  # first: the extras that have it bring ai-edge-litert, too
            need(FORMS[form].needs, f"a file in the form {form}")
    need("ai_edge_litert", "exporting")
    return forms


def _refuse_choice(forms: list[str], keep_float: Sequence[str], mixed: str | None) -> None:
    if mixed not in (None, "auto"):
        raise ZooError(f"mixed: expected auto, got {mixed!r}")
    calibrated = any(FORMS[form].calibrated for form in forms)
    if mixed and not calibrated:
        raise ZooError("mixed chooses layers of int8 and uint8 files: add int8 to the formats")
    if keep_float and not (calibrated or "dynamic_range" in forms):
        raise ZooError(
            "keep_float names layers that int8, uint8 and dynamic_range files leave in float32: "
            "add one of these to the formats"
        )


def _refuse_unknown(keep_float: Sequence[str], pipeline: Pipeline) -> None:
    known = (
        [n for one in functions(pipeline) for n in mixing.layer_names(one)] if keep_float else []
    )
    if unknown := [name for name in keep_float if name not in known]:
        raise ZooError(
            f"keep_float: expected layers of {', '.join(known)}, got {unknown[0]}: only what has a "
            "kernel can be kept in float32"
        )


def refuse_target(folder: str | Path, entry: Entry | None = None) -> None:
    """Raises as `export` of a folder that it cannot write, or should not; of this net, if said."""
    target = Path(folder).resolve()
    _refuse_foreign(target, entry)
    files.refuse_unwritable(target)


def _refuse_foreign(folder: Path, entry: Entry | None) -> None:
    """An earlier export is replaced as a whole: nothing else may go with it."""
    if folder.exists() and not folder.is_dir():
        raise ZooError(f"{folder} is a file: name a folder to export into")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    manifest = read_manifest(folder)
    there = manifest["name"], index_name(manifest)
    if entry is not None and there != (entry.full_name, entry.index_name):
        raise ZooError(
            f"{folder} holds an export of {manifest['name']}, which would be lost: choose another "
            "folder, or remove it"
        )
    known = {*manifest["files"], MANIFEST, REPORT, PAGE}
    if foreign := sorted(paths_in(folder) - known):
        raise ZooError(
            f"{folder} holds {foreign[0]}, which is not of the export there and would be lost; "
            "move it away or choose another folder"
        )
