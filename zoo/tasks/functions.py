"""The functions of a pipeline: what goes in and out by name, in pixels, preprocessing inside."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import index
from zoo.errors import ZooError
from zoo.images.pixels import fit_channels, to_uint8
from zoo.spec import Input as Input
from zoo.spec import Spec

if TYPE_CHECKING:
    import keras

IMAGE, LATENT = "image", "latent"
ENCODER, DECODER = "encoder", "decoder"
BOUNDED = (IMAGE, "probs", "restored", "enlarged")
"""What lies in [0, 1]: pixels and probabilities, whatever task they are of."""
UNITS = {"sigma": "grey levels of 0..255"}
"""What is in other units, which files say; its range is that of their `degrade`."""

Values = np.ndarray | Mapping[str, np.ndarray]
"""What a function takes: the array `[b, ...]` of its one input, or arrays by their names."""
Infer = Callable[[Any], np.ndarray]
"""What computes a function: `Values` to its outputs, see `side_by_side`."""
Wrapper = Callable[["keras.Model", Any], dict[str, Any]]
"""A net and a tensor, or tensors by their names, to outputs by theirs."""


@dataclass(frozen=True)
class Signature:
    """What one function of a pipeline takes and gives, whatever computes it.

    Attributes:
        name: "", or "encoder" and "decoder" where a net has two.
        inputs: what it takes: `image`, pixels in [0, 1] `[b, h, w, c]`; `latent`, normal numbers
            `[b, n]`; or what its task says (`zoo.tasks.task.Task.companions`).
        outputs: the names of what it gives.
    """

    name: str
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what it takes."""
        return tuple(one.name for one in self.inputs)

    def shape(self, name: str) -> tuple[int | None, ...]:
        """Of one input, `[b, ...]`, None where free."""
        return next(one.shape for one in self.inputs if one.name == name)

    def of(self, net: "keras.Model", wrapper: Wrapper, infer: Infer) -> "Function":
        """The function of this signature that a net computes."""
        return Function(self.name, self.inputs, self.outputs, net, wrapper, infer)


@dataclass(frozen=True)
class Function(Signature):
    """One function of a pipeline, which an export makes files of.

    Attributes:
        net: what it runs.
        wrapper: the net and what the function takes to the outputs by their names, with all that is
            done before and after the net.
        infer: what it takes to the outputs, side by side; the reference of its files.
    """

    net: "keras.Model"
    wrapper: Wrapper
    infer: Infer

    def serve(self, *tensors: Any) -> dict[str, Any]:
        """Tensors in the order of `inputs` to the outputs by their names; what is exported, and
        run in Keras."""
        one = len(self.inputs) == 1
        given = tensors[0] if one else dict(zip(self.names, tensors, strict=True))
        return self.wrapper(self.net, given)


def signature_of(facts: dict[str, Any]) -> Signature:
    """The inverse of `dataclasses.asdict`, through JSON."""
    inputs = tuple(Input(one["name"], tuple(one["shape"])) for one in facts["inputs"])
    return Signature(facts["name"], inputs, tuple(facts["outputs"]))


def named(signature: Signature, values: Values) -> dict[str, np.ndarray]:
    """Arrays by the names of inputs, in their order.

    Raises:
        ZooError: one is missing, or none of the function.
    """
    names = signature.names
    if not isinstance(values, Mapping):
        values = {names[0]: values}
    if values.keys() != set(names):
        raise ZooError(f"expected the inputs {', '.join(names)}, got {', '.join(values)}")
    return {name: values[name] for name in names}


def unnamed(arrays: Mapping[str, np.ndarray]) -> Values:
    """The array, where there is one; the inverse of `named`."""
    return next(iter(arrays.values())) if len(arrays) == 1 else arrays


def drawn(
    pipeline: Any,
    signature: Signature,
    pixels: Callable[[], np.ndarray],
    most: int,
    seed: int = 0,
) -> Values:
    """Inputs of a function; the same for the same seed.

    Args:
        pipeline: from `zoo.load`.
        signature: of the function.
        pixels: gives pictures `[b, h, w, c]`; called where it takes some.
        most: how many examples, where it takes none.
        seed: of all others.
    """
    if isinstance(pipeline.examples, dict) and _fit(pipeline.examples, signature):
        return _picked(pipeline.examples, most, seed)
    found = {IMAGE: pixels()} if IMAGE in signature.names else {}
    size = count(found) if found else most
    if LATENT in signature.names:
        found[LATENT] = pipeline.codes(size, seed)
    if set(signature.names) - found.keys():
        task = index.task_of(pipeline.entry)
        found |= task.companions(pipeline, signature, found, size, seed)
    return unnamed(named(signature, found))


def _fit(arrays: dict[str, np.ndarray], signature: Signature) -> bool:
    pairs = [
        pair
        for one in signature.inputs
        for pair in zip(one.shape[1:], arrays[one.name].shape[1:], strict=True)
    ]
    return all(wanted in (None, side) for wanted, side in pairs)


def _picked(arrays: dict[str, np.ndarray], most: int, seed: int) -> Values:
    """Some examples, others for each seed; pictures as a golden can hold them."""
    size = count(arrays)
    which = np.random.default_rng(seed).permutation(size)[:most]
    found = {name: array[which] for name, array in arrays.items()}
    if IMAGE in found:
        found[IMAGE] = to_uint8(found[IMAGE]).astype(np.float32) / 255
    return unnamed(found)


def count(values: Values) -> int:
    """Of how many examples."""
    return len(next(iter(values.values())) if isinstance(values, Mapping) else values)


def some(values: Values, which: Any) -> Values:
    """Those examples that a slice, or an array of numbers, names."""
    if isinstance(values, Mapping):
        return {name: array[which] for name, array in values.items()}
    return values[which]


def groups(values: Values, most: int) -> list[Values]:
    """The examples in turn, so many at once; of none, the empty array itself."""
    starts = range(0, count(values), most)
    return [some(values, slice(i, i + most)) for i in starts] or [values]


def coloured(values: Values, signature: Signature) -> Values:
    """Grey pictures as colour, for what takes colour in a grey net's place."""
    given = named(signature, values)
    if IMAGE in given and signature.shape(IMAGE)[-1] == 3:
        given[IMAGE] = fit_channels(given[IMAGE], 3)
    return unnamed(given)


def side_by_side(outputs: Sequence[np.ndarray]) -> np.ndarray:
    """One array: joined along the last axis; flattened per example where other sides differ."""
    if len({array.shape[:-1] for array in outputs}) > 1:
        outputs = [array.reshape(len(array), -1) for array in outputs]
    return np.concatenate(outputs, axis=-1)


def signatures(spec: Spec) -> list[Signature]:
    """What the functions of a pipeline take and give, as its task says."""
    return index.task(spec.task).signatures(spec)


def functions(pipeline: Any) -> list[Function]:
    """The functions of a pipeline, in the order of `signatures`.

    Raises:
        ZooError: the pipeline has no net; see `zoo.tasks.pipeline.Pipeline.net`.
    """
    return index.task_of(pipeline.entry).functions(pipeline)


def of_pictures(spec: Spec, *outputs: str, name: str = "") -> Signature:
    """The signature of what takes pictures."""
    return Signature(name, (Input(IMAGE, (None, *spec.shape)),), outputs)


def of_latents(spec: Spec, name: str = "") -> Signature:
    """The signature of what makes pictures."""
    return Signature(name, (Input(LATENT, (None, spec.code)),), (IMAGE,))
