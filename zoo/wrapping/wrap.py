"""A user's own net made a pipeline: what `zoo.wrap` finds out of it, and writes down of it."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import loading
from zoo.data.degradation import Degradation
from zoo.errors import ZooError
from zoo.images import ranges
from zoo.spec import Input, Spec
from zoo.storage import files, keras_files
from zoo.tasks import heads, predict
from zoo.tasks.functions import DECODER, ENCODER, IMAGE
from zoo.tasks.pipeline import Pipeline
from zoo.wrapping import inspect as nets
from zoo.wrapping import supported
from zoo.wrapping.entry import TASKS, entry_of, facts_of
from zoo.wrapping.examples import read_examples, warn_of_range

if TYPE_CHECKING:
    import keras

RESTORING = ("restore", "denoise", "upscale")
LICENCE = "of your data"
_WHOLE = 2**20  # of a receptive field: larger than any picture, which so goes through at once
_LARGEST = 2**31  # bytes of weights: a TFLite file cannot be larger
_RESERVED = {"image", "latent", "probs", "restored", "enlarged", "mean", "logvar"}


def wrap(
    model: "keras.Model | str | Path",
    task: str = "classify",
    labels: Sequence[str] | None = None,
    pixels: str | Sequence[Any] = "0..1",
    size: int | tuple[int, int] | None = None,
    name: str | None = None,
    examples: Any = None,
    degrade: str | Sequence[str] = (),
    scale: int | None = None,
    receptive_radius: int | None = None,
    licence: str = LICENCE,
) -> Pipeline:
    """As `zoo.wrap`."""
    if task not in TASKS:
        raise ZooError(f"unknown task {task!r}: expected one of {', '.join(TASKS)}")
    loading.refuse_other_backends()
    path = None if supported.is_net(model) else Path(str(model))
    net = supported.ready(keras_files.load(path) if path else model)
    if (weight := sum(4 * w.size for w in net.get_weights())) > _LARGEST:
        raise ZooError(f"the net has {weight:,} bytes of weights: expected 2 GB at most")
    asked = _Asked(net, task, labels, pixels, size, degrade, scale, receptive_radius)
    spec = asked.spec()
    entry = entry_of(
        _name(name or (path.stem if path else net.name)),
        {"parameters": net.count_params(), "licence": licence, "spec": facts_of(spec)},
        net,
    )
    pipeline = loading.pipeline(entry, net, str(path.resolve()) if path else None)
    pipeline.examples = read_examples(examples, pipeline)
    warn_of_range(pipeline, pixels)
    return pipeline


class _Asked:
    """A net, and what a user says of it."""

    def __init__(
        self,
        net: "keras.Model",
        task: str,
        labels: Sequence[str] | None,
        pixels: str | Sequence[Any],
        size: int | tuple[int, int] | None,
        degrade: str | Sequence[str],
        scale: int | None,
        receptive_radius: int | None,
    ):
        self.net, self.task, self.pixels = net, task, pixels
        self.labels = None if labels is None else _labels(labels)
        self.size = None if size is None else _size(size)
        self.degrade = (degrade,) if isinstance(degrade, str) else tuple(degrade)
        self.scale, self.receptive_radius = scale, receptive_radius

    def spec(self) -> Spec:
        """Raises ZooError where the net does not fit the task."""
        if self.labels is not None and self.task not in ("classify", "generate"):
            raise ZooError(f"labels came for the task {self.task}: only classifiers have any")
        if pixels_inside := (self.pixels == ranges.INSIDE):
            supported.refuse_without_rescaling(self.net)
        integers = [t.dtype for t in self.net.inputs if t.dtype.startswith(("int", "uint"))]
        if integers and self.task != "predict" and self.pixels not in ("0..255", ranges.INSIDE):
            raise ZooError(
                f"pixels={self.pixels!r} came, and the net takes {integers[0]}: expected '0..255'"
            )
        if self.pixels not in ("0..1", "0..255") and not pixels_inside:
            supported.warn_of_rescaling(self.net, self.pixels)
        make = getattr(self, f"_{'restore' if self.task in RESTORING else self.task}")
        return make()

    def _range(self, channels: int) -> dict[str, Any]:
        found = ranges.named(self.pixels, channels)
        return {"value_range": found.value_range, "bgr": found.bgr}

    def _classify(self) -> Spec:
        height, width, channels = self._picture()
        count, head = nets.head(self.net)
        labels = tuple(map(str, range(count))) if self.labels is None else tuple(self.labels)
        if len(labels) != count:
            raise ZooError(f"expected {count} labels, as many as outputs, got {len(labels)}")
        heads.refuse_odd(labels)
        if height is None or width is None:
            raise ZooError(
                "the net takes pictures of any size: name the size that they are brought to, "
                "size=224 or size=(height, width)"
            )
        shape = (height, width, channels)
        return Spec("classify", shape, labels=labels, head=head, **self._range(channels))

    def _restore(self) -> Spec:
        height, width, channels = self._picture()
        multiple = nets.multiple(self.net) if height is None else 1
        factor, border, given_back = nets.geometry(self.net, multiple)
        if given_back != channels:
            raise ZooError(
                f"the net takes {channels} channels and gives {given_back}: expected as many; "
                'or task="predict"'
            )
        scale = self.scale or factor
        if factor not in (1, scale):
            raise ZooError(f"the net enlarges {factor} times, and scale={scale} came")
        if self.task == "upscale" and scale < 2:
            raise ZooError("the net enlarges nothing: name the scale that is done before it")
        degrade = self.degrade or ((f"bicubic:{scale}",) if scale > 1 else ())
        for one in degrade:
            Degradation.parse(one)
        return Spec(
            self.task,
            (height, width, channels),
            degrade=degrade,
            scales=(scale,),
            upsamples=factor > 1,
            border=border,
            multiple=multiple,
            receptive_radius=_WHOLE if self.receptive_radius is None else self.receptive_radius,
            **self._range(channels),
        )

    def _autoencode(self) -> Spec:
        encoder, decoder = (nets.part(self.net, name) for name in (ENCODER, DECODER))
        if self._range(1) != {"value_range": (0.0, 1.0), "bgr": False}:
            raise ZooError("an autoencoder makes pixels in [0, 1]: expected pixels='0..1'")
        shape = nets.picture(encoder)
        if None in shape:
            raise ZooError("expected an encoder of pictures of one size, got one that takes any")
        latent, kinds = nets.latent(encoder, decoder), ("logits", "sigmoid")
        head = nets.activation(decoder)
        if head not in ("linear", "sigmoid"):
            raise ZooError(f"expected a decoder that ends linear or in sigmoid, got {head}")
        sure = len(encoder.outputs) == 1
        return Spec(
            "autoencode",
            shape,
            latent=latent,
            head=kinds[head == "sigmoid"],
            outputs=(Input("mean", (None, latent)),) if sure else (),
        )

    def _generate(self) -> Spec:
        taken: Any = nets.shapes(self.net.inputs)
        given: Any = nets.shapes(self.net.outputs)
        if len(taken) != 1 or len(taken[0]) != 2 or len(given) != 1 or len(given[0]) != 4:
            raise ZooError(f"expected a net of [b, n] to [b, h, w, c], got {taken} to {given}")
        labels, shape = tuple(self.labels or ()), tuple(given[0][1:])
        latent = taken[0][1] - len(labels)
        if latent < 1:
            raise ZooError(f"the net takes {taken[0][1]} numbers, and {len(labels)} labels came")
        range_ = self._range(shape[-1])
        return Spec("generate", shape, labels=labels, latent=latent, **range_)

    def _predict(self) -> Spec:
        inputs, outputs = nets.inputs(self.net), nets.outputs(self.net)
        pictures = [one for one in inputs if predict.is_picture(one)]
        names = _names([IMAGE if [one] == pictures else one.name for one in inputs], {IMAGE})
        taken = tuple(Input(n, one.shape) for n, one in zip(names, inputs, strict=True))
        given = tuple(
            Input(n, one.shape)
            for n, one in zip(_names([o.name for o in outputs]), outputs, strict=True)
        )
        shape: Any = tuple(pictures[0].shape[1:]) if pictures else (1, 1, 1)
        multiple = nets.multiple(self.net) if shape[0] is None else 1
        ranged = self._range(shape[-1]) if pictures else {}
        if not pictures and self.pixels != "0..1":
            raise ZooError(f"pixels={self.pixels!r} came, and the net takes no pictures")
        return Spec("predict", shape, inputs=taken, outputs=given, multiple=multiple, **ranged)

    def _picture(self) -> tuple[int | None, int | None, int]:
        height, width, channels = nets.picture(self.net)
        if channels not in (1, 3):
            raise ZooError(
                f"expected pictures of 1 or 3 channels, got {channels}; with task='predict' the "
                "net takes tensors"
            )
        if self.size is None:
            return height, width, channels
        if height not in (None, self.size[0]) or width not in (None, self.size[1]):
            raise ZooError(f"size={self.size} came: the net takes {height}x{width}")
        return *self.size, channels


def _labels(labels: Any) -> list[str]:
    several = not isinstance(labels, str) and hasattr(labels, "__iter__")
    found = list(labels) if several else []
    if not several or not all(isinstance(label, str) for label in found):
        raise ZooError(f"labels: expected a list of names, got {labels!r}")
    return list(map(str, found))


def _size(size: Any) -> tuple[int, int]:
    pair = (size, size) if isinstance(size, int) else size
    fits = isinstance(pair, (tuple, list)) and len(pair) == 2
    if not fits or not all(type(side) is int and side > 0 for side in pair):
        raise ZooError(f"size: expected a number of pixels, or (height, width), got {size!r}")
    return tuple(pair)


def _name(name: str) -> str:
    """What files are called by."""
    fit = files.plain_name(name)
    if not fit:
        raise ZooError(f"the name {name!r}: expected letters, digits, - and _")
    return fit


def _names(names: list[str], kept: frozenset[str] | set[str] = frozenset()) -> list[str]:
    """As functions can have them: each once, of letters and digits."""
    found: list[str] = []
    for name in names:
        fit = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "tensor"
        fit = f"{fit}_tensor" if fit[0].isdigit() or fit in _RESERVED - kept else fit
        alike = sum(other == fit or other.startswith(f"{fit}__") for other in found)
        found.append(f"{fit}__{alike + 1}" if alike else fit)
    return found
