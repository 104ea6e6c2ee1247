"""Where weights are found, and that they are the right ones: SHA-256, then strict loading."""

import math
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import index
from zoo.errors import OtherNet, ZooError
from zoo.index import Entry
from zoo.storage import files, hdf5, keras_files, leftovers, run_json
from zoo.storage.run_json import RUN

if TYPE_CHECKING:
    import keras

PRETRAINED = Path(__file__).parents[1] / "pretrained"
WEIGHTS, GOLDEN, CARD = "weights.h5", "golden.npz", "CARD.md"
PREVIEW, CALIBRATION = "preview.webp", "calibration.npz"
LICENCE, NOTICE = "LICENSE", "NOTICE"
"""Of weights that were trained elsewhere."""


def pretrained_folder(entry: Entry) -> Path:
    """Where a name's published weights lie, whether or not they are there."""
    return PRETRAINED / entry.name / entry.tag


def published(entry: Entry) -> dict[str, Any] | None:
    """The `run.json` that was published with a name, or None."""
    return run_json.beside(pretrained_folder(entry) / WEIGHTS)


def chosen(names: Iterable[str] = ()) -> list[Entry]:
    """The entries of names; without any, of all whose weights are published."""
    if some := [index.entry(name) for name in names]:
        return some
    return [entry for entry in map(index.entry, index.names()) if published(entry)]


def golden(
    entry: Entry, part: str = "", given: Sequence[str] = ("image",)
) -> tuple[Any, np.ndarray]:
    """The published inputs of a function of a net, and its results.

    Args:
        entry: a published one.
        function: "", or "encoder" or "decoder".
        given: the names of what it takes, such as `image` or `latent`.

    Returns:
        As `zoo.storage.golden.read`.
    """
    from zoo.storage.golden import read

    return read(read_checked(pretrained_folder(entry) / GOLDEN), part, given)


def located(
    name: str | Path, weights: str | Path | None = "pretrained"
) -> tuple[str, str | Path | None]:
    """A name and weights; of a folder in the name's place, the name in its `run.json`, and itself.

    Raises:
        ZooError: `run.json` names none.
    """
    record = Path(name) / RUN
    if index.is_name(str(name)):
        return str(name), weights
    if not os.path.lexists(record):
        if os.path.exists(name) or len(Path(name).parts) > 1:
            raise ZooError(
                f"{name}: expected a name, or a folder with the {RUN} of a training or of "
                "Pipeline.save; weights and exports are named beside it, as load(NAME, weights)"
            )
        return str(name), weights
    found = run_json.read(record).get("name")
    if not isinstance(found, str):
        raise ZooError(f"{record} names no net: expected one as `zoo train` writes it")
    return found, Path(name) if weights == "pretrained" else weights


def check(entry: Entry, weights: str | Path) -> None:
    """Raises as `load_into` where weights are missing or changed; takes no TensorFlow."""
    read_checked(path_of(entry, weights))


def load_into(net: "keras.Model", entry: Entry, weights: str | Path) -> None:
    """Loads weights into a net.

    Args:
        net: built by the entry.
        entry: whose weights are expected.
        weights: "pretrained", a run directory of `zoo train`, a `.h5` or a `.keras` file.

    Raises:
        ZooError: nothing is there, its SHA-256 is not the recorded one, or it is not this net's.
    """
    path = path_of(entry, weights)
    data = read_checked(path)
    if keras_files.is_one(path):
        data = keras_files.weights_of(path)
    _load_strictly(net, entry, path, data)


def path_of(entry: Entry, weights: str | Path) -> Path:
    """The file that `load_into` reads. Raises ZooError where nothing is published."""
    if weights != "pretrained":
        return weights_path(weights)
    folder = pretrained_folder(entry)
    if not (folder / WEIGHTS).is_file() or not (folder / RUN).is_file():
        raise ZooError(_why_missing(entry, folder))
    return folder / WEIGHTS


def weights_path(weights: str | Path) -> Path:
    """The file that a run directory, or a file's own path, names."""
    path = Path(weights)
    return path / WEIGHTS if os.path.isdir(path) else path


def read_checked(path: Path) -> bytes:
    """Reads a file whole and compares it with the SHA-256 in the `run.json` beside it, if any."""
    if not os.path.lexists(path):
        raise ZooError(f"{path}: no such file; a run directory has one once it is trained")
    data, recorded = files.read_bytes(path), run_json.beside(path)
    if recorded is not None:
        _compare(path, data, recorded.get("sha256", {}).get(path.name))
    return data


def round_to_half(net: "keras.Model") -> None:
    """Rounds all kernels to numbers that float16 has; `save` then takes two bytes for each."""
    for kernel in _kernels(net):
        kernel.assign(_half(kernel).astype(np.float32))


def _kernels(net: "keras.Model") -> list:
    return [variable for variable in net.weights if len(variable.shape) > 1]


def _half(kernel: Any) -> np.ndarray:
    return np.asarray(kernel).astype(np.float16)


def save(net: "keras.Model", path: Path) -> str:
    """Writes a net's weights, whole or not at all, and returns their SHA-256.

    Where all kernels are as `round_to_half` leaves them, they are stored in float16.
    """
    with files.whole(path) as partial:
        folder = leftovers.beside(path, leftovers.PARTIAL)
        try:
            folder.mkdir()
            named = folder / "net.weights.h5"  # Keras tells formats apart by this ending
            # A full disk must show here: HDF5 would crash the whole process at its end.
            named.write_bytes(bytes(sum(8192 + 4 * math.prod(v.shape) for v in net.variables)))
            net.save_weights(named)
            halved = all(np.array_equal(kernel, _half(kernel)) for kernel in _kernels(net))
            hdf5.pack(named, halved)
            digest = files.sha256(named.read_bytes())
            named.replace(partial)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return digest


def _why_missing(entry: Entry, folder: Path) -> str:
    if not entry.pretrained:
        return f"{entry.full_name} has no pretrained weights: load it with weights=None or train it"
    if leftovers.found(folder):
        return (
            f"{folder}: publishing {entry.full_name} was interrupted; run `zoo dev publish` again"
        )
    return f"{folder / WEIGHTS} is missing: install the package again, or train {entry.name}"


def _compare(path: Path, data: bytes, expected: str | None) -> None:
    actual = files.sha256(data)
    if actual != expected:
        raise ZooError(
            f"{path} was changed or cut short: SHA-256 is {actual}, {RUN} beside it says "
            f"{expected or 'nothing of it'}; install or train it again"
        )


def _load_strictly(net: "keras.Model", entry: Entry, path: Path, data: bytes) -> None:
    try:
        _refuse_others(net, entry, path, hdf5.shapes(data))
        hdf5.refuse_not_finite(data)
        _fill(net, data)
    except OtherNet:
        raise
    except Exception as error:  # of Keras, on what it did not write: any kind
        raise ZooError(f"{path} holds no weights of {entry.name}: {error}") from error


def _refuse_others(
    net: "keras.Model", entry: Entry, path: Path, found: list[tuple[int, ...]]
) -> None:
    expected = sorted(tuple(v.shape) for v in net.weights)
    if found != expected:
        raise OtherNet(
            f"{path} holds weights of another net than {entry.name}: expected {len(expected)} "
            f"arrays with {_total(expected)} numbers, got {len(found)} with {_total(found)}; name "
            "the net that they were saved from"
        )


def _fill(net: "keras.Model", data: bytes) -> None:
    """All weights, or none where some do not fit."""
    before = net.get_weights()
    with files.scratch() as folder:
        copy = folder / "net.weights.h5"
        copy.write_bytes(data)
        try:
            net.load_weights(copy)
        except Exception:
            net.set_weights(before)
            raise


def _total(shapes: Iterable[tuple[int, ...]]) -> int:
    return sum(math.prod(shape) for shape in shapes)
