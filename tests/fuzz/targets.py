"""What is fuzzed: whole files of a kind, how they are damaged, and the door that reads them.

A door may raise ZooError. What it takes must be right: `Wrong` says that it took what it should
have refused. One more kind of file is one more `Target` in `TARGETS`.
"""

import contextlib
import functools
import io
import json
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from mutations import ODD, damaged, damaged_json
from PIL import Image

import zoo
from zoo.export import isolated
from zoo.storage import files, weights


class Wrong(Exception):
    """Something damaged was taken for whole, in silence."""


@dataclass(frozen=True)
class Target:
    """A kind of file.

    Attributes:
        whole: names and contents of files that are right.
        damage: content and a random generator -> damaged content.
        door: reads the damaged file; raises ZooError, or Wrong.
    """

    whole: Callable[[], list[tuple[str, bytes]]]
    damage: Callable[[bytes, np.random.Generator], bytes]
    door: Callable[[Path], None]


@functools.cache
def _pictures() -> list[tuple[str, bytes]]:
    values = np.random.default_rng(0).integers(0, 256, (24, 20, 4)).astype(np.uint8)
    colour = Image.fromarray(values)
    Image.init()
    found = []
    for kind in sorted(set(Image.SAVE) & set(Image.OPEN) - {"EPS", "WMF", "PDF"}):
        for mode in ("L", "RGB", "RGBA", "P", "LA", "CMYK", "1"):
            data = io.BytesIO()
            try:
                colour.convert(mode).save(data, kind)
            except Exception:
                continue
            found.append((f"{mode}.{kind.lower()}", data.getvalue()))
    for kind in ("GIF", "TIFF", "PNG", "WEBP"):
        data = io.BytesIO()
        others = [colour.rotate(90), colour.rotate(180)]
        colour.convert("RGB").save(data, kind, save_all=True, append_images=others)
        found.append((f"frames.{kind.lower()}", data.getvalue()))
    return found


def _read_picture(path: Path) -> None:
    from zoo.images import pixels

    if len(path.read_bytes()) % 2:
        return _taken_picture(pixels.read(path))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(path)
    except Exception as error:
        raise zoo.ZooError("Pillow itself refuses it") from error
    return _taken_picture(pixels.read(image))


def _taken_picture(read) -> None:
    values = read.values
    if values.ndim != 4 or not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
        raise Wrong("values that are none of a picture")
    read.back(values)


@functools.cache
def _net():
    import keras

    keras.utils.set_random_seed(1)
    return zoo.load("cnn_tiny", weights=None).net


@functools.cache
def _weights() -> list[tuple[str, bytes]]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "w.h5"
        weights.save(_net(), path)
        return [("alone.h5", path.read_bytes()), ("recorded.h5", path.read_bytes())]


def _damaged_weights(data: bytes, rng: np.random.Generator) -> bytes:
    if rng.random() < 0.5:
        return damaged(data, rng)
    buffer = io.BytesIO(data)
    with h5py.File(buffer, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        _HDF5[rng.integers(len(_HDF5))](file, names[rng.integers(len(names))], rng)
    return buffer.getvalue()


def _as_other_type(file, name, rng):
    kinds = [np.bytes_(b"x"), np.float32(np.nan), np.int64(1), np.void(b"abc"), np.bool_(True)]
    shape = getattr(file[name], "shape", ())
    del file[name]
    file[name] = np.full(shape, kinds[rng.integers(len(kinds))])


def _not_finite(file, name, rng):
    if isinstance(file[name], h5py.Dataset) and file[name].size:
        file[name][...] = [np.nan, np.inf][rng.integers(2)]


def _linked(file, name, rng):
    del file[name]
    links = [h5py.SoftLink("/"), h5py.SoftLink("/none"), h5py.ExternalLink("other.h5", "/")]
    file[name] = links[rng.integers(3)]


def _cycle(file, name, rng):
    del file[name]
    file[name] = file["/"]


def _nested(file, name, rng):
    group = file
    for _ in range(int(rng.integers(1, 300))):
        group = group.create_group("n")


def _text(file, name, rng):
    del file[name]
    file[name] = ["text", b"bytes", ["several"] * 3][rng.integers(3)]


def _attributes(file, name, rng):
    file[name].attrs["name"] = [1, "x", np.nan][rng.integers(3)]
    file.attrs["layers"] = 1


def _gone(file, name, rng):
    del file[name]


def _moved(file, name, rng):
    file.move(name, "elsewhere")


_HDF5 = (_as_other_type, _not_finite, _linked, _cycle, _nested, _text, _attributes, _gone, _moved)


def _load_weights(path: Path) -> None:
    whole = dict(_weights())[path.name]
    recorded = path.with_name(weights.RUN)
    recorded.unlink(missing_ok=True)
    if path.name == "recorded.h5":
        files.write_json(recorded, {"sha256": {path.name: files.sha256(whole)}})
    weights.load_into(_net(), zoo.entry("cnn_tiny"), path)
    if not all(np.isfinite(w.numpy()).all() for w in _net().weights):
        raise Wrong("weights that are not finite")
    if path.name == "recorded.h5" and path.read_bytes() != whole:
        raise Wrong("weights of another SHA-256")


@functools.cache
def _goldens() -> list[tuple[str, bytes]]:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (4, 12, 12, 1)).astype(np.uint8)
    latent, result = rng.normal(size=(4, 3)), rng.random((4, 3))
    arrays = {"latent": latent.astype(np.float32), "result": result.astype(np.float32)}
    found = []
    for write in (np.savez, np.savez_compressed):
        data = io.BytesIO()
        write(data, pixels=pictures, **arrays)
        found.append((f"{write.__name__}.npz", data.getvalue()))
    return found


def _damaged_golden(data: bytes, rng: np.random.Generator) -> bytes:
    if rng.random() < 0.7:
        return damaged(data, rng)
    arrays = dict(np.load(io.BytesIO(data)))
    name = list(arrays)[rng.integers(len(arrays))]
    others = [
        np.float32(1),
        np.array("x"),
        arrays[name][:0],
        arrays[name][:2],
        np.zeros((4, 3), int),
    ]
    others += [arrays[name] * np.float32(np.nan), arrays[name].astype(complex), arrays[name][None]]
    others += [arrays[name].astype(np.float64) * 1e9, np.zeros((4, 3), [("x", int)])]
    arrays[name] = others[rng.integers(len(others))]
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _read_golden(path: Path) -> None:
    from zoo.storage import golden

    for given in ("image", "latent"):
        values, result = golden.read(path.read_bytes(), "", (given,))
        for array in (values, result):
            if array.dtype != np.float32 or array.ndim < 2:
                raise Wrong("an array of another type or shape")
            if not np.isfinite(array).all():
                raise Wrong("numbers that are not finite")
        if len(values) != len(result) or not len(values):
            raise Wrong("not as many inputs as results")


def _published(name: str) -> bytes:
    return (weights.pretrained_folder(zoo.entry(name)) / weights.RUN).read_bytes()


@functools.cache
def _records() -> list[tuple[str, bytes]]:
    return [("run.json", _published(name)) for name in ("cnn_fashion", "dncnn_s25", "srcnn_x2")]


def _read_record(path: Path) -> None:
    from zoo.training.record import finished

    changed = path.with_name(weights.WEIGHTS)
    changed.write_bytes(b"other weights")
    refused = None
    for read in (functools.partial(zoo.load, "cnn_tiny"), lambda run: finished(run)):
        try:
            read(path.parent)
        except zoo.ZooError as error:
            refused = refused or error
    if refused is None:
        raise Wrong("weights of another SHA-256")
    raise refused


@functools.cache
def _manifests() -> list[tuple[str, bytes]]:
    """As `zoo export` writes them; what is in a file of a form is damaged elsewhere."""
    import tempfile

    from zoo.export.write import export

    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "made"
        export(zoo.load("cnn_tiny", weights=None), target, formats="float16")
        return [("export.json", (target / "export.json").read_bytes())]


def _read_manifest(path: Path) -> None:
    from zoo.export import manifest

    found, ((_, whole),) = manifest.read_manifest(path.parent), _manifests()
    if found != json.loads(whole) and not manifest.edited(found):
        raise Wrong("an edited manifest")


@functools.cache
def _export() -> dict[str, bytes]:
    """A name exported, by paths."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        target = zoo.export(zoo.load("cnn_fashion"), Path(folder) / "made", formats="float32_free")
        return {path.name: path.read_bytes() for path in target.iterdir()}


def _artifacts() -> list[tuple[str, bytes]]:
    return [(name, data) for name, data in _export().items() if name.endswith(".tflite")]


@functools.cache
def _process() -> None:
    """One process runs all files, until one of them ends it."""
    _kept.enter_context(isolated.shared_processes())


_kept = contextlib.ExitStack()


def _verify_artifact(path: Path) -> None:
    """As somebody forges a file: `export.json` says that it is so."""
    from zoo.export import manifest

    _process()
    for name, data in _export().items():
        if name not in (path.name, manifest.MANIFEST):
            path.with_name(name).write_bytes(data)
    about = json.loads(_export()[manifest.MANIFEST])
    about["files"][path.name] = manifest.facts_of_file(path)
    about["digest"] = manifest.digest(about)
    files.write_json(path.with_name(manifest.MANIFEST), about)
    report = zoo.verify(path.parent)
    if not report["passed"]:
        raise zoo.ZooError("a row failed")


@functools.cache
def _keras_files() -> list[tuple[str, bytes]]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.keras"
        _net().save(path)
        return [("net.keras", path.read_bytes())]


def _damaged_keras(data: bytes, rng: np.random.Generator) -> bytes:
    if rng.random() < 0.4:
        return damaged(data, rng)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = list(members)[rng.integers(len(members))]
    members[name] = (damaged_json if name.endswith(".json") else damaged)(members[name], rng)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return buffer.getvalue()


def _read_keras(path: Path) -> None:
    pipeline = zoo.wrap(path, "predict")
    if not all(np.isfinite(w).all() for w in pipeline.net.get_weights()):
        raise Wrong("weights that are not finite")


def _logs() -> list[tuple[str, bytes]]:
    head = "step,loss,held_out_accuracy,seconds\r\n"
    rows = "".join(f"{n * 250},{1 / n:.3f},0.{n},{n * 7.5}\r\n" for n in range(1, 9))
    return [("log.csv", (head + rows).encode())]


def _damaged_log(data: bytes, rng: np.random.Generator) -> bytes:
    if rng.random() < 0.4:
        return damaged(data, rng)
    lines = [line.split(",") for line in data.decode().splitlines()]
    for _ in range(int(rng.integers(1, 4))):
        line = lines[rng.integers(len(lines))]
        at = int(rng.integers(len(line)))
        odd = [str(one) for one in ODD if not isinstance(one, str)] + [
            "nan",
            "inf",
            '"',
            "\0",
            "1_0",
        ]
        change = rng.integers(4)
        if change == 0:
            line[at] = odd[rng.integers(len(odd))]
        elif change == 1:
            line.append("7")
        elif change == 2 and len(line) > 1:
            del line[at]
        else:
            lines.append(list(lines[rng.integers(len(lines))]))
    return "\r\n".join(map(",".join, lines)).encode()


def _read_log(path: Path) -> None:
    from zoo.training import log

    rows = log.read(path)
    if any(not isinstance(value, (int, float)) for row in rows for value in row.values()):
        raise Wrong("a figure that is no number")
    steps = [row["step"] for row in rows]
    if any(row.keys() != rows[0].keys() for row in rows):
        raise Wrong("rows of different columns")
    if steps != sorted(set(steps)) or any(step < 1 for step in steps):
        raise Wrong("steps that do not rise from 1 on")


TARGETS = {
    "pictures": Target(_pictures, damaged, _read_picture),
    "weights": Target(_weights, _damaged_weights, _load_weights),
    "goldens": Target(_goldens, _damaged_golden, _read_golden),
    ".keras": Target(_keras_files, _damaged_keras, _read_keras),
    "artifacts": Target(_artifacts, damaged, _verify_artifact),
    "manifests": Target(_manifests, damaged_json, _read_manifest),
    "run.json": Target(_records, damaged_json, _read_record),
    "log.csv": Target(_logs, _damaged_log, _read_log),
}
