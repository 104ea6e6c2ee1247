"""Sets of pictures by name: tensorflow-datasets, the restoration sets, and image folders."""

import difflib
import os
import re
import tempfile
import urllib.parse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data import faces, folders, pairs, store
from zoo.data.network import reachable
from zoo.data.pictures import Pictures
from zoo.data.sets import LABELS
from zoo.errors import ZooError, need
from zoo.images.pixels import fit_channels, to_uint8
from zoo.storage import files

RESTORATION = ("Train400", "BSD400", "T91", "Set5", "Set14", "Set12", "BSD68", "CBSD68", "LIVE1",
               "Classic5", "PolyU")  # fmt: skip
"""Sets of plain picture files, found in `$ZOO_DATA/restoration/NAME`."""
PAIRED = {"PolyU": ("_real", "_mean")}
"""Those whose pictures come as they were taken and clean: how the names of both end."""
PHOTOS = ("flowers_train", "flowers_test")
"""Sets of one folder a class, found in `$ZOO_DATA/photos/NAME`."""

FACES = ("celeba",)
"""Sets of aligned faces, found in `$ZOO_DATA/faces/NAME`."""
CELEB_A = "celeb_a"
"""All of CelebA in tensorflow-datasets; brought to the same size."""

_EXPECTED = f"folder:PATH, one of {', '.join(RESTORATION)}, or a set of tensorflow-datasets"
_BATCH = 500  # of a set of tensorflow-datasets
_DOWNLOADS = "https://storage.googleapis.com"  # where most of tensorflow-datasets' sets come from


def load(
    name: str,
    channels: int | str,
    split: str = "train",
    background: float = 1.0,
    size: tuple[int | None, int | None] = (None, None),
) -> Pictures:
    """Loads a set, whose pictures are in memory only if they take little there.

    Args:
        name: `folder:PATH` (pictures, one folder a class, or pairs in `noisy` and `clean`: see
            `zoo.data.pairs`), a restoration set, or a set of tensorflow-datasets with images. The
            last is prepared from files in `$ZOO_DATA/NAME` where they are, and downloaded
            otherwise; its checksums are tensorflow-datasets' own.
            Several sets without classes, joined by `+`, are one.
        channels: 1 for grey, 3 for colour, "Y" for luma; pictures are converted.
        split: of a set of tensorflow-datasets, or of a folder that has folders for its parts.
        background: grey in [0, 1] that shows through where a picture is transparent: a net's own
            (`Spec.background`).
        size: height and width that pictures of a folder are brought to as they are read: those of a
            camera take much memory.

    Raises:
        ZooError: the set is not there, cannot be read, or is of no known name.

    Warns:
        ZooWarning: files in a folder are left out, or parts of a picture.
    """
    if name.startswith("folder:"):
        path = Path(name.removeprefix("folder:"))
        if (place := pairs.place(path, split)) is not None:
            return pairs.of_folders(name, place, channels, background)
        return folders.load(name, path, channels, background, split, size)
    if "+" in name:
        parts = (load(part, channels, split, background) for part in name.split("+"))
        return Pictures(name, store.collected(image for part in parts for image in part.images))
    if (below := _below(name)) is not None:
        folder = _in_root(below)
        if name in PAIRED:
            return pairs.load(name, folder, PAIRED[name], channels, background)
        if name in FACES:
            return faces.load(name, folder, channels, background, split)
        return folders.load(name, folder, channels, background, size=size)
    if name == "binarized_mnist" and (packed := _packed_file()):
        return _binarized_mnist(packed, split)
    return _tensorflow_dataset(name, channels, split)


def has_part(name: str, split: str) -> bool:
    """Whether a set is a folder that has one of its own for a part, as `load` takes it."""
    folder = Path(name.removeprefix("folder:"))
    is_folder = name.startswith("folder:") and folder.is_dir()
    return is_folder and folders.part(folder, split) is not None


def part_read(name: str, split: str) -> str:
    """What `load` reads of a set for a split, in words."""
    parts = [part for part in (split, "validation") if has_part(name, part)]
    if not name.startswith("folder:") or parts:
        return f"{(parts or [split])[0]} split"
    return "all pictures"


def origin(name: str) -> str:
    """Where a set is read from, in words."""
    root = os.environ.get("ZOO_DATA") or "$ZOO_DATA"
    if (below := _below(name)) is not None:
        return f"picture files in {Path(root, below)}"
    here = f"its files in {Path(root, name)}"
    if in_zoo_data(name):
        return here
    if prepared := _prepared(name):
        return f"tensorflow-datasets' copy in {prepared}"
    return f"a download by tensorflow-datasets, or {here}"


def available(name: str) -> bool:
    """Whether a set can be read here without a download."""
    return name.startswith("folder:") or in_zoo_data(name) or _prepared(name) is not None


def refuse_missing(name: str) -> None:
    """Raises, in seconds and without TensorFlow, where a set can plainly not be had.

    Args:
        name: as `load` takes it.

    Raises:
        ZooError: a part of it is neither on this machine nor can it be downloaded.
        MissingExtra: it takes tensorflow-datasets, which is not installed.
    """
    for part in [name] if name.startswith("folder:") else name.split("+"):
        if part.startswith("folder:"):
            folders.refuse_missing(Path(part.removeprefix("folder:")))
        elif (below := _below(part)) is not None:
            folders.refuse_missing(_in_root(below))
        elif part != "binarized_mnist" or not _packed_file():
            _require_prepared(part)


def _require_prepared(name: str) -> None:
    need("tensorflow_datasets", f"the data set {name!r}")
    if not available(name) and not reachable(_DOWNLOADS):
        raise ZooError(_not_here(name))


def in_zoo_data(name: str) -> bool:
    """Whether the files of a set are in `$ZOO_DATA`."""
    root = os.environ.get("ZOO_DATA", "")
    folder = Path(root) / (_below(name) or name)
    return bool(root and name) and folder.is_dir() and any(os.scandir(folder))


def _prepared(name: str) -> Path | None:
    """Where tensorflow-datasets has prepared a set; seen without importing it."""
    root = Path(os.environ.get("TFDS_DATA_DIR") or os.path.expanduser("~/tensorflow_datasets"))
    below = name.partition(":")[0]
    if not re.fullmatch(r"\w{1,200}(/[\w.-]{1,200})*", below, re.ASCII):  # such as `..` and `/`
        return None
    found = (root / below).glob("**/dataset_info.json")
    return next((path.parent for path in found), None)


def _not_here(name: str) -> str:
    lower = {known.lower(): known for known in (*RESTORATION, *PHOTOS, *FACES, *LABELS, CELEB_A)}
    near = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.75)
    missing = f"the set {name!r} is not on this machine, and there is no network to look for it: "
    if os.path.exists(name):
        return f"{missing}did you mean folder:{name}, which is here?"
    if near and lower[near[0]] != name:
        return f"{missing}did you mean {lower[near[0]]}?"
    return (
        f"{missing}put its files, unchanged, into $ZOO_DATA/{name}, download it where there is one "
        f"(`zoo data prepare {name}`), or name pictures of your own, folder:PATH"
    )


def _below(name: str) -> Path | None:
    """Where in `$ZOO_DATA` a set of picture files lies, or None for one of another kind."""
    rooms = {"restoration": RESTORATION, "photos": PHOTOS, "faces": FACES}
    return next((Path(room, name) for room, names in rooms.items() if name in names), None)


def _in_root(below: Path) -> Path:
    root = os.environ.get("ZOO_DATA")
    if not root:
        raise ZooError(
            f"the set {below.name} is read from $ZOO_DATA/{below}, and ZOO_DATA is not set: "
            "set it, or name the folder itself with folder:PATH"
            + f"; all of them are {CELEB_A!r} of tensorflow-datasets"
            * (below.name in FACES)
        )
    return Path(root) / below


def _packed_file() -> Path | None:
    """Binarized MNIST as one packed file, which tensorflow-datasets cannot be fed."""
    path = Path(os.environ.get("ZOO_DATA", ""), "binarized_mnist", "binarized_mnist_packbits.npz")
    return path if path.is_file() else None


def _binarized_mnist(path: Path, split: str) -> Pictures:
    packed = files.read_npz(files.read_bytes(path), path)
    if split not in packed:
        raise ZooError(f"{path}: expected a split {', '.join(packed)}, got {split!r}")
    pixels = np.unpackbits(packed[split], axis=1)[:, : 28 * 28]
    return Pictures("binarized_mnist", list(pixels.reshape(-1, 28, 28, 1) * 255))


def _tensorflow_dataset(name: str, channels: int | str, split: str) -> Pictures:
    _require_prepared(name)
    import tensorflow_datasets as tfds

    if not hasattr(tfds, "core"):  # it imports by halves where its own imports fail
        raise ZooError(
            f"the data set {name!r} needs tensorflow-datasets, which does not work with the "
            "protobuf that is installed: pip install 'tensorflow-metadata<1.18'"
        )
    try:
        builder = tfds.builder(name)
    except (tfds.core.DatasetNotFoundError, ValueError, AssertionError):
        raise ZooError(
            f"unknown data set {name!r}: expected {_EXPECTED} "
            "(https://www.tensorflow.org/datasets/catalog)"
        ) from None
    if "image" not in builder.info.features:
        raise ZooError(f"the data set {name!r} has no images: choose another")
    if not available(builder.name) and not all(map(reachable, _hosts(builder))):
        raise ZooError(_not_here(builder.name))
    try:
        with tempfile.TemporaryDirectory() as scratch:
            builder.download_and_prepare(download_config=_from_files(tfds, builder.name, scratch))
        streamed = tfds.ReadConfig(try_autocache=False)
        # one after the other takes twenty times as long, and is for sizes that differ
        many = None if None in builder.info.features["image"].shape else _BATCH
        examples = builder.as_dataset(split=split, batch_size=many, read_config=streamed)
        labels: list[int] = []
        fitted = faces.face if builder.name == CELEB_A else lambda image: image
        images = store.collected(
            _channels(fitted(image), channels)
            for image in _pictures_of(examples.as_numpy_iterator(), labels, many is not None)
        )
    except ZooError:  # no room for them
        raise
    except Exception as error:
        raise ZooError(
            f"the data set {name!r} could not be prepared: {error}\nConnect to the network, or "
            f"put its files, unchanged, into $ZOO_DATA/{builder.name}"
        ) from error
    if not labels:
        return Pictures(name, images)
    classes = tuple(builder.info.features["label"].names)
    return Pictures(name, images, np.asarray(labels, np.int64), classes)


def _pictures_of(
    examples: Iterable[dict[str, Any]], labels: list[int], batched: bool
) -> Iterator[np.ndarray]:
    """The pictures of some examples, whose labels, where they have any, are added to a list."""
    for example in examples:
        labels += np.atleast_1d(example.get("label", [])).tolist()
        yield from example["image"] if batched else [example["image"]]


def _hosts(builder) -> set[str]:
    urls = map(urllib.parse.urlsplit, builder.url_infos)
    return {f"{url.scheme}://{url.netloc}" for url in urls}


def _channels(image: np.ndarray, channels: int | str) -> np.ndarray:
    if image.shape[-1] == channels:
        return image
    return to_uint8(fit_channels(image.astype(np.float32) / 255, channels))


def _from_files(tfds, name: str, scratch: str):
    """Reads `$ZOO_DATA/NAME` where that is.

    What is unpacked is kept by its file's name alone, and MNIST's files are called like
    Fashion-MNIST's: in a folder for both, the second set would silently be the first.
    """
    if not in_zoo_data(name):
        return None
    folder = Path(os.environ["ZOO_DATA"], name)
    return tfds.download.DownloadConfig(manual_dir=folder, extract_dir=scratch)
