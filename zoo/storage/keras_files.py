"""`.keras` files that come from anywhere: what is inside is looked at before anything is built."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError
from zoo.storage import files

if TYPE_CHECKING:
    import keras

ENDING = ".keras"
LARGEST = 2**31
"""Bytes, of the file and of what is in it: a TFLite file cannot be larger either."""
_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_NEEDED = {_CONFIG, "metadata.json", _WEIGHTS}


def load(path: str | Path) -> "keras.Model":
    """Builds the net of a `.keras` file; nothing in the file is run.

    Raises:
        ZooError: it is no such file, or larger than 2 GB; or it needs code that is not here: a
            Lambda, or a layer that is not registered with `keras.saving`.
    """
    path = Path(path)
    refuse(path)
    import keras

    try:
        net = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # of Keras, on what it did not write: any kind
        raise ZooError(f"{path} cannot be read by Keras {keras.__version__}: {error}") from error
    if not isinstance(net, keras.Model):
        raise ZooError(f"{path} holds a {type(net).__name__}: expected a Keras model")
    return net


def refuse(path: Path) -> None:
    """Raises as `load` where that is seen without building the net."""
    config = _config(path)
    for kind, name in _classes(config):
        if kind == "Lambda":
            raise ZooError(
                f"{path} has a Lambda, {name!r}: a program in the file, and unsafe deserialization "
                "stays off; build the model in Python and give zoo.wrap the model itself, or make "
                "the Lambda a layer that is registered (keras.saving.register_keras_serializable)"
            )
    unknown = sorted(set(_unregistered(config)))
    if unknown:
        raise ZooError(
            f"{path} has {', '.join(unknown)}, which Keras does not have: import the code that "
            "registers it (keras.saving.register_keras_serializable) before, or give zoo.wrap the "
            "model itself"
        )


def weights_of(path: Path) -> bytes:
    """The weights in a `.keras` file, as `save_weights` writes them. Raises as `load`."""
    _config(path)
    with zipfile.ZipFile(path) as archive:
        return archive.read(_WEIGHTS)


def is_one(path: str | Path) -> bool:
    """Whether a path is called so."""
    return Path(path).suffix == ENDING


def _config(path: Path) -> dict[str, Any]:
    files.refuse_irregular(path)
    if path.stat().st_size > LARGEST:
        raise ZooError(f"{path} has {path.stat().st_size:,} bytes: expected 2 GB at most")
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST:
                raise ZooError(f"{path} holds more than 2 GB: expected 2 GB at most")
            if missing := _NEEDED - set(archive.namelist()):
                raise ZooError(f"{path} is no .keras file: it has no {min(missing)}")
            config = json.loads(archive.read(_CONFIG))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RecursionError) as error:
        raise ZooError(
            f'{path} is no .keras file, {error}: expected what model.save("NAME.keras") of Keras '
            "3 writes; pickles, scripts, HDF5 files and SavedModels are not read, for load them "
            "yourself and give zoo.wrap the model"
        ) from None
    if not isinstance(config, dict):
        raise ZooError(f"{path} is no .keras file: its {_CONFIG} holds no object")
    return config


def _objects(config: Any) -> Iterator[dict[str, Any]]:
    """All that a configuration has built, at any depth."""
    todo = [config]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            if isinstance(one.get("class_name"), str):
                yield one
            todo += one.values()
        elif isinstance(one, list):
            todo += one


def _classes(config: Any) -> Iterator[tuple[str, str]]:
    for one in _objects(config):
        inner = one.get("config")
        name = inner.get("name", "") if isinstance(inner, dict) else ""
        kind = one["class_name"]
        yield ("Lambda" if kind in ("Lambda", "__lambda__") else kind), str(name)


def _unregistered(config: Any) -> Iterator[str]:
    """Classes and functions that are of no module of Keras, and that nobody registered."""
    import keras

    for one in _objects(config):
        module, registered = one.get("module"), one.get("registered_name")
        own = module is not None and str(module).split(".")[0] in ("keras", "builtins")
        if one["class_name"].startswith("__") or own or ("module" not in one and not registered):
            continue
        name = str(registered or one["class_name"])
        if keras.saving.get_registered_object(name) is None:
            yield name.rpartition(">")[2]
