"""What a user shows of what the net will meet: pictures, or arrays by the inputs' names."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data import sources
from zoo.data.pictures import Pictures
from zoo.errors import ZooError, warn
from zoo.images.pixels import fit_channels, read, to_uint8
from zoo.spec import Spec
from zoo.tasks import predict
from zoo.tasks.functions import IMAGE
from zoo.tasks.pipeline import Pipeline

if TYPE_CHECKING:
    pass


def read_examples(given: Any, pipeline: Pipeline) -> Pictures | dict[str, np.ndarray] | None:
    """What a user gives of what the net will meet; pictures with their classes, if any."""
    spec, several = pipeline.spec, len(pipeline.spec.inputs) > 1
    if given is None:
        return None
    if spec.task == "generate":
        raise ZooError("examples came: a generator takes random numbers")
    if isinstance(given, Mapping) or (spec.inputs and not _takes_image(spec)):
        return _tensors(given, spec)
    if several:
        raise ZooError(f"expected examples by name, {', '.join(i.name for i in spec.inputs)}")
    if isinstance(given, (str, Path)) and (
        str(given).startswith("folder:") or Path(given).is_dir()
    ):
        text = str(given)
        name = text if text.startswith("folder:") else f"folder:{text}"
        pictures = sources.load(name, spec.channels, "test", spec.background)
    elif isinstance(given, Pictures):
        pictures = given
    else:
        pictures = Pictures("examples", _images(given, spec))
    if not len(pictures):
        raise ZooError("no examples came: expected pictures")
    return pictures.of_size(spec.shape[:2])


def _takes_image(spec: Spec) -> bool:
    return any(one.name == IMAGE for one in spec.inputs)


def _tensors(given: Any, spec: Spec) -> dict[str, np.ndarray]:
    arrays = dict(given) if isinstance(given, Mapping) else {spec.inputs[0].name: given}
    found = {name: _numbers(name, array) for name, array in arrays.items()}
    if found.keys() != {one.name for one in spec.inputs}:
        expected = ", ".join(one.name for one in spec.inputs)
        raise ZooError(f"expected examples of {expected}, got {', '.join(found)}")
    for one in spec.inputs:
        predict.refuse_other(one.name, one.shape, found[one.name])
    if len({len(array) for array in found.values()}) != 1 or not len(found[spec.inputs[0].name]):
        raise ZooError("expected as many examples of each input, and one at least")
    return found


def _numbers(name: str, given: Any) -> np.ndarray:
    try:
        found = np.asarray(given, np.float32)
    except (TypeError, ValueError) as error:
        raise ZooError(f"examples of {name}: expected an array of numbers, got {error}") from None
    if not np.isfinite(found).all():
        raise ZooError(f"examples of {name}: expected finite numbers, got NaN or infinite ones")
    return found


def _images(given: Any, spec: Spec) -> list[np.ndarray]:
    """uint8 `[h, w, c]` each, of an array of pictures or a list of what is one."""
    several = isinstance(given, (list, tuple))
    pixels = [p for one in (given if several else [given]) for p in read(one).over(spec.background)]
    return [to_uint8(fit_channels(one, spec.channels)) for one in pixels]


def warn_of_range(pipeline: Pipeline, pixels: Any) -> None:
    """Warns where the net says the same of all examples: the range may be another."""
    found = pipeline.examples
    if not isinstance(found, Pictures) or len(found) < 2 or pipeline.spec.task == "autoencode":
        return
    if len({image.shape for image in found.images[:8]}) > 1:
        return
    values = fit_channels(found.subset(slice(8)).values(), pipeline.spec.channels)
    made = pipeline.infer(values)
    if np.abs(made - made[:1]).max() < 1e-6 and np.abs(values - values[:1]).max() > 0:
        warn(
            f"{pipeline.entry.name} gives the same for {len(values)} examples that differ: is "
            f"pixels={pixels!r} the range that it was trained on?"
        )
