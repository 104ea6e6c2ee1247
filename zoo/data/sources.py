"""Sets of pictures by name: tensorflow-datasets, the restoration sets, and image folders."""

import difflib
import os
import re
import tempfile
import unicodedata
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.data.network import reachable
from zoo.errors import ZooError, need
from zoo.images.pixels import ENDINGS, fit_channels, folder_files, read, to_uint8
from zoo.index import LABELS

RESTORATION = ("Train400", "BSD400", "T91", "Set5", "Set14", "Set12", "BSD68", "CBSD68", "LIVE1",
               "Classic5")  # fmt: skip
"""Sets of plain picture files, found in `$ZOO_DATA/restoration/NAME`."""

_EXPECTED = f"folder:PATH, one of {', '.join(RESTORATION)}, or a set of tensorflow-datasets"
_DOWNLOADS = "https://storage.googleapis.com"  # where most of tensorflow-datasets' sets come from


@dataclass(frozen=True)
class Pictures:
    """A set in memory.

    Attributes:
        name: as it was asked for.
        images: uint8 `[h, w, c]` each; sizes may differ.
        labels: int64 `[n]`, or None for a set without classes.
        classes: the labels' names.
    """

    name: str
    images: list[np.ndarray]
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    def part(self, which: slice) -> "Pictures":
        labels = None if self.labels is None else self.labels[which]
        return Pictures(self.name, self.images[which], labels, self.classes)

    def of_size(self, size: tuple[int | None, int | None]) -> "Pictures":
        """The set with pictures of that height and width (bilinear, antialiased)."""
        if size[0] is None or all(image.shape[:2] == size for image in self.images):
            return self
        import tensorflow as tf

        resized = [tf.image.resize(image, size, antialias=True).numpy() for image in self.images]
        images = [to_uint8(image / 255) for image in resized]
        return Pictures(self.name, images, self.labels, self.classes)

    def labels_among(self, wanted: tuple[str, ...]) -> np.ndarray:
        """The labels as places in a net's own list of labels: int64 `[n]`.

        Classes are matched by name; failing that by their letters and digits alone, whatever the
        case; failing that, where all are called by numbers, these are the places themselves.

        Raises:
            ZooError: the set has no classes, or one that the net does not know, or two that are
                one to the net.
        """
        if self.labels is None:
            raise ZooError(f"{self.name} has no classes: expected one folder a class")
        places = self._places(wanted)
        if places is None:
            known = set(map(_letters, wanted))
            unknown = [name for name in self.classes if _letters(name) not in known]
            why = "that the net does not know" if unknown else "that are one to the net"
            raise ZooError(
                f"{self.name} has classes {why}: {', '.join(unknown or self.classes)}; expected "
                f"{', '.join(wanted)}, or their numbers from 0 on; to train the net for these "
                "classes in the place of its own, start from its weights (--from)"
            )
        return np.array(places)[self.labels]

    def known_among(self, wanted: tuple[str, ...]) -> bool:
        """Whether `labels_among` finds all classes."""
        return self._places(wanted) is not None

    def _places(self, wanted: tuple[str, ...]) -> list[int] | None:
        """Where each class stands, each at another place, or None."""
        numbers = tuple(map(str, range(len(wanted))))
        for same, labels in ((_composed, wanted), (_letters, wanted), (_composed, numbers)):
            known = {same(label): place for place, label in enumerate(labels)}
            found = {known.get(same(name)) for name in self.classes} - {None}
            if len(found) == len(self.classes):
                return [known[same(name)] for name in self.classes]
        return None


def load(name: str, channels: int | str, split: str = "train") -> Pictures:
    """Loads a whole set.

    Args:
        name: `folder:PATH` (pictures, or one folder a class), a restoration set, or a set of
            tensorflow-datasets with images. The last is prepared from files in `$ZOO_DATA/NAME`
            where they are, and downloaded otherwise; its checksums are tensorflow-datasets' own.
            Several sets without classes, joined by `+`, are one.
        channels: 1 for grey, 3 for colour, "Y" for luma; pictures are converted.
        split: of a set of tensorflow-datasets.

    Raises:
        ZooError: the set is not there, cannot be read, or is of no known name.
    """
    if name.startswith("folder:"):
        return _folder(name, Path(name.removeprefix("folder:")), channels)
    if "+" in name:
        parts = [load(part, channels, split) for part in name.split("+")]
        return Pictures(name, [image for part in parts for image in part.images])
    if name in RESTORATION:
        return _folder(name, _restoration_folder(name), channels)
    if name == "binarized_mnist" and (packed := _packed_file()):
        return _binarized_mnist(packed, split)
    return _tensorflow_dataset(name, channels, split)


def origin(name: str) -> str:
    """Where a set is read from, in words."""
    root = os.environ.get("ZOO_DATA") or "$ZOO_DATA"
    if name in RESTORATION:
        return f"picture files in {Path(root, 'restoration', name)}"
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
            _existing(Path(part.removeprefix("folder:")))
        elif part in RESTORATION:
            _existing(_restoration_folder(part))
        elif part != "binarized_mnist" or not _packed_file():
            _require_prepared(part)


def _require_prepared(name: str) -> None:
    need("tensorflow_datasets", f"the data set {name!r}")
    if not available(name) and not reachable(_DOWNLOADS):
        raise ZooError(_not_here(name))


def in_zoo_data(name: str) -> bool:
    """Whether the files of a set are in `$ZOO_DATA`."""
    root = os.environ.get("ZOO_DATA", "")
    below = Path("restoration", name) if name in RESTORATION else Path(name)
    return bool(root and name) and os.path.isdir(Path(root) / below)


def _prepared(name: str) -> Path | None:
    """Where tensorflow-datasets has prepared a set; seen without importing it."""
    root = Path(os.environ.get("TFDS_DATA_DIR") or os.path.expanduser("~/tensorflow_datasets"))
    below = name.partition(":")[0]
    if not re.fullmatch(r"\w{1,200}(/[\w.-]{1,200})*", below, re.ASCII):  # such as `..` and `/`
        return None
    found = (root / below).glob("**/dataset_info.json")
    return next((path.parent for path in found), None)


def _not_here(name: str) -> str:
    lower = {known.lower(): known for known in (*RESTORATION, *LABELS)}
    near = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.75)
    missing = f"the set {name!r} is not on this machine, and there is no network to look for it: "
    if near and lower[near[0]] != name:
        return f"{missing}did you mean {lower[near[0]]}?"
    return (
        f"{missing}put its files, unchanged, into $ZOO_DATA/{name}, download it where there is one "
        f"(`zoo data prepare {name}`), or name pictures of your own, folder:PATH"
    )


def _restoration_folder(name: str) -> Path:
    root = os.environ.get("ZOO_DATA")
    if not root:
        raise ZooError(
            f"the set {name} is read from $ZOO_DATA/restoration/{name}, and ZOO_DATA is not set: "
            f"set it, or name the folder itself with folder:PATH"
        )
    return Path(root) / "restoration" / name


def _folder(name: str, folder: Path, channels: int | str) -> Pictures:
    _existing(folder)
    try:
        inside = [p for p in sorted(folder.iterdir()) if not p.name.startswith(".")]
    except OSError as error:
        raise ZooError(f"{folder}: the folder cannot be read: {error.strerror}") from error
    classes = sorted((p for p in inside if p.is_dir()), key=lambda p: _composed(p.name))
    if classes and any(p.suffix.lower() in ENDINGS for p in inside):
        raise ZooError(f"{folder} holds pictures beside folders: expected the one or the other")
    groups = [folder_files(c) for c in classes] or [folder_files(folder)]
    images = [_file(path, channels) for group in groups for path in group]
    if not classes:
        return Pictures(name, images)
    names = tuple(_composed(c.name) for c in classes)
    if twice := [n for n in dict.fromkeys(names) if names.count(n) > 1]:
        raise ZooError(
            f"{folder}: two class folders are called {', '.join(twice)}, in different bytes of "
            "Unicode (composed and decomposed): make them one folder"
        )
    labels = np.repeat(np.arange(len(groups)), [len(g) for g in groups])
    mixed = np.random.default_rng(0).permutation(len(labels))  # so that any part has all classes
    images = [images[i] for i in mixed]
    return Pictures(name, images, labels[mixed], names)


def _existing(folder: Path) -> None:
    if not folder.is_dir():
        raise ZooError(f"{folder}: no such folder")


def _packed_file() -> Path | None:
    """Binarized MNIST as one packed file, which tensorflow-datasets cannot be fed."""
    path = Path(os.environ.get("ZOO_DATA", ""), "binarized_mnist", "binarized_mnist_packbits.npz")
    return path if path.is_file() else None


def _binarized_mnist(path: Path, split: str) -> Pictures:
    with np.load(path) as packed:
        pixels = np.unpackbits(packed[split], axis=1)[:, : 28 * 28]
    return Pictures("binarized_mnist", list(pixels.reshape(-1, 28, 28, 1) * 255))


def _composed(name: str) -> str:
    """One spelling of what looks alike: macOS decomposes the letters of file names."""
    return unicodedata.normalize("NFC", name)


def _letters(name: str) -> str:
    """Letters with their marks, and digits, in lower case; the whole name if it has none."""
    name = _composed(name).casefold()
    return "".join(c for c in name if unicodedata.category(c)[0] in "LMN") or name


def _file(path: Path, channels: int | str) -> np.ndarray:
    return to_uint8(fit_channels(read(path).values[0], channels))


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
        examples = builder.as_dataset(split=split, batch_size=-1)
    except Exception as error:
        raise ZooError(
            f"the data set {name!r} could not be prepared: {error}\nConnect to the network, or "
            f"put its files, unchanged, into $ZOO_DATA/{builder.name}"
        ) from error
    images = [_channels(image, channels) for image in np.asarray(examples["image"])]
    if "label" not in examples:
        return Pictures(name, images)
    classes = tuple(builder.info.features["label"].names)
    return Pictures(name, images, np.asarray(examples["label"], np.int64), classes)


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
