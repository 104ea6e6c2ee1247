"""Where weights are found, and that they are the right ones: SHA-256, then strict loading."""

import math
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from zoo import files, index
from zoo.errors import OtherNet, ZooError
from zoo.index import Entry

PRETRAINED = Path(__file__).parent / "pretrained"
WEIGHTS, GOLDEN, RUN, CARD = "weights.h5", "golden.npz", "run.json", "CARD.md"
STRIP, CALIBRATION = "strip.png", "calibration.npz"


def pretrained_folder(entry: Entry) -> Path:
    """Where a name's published weights lie, whether or not they are there."""
    return PRETRAINED / entry.name / entry.tag


def published(entry: Entry) -> dict | None:
    """The `run.json` that was published with a name, or None."""
    path = pretrained_folder(entry) / RUN
    return files.read_json(path) if path.is_file() else None


def chosen(names: Iterable[str] = ()) -> list[Entry]:
    """The entries of names; without any, of all whose weights are published."""
    if some := [index.entry(name) for name in names]:
        return some
    return [entry for entry in map(index.entry, index.names()) if published(entry)]


def golden(entry: Entry, part: str = "", given: str = "image"):
    """The published inputs of a part of a net, and what it made of them.

    Args:
        entry: a published one.
        part: "", or "encoder" or "decoder".
        given: what the part takes, `image` or `latent`.

    Returns:
        float32 pixels `[b, h, w, c]` in [0, 1], or latents `[b, n]`; and the result.
    """
    from zoo.golden import read

    return read(read_checked(pretrained_folder(entry) / GOLDEN), part, given)


def check(entry: Entry, weights) -> None:
    """Raises as `load_into` where weights are missing or changed; takes no TensorFlow."""
    read_checked(path_of(entry, weights))


def load_into(net, entry: Entry, weights) -> None:
    """Loads weights into a net.

    Args:
        net: built by the entry.
        entry: whose weights are expected.
        weights: "pretrained", a run directory of `zoo train`, or a `.h5` file.

    Raises:
        ZooError: nothing is there, its SHA-256 is not the recorded one, or it is not this net's.
    """
    path = path_of(entry, weights)
    _load_strictly(net, entry, path, read_checked(path))


def path_of(entry: Entry, weights) -> Path:
    """The file that `load_into` reads. Raises ZooError where nothing is published."""
    if weights != "pretrained":
        return weights_path(weights)
    folder = pretrained_folder(entry)
    if not (folder / WEIGHTS).is_file() or not (folder / RUN).is_file():
        raise ZooError(_why_missing(entry, folder))
    return folder / WEIGHTS


def weights_path(weights) -> Path:
    """The file that a run directory, or a file's own path, names."""
    path = Path(weights)
    return path / WEIGHTS if os.path.isdir(path) else path


def read_checked(path: Path) -> bytes:
    """Reads a file whole and compares it with the SHA-256 in the `run.json` beside it, if any."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ZooError(
            f"{path}: no such file; a run directory has one once it is trained"
        ) from None
    except OSError as error:
        raise ZooError(f"{path} cannot be read: {error.strerror}") from error
    recorded = path.with_name(RUN)
    if recorded.is_file():
        _compare(path, data, files.read_json(recorded).get("sha256", {}).get(path.name))
    return data


def save(net, path: Path) -> str:
    """Writes a net's weights, whole or not at all, and returns their SHA-256."""
    with files.whole(path) as partial, tempfile.TemporaryDirectory() as folder:
        named = Path(folder) / "net.weights.h5"  # Keras tells formats apart by this ending
        # A full disk must show here: HDF5 would crash the whole process at its end.
        named.write_bytes(bytes(sum(8192 + 4 * math.prod(v.shape) for v in net.variables)))
        net.save_weights(named)
        partial.write_bytes(named.read_bytes())
    return files.sha256(path.read_bytes())


def _why_missing(entry: Entry, folder: Path) -> str:
    if not entry.pretrained:
        return f"{entry.full_name} has no pretrained weights: load it with weights=None or train it"
    left = [folder.with_name(folder.name + end) for end in (files.PARTIAL, files.OLD)]
    if any(path.exists() for path in left):
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


def _load_strictly(net, entry: Entry, path: Path, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "net.weights.h5"
        copy.write_bytes(data)
        try:
            found = _shapes_in(copy)
            expected = sorted(tuple(v.shape) for v in net.weights)
            if found != expected:
                raise OtherNet(
                    f"{path} holds weights of another net than {entry.name}: {len(found)} arrays "
                    f"with {_total(found)} numbers, expected {len(expected)} with "
                    f"{_total(expected)}; name the net that they were saved from"
                )
            net.load_weights(copy)
        except ZooError:
            raise
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            raise ZooError(f"{path} holds no weights of {entry.name}: {error}") from error


def _shapes_in(path: Path) -> list[tuple[int, ...]]:
    import h5py

    shapes = []
    with h5py.File(path, "r") as file:
        layers = file.get("layers", file)
        layers.visititems(
            lambda _, item: shapes.append(item.shape) if isinstance(item, h5py.Dataset) else None
        )
    return sorted(shapes)


def _total(shapes) -> int:
    return sum(math.prod(shape) for shape in shapes)
