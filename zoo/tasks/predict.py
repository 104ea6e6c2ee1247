"""Any tensors to any tensors: what a net computes, as it is."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from zoo import index
from zoo.data.sources import Pictures
from zoo.errors import ZooError
from zoo.images import probes
from zoo.schema import Entry
from zoo.spec import Input, Spec
from zoo.tasks.evaluate import Evaluation
from zoo.tasks.functions import IMAGE, Function, Infer, Signature, Values, named, unnamed
from zoo.tasks.pipeline import Pipeline
from zoo.tasks.task import Task

_SIDE = 32
"""Of what is drawn where a side is free; a multiple of what nets usually halve."""


class Predictor(Pipeline):
    """Computes the outputs of a net."""

    def __call__(self, *given: Any, **by_name: Any) -> Any:
        """Computes.

        Args:
            *given: the inputs `[b, ...]` in the order of the net's, or one dict of them by name.
            **by_name: the inputs by name.

        Returns:
            The output, float32 `[b, ...]`, or outputs by their names.

        Raises:
            ZooError: an input is missing, or of another shape.
        """
        (signature,) = index.task_of(self.entry).signatures(self.spec)
        if len(given) == 1 and isinstance(given[0], Mapping):
            by_name = dict(given[0])
        elif given:
            by_name |= dict(zip(signature.names, given, strict=False))
        values = {name: np.asarray(array, np.float32) for name, array in by_name.items()}
        for name, array in named(signature, values).items():
            refuse_other(name, signature.shape(name), array)
        return unnamed(_apart(self.infer(unnamed(values)), self.spec.outputs))

    def infer(self, values: Values) -> np.ndarray:
        """What the net takes, one array or several by name, to its outputs side by side."""
        return self.compute("", values)


class Predict(Task[Predictor]):
    """Tensors to tensors."""

    name, kind, headline = "predict", "prediction", ""
    pipeline, gives_pictures = Predictor, False

    def signatures(self, spec: Spec) -> list[Signature]:
        return [Signature("", spec.inputs, tuple(one.name for one in spec.outputs))]

    def functions(self, pipeline: Predictor) -> list[Function]:
        import tensorflow as tf

        spec = pipeline.spec
        (signature,) = self.signatures(spec)
        dtypes = [tensor.dtype for tensor in pipeline.net.inputs]
        names = [one.name for one in spec.outputs]

        def wrapper(net: Any, given: Any) -> dict[str, Any]:
            tensors = [given[name] for name in signature.names] if len(dtypes) > 1 else [given]
            taken = [
                tf.cast(spec.normalize(t) if is_picture(one) else t, dtype)
                for one, t, dtype in zip(spec.inputs, tensors, dtypes, strict=True)
            ]
            made = net(_packed(net, taken), training=False)
            return dict(zip(names, _flat(made), strict=True))

        return [signature.of(pipeline.net, wrapper, pipeline.infer)]

    def companions(
        self,
        pipeline: Predictor,
        signature: Signature,
        given: Mapping[str, np.ndarray],
        count: int,
        seed: int,
    ) -> dict[str, np.ndarray]:
        """Normal numbers; of pictures, made-up ones."""
        rng = np.random.default_rng(seed)
        sides = given[IMAGE].shape[1:3] if IMAGE in given else (_SIDE, _SIDE)
        return {
            one.name: _drawn(rng, one, count, sides)
            for one in signature.inputs
            if one.name not in given
        }

    def batches(self, entry: Entry, pictures: Pictures) -> Callable[[Any], tuple]:
        raise ZooError(f"{entry.name}: nobody knows what it learns from: train it with Keras' fit")

    def evaluate(
        self, evaluation: Evaluation[Predictor], infer: Infer | None = None, progress: bool = False
    ) -> dict[str, Any]:
        raise ZooError(
            f"{evaluation.pipeline.entry.name}: expected a task with a figure of merit, got "
            "predict; wrap it for classify or restore, or compare its outputs yourself"
        )

    def scores(self, evaluation: Evaluation[Predictor], calls: Sequence[Infer] = ()) -> None:
        """None: what is right, nobody said. Every picture goes through."""
        infer = calls[0] if calls else evaluation.pipeline.infer
        for image in evaluation.pictures.images:
            infer(image[None].astype(np.float32) / 255)

    def held_out(self, pipeline: Predictor, pictures: Pictures) -> dict[str, float]:
        return {}

    def preview(self, pipeline: Predictor, real: np.ndarray | None = None) -> Image.Image:
        raise ZooError(f"{pipeline.entry.name}: there is no picture of tensors")


def is_picture(given: Input) -> bool:
    """Whether an input is `[b, h, w, c]` in grey or colour."""
    return len(given.shape) == 4 and given.shape[-1] in (1, 3)


def _drawn(rng: np.random.Generator, one: Input, count: int, sides: tuple[int, ...]) -> np.ndarray:
    free = iter(sides)
    inner = [side or next(free, _SIDE) for side in one.shape[1:]]
    if is_picture(one):
        return probes.pictures(rng, (count, *inner))
    return rng.standard_normal((count, *inner)).astype(np.float32)


def refuse_other(name: str, wanted: tuple[int | None, ...], array: np.ndarray) -> None:
    """Raises ZooError where an array is of another shape than an input, None where free."""
    fits = array.ndim == len(wanted) and all(
        w in (None, side) for w, side in zip(wanted, array.shape, strict=True)
    )
    if not fits:
        raise ZooError(f"{name}: expected {list(wanted)}, got {list(array.shape)}")


def _apart(joined: np.ndarray, outputs: tuple[Input, ...]) -> dict[str, np.ndarray]:
    """The inverse of `zoo.tasks.functions.side_by_side`. Raises ZooError on sides unknown."""
    if len(outputs) == 1:
        return {outputs[0].name: joined}
    alike = joined.ndim > 2 or all(len(one.shape) == 2 for one in outputs)
    sizes = [one.shape[-1:] if alike else one.shape[1:] for one in outputs]
    known = [[side for side in size if side is not None] for size in sizes]
    if any(len(k) < len(s) for k, s in zip(known, sizes, strict=True)):
        raise ZooError(
            f"outputs of free sizes {sizes} cannot be told apart here: call pipeline.net itself"
        )
    parts = np.split(joined, np.cumsum([math.prod(k) for k in known])[:-1], axis=-1)
    pairs = zip(outputs, parts, strict=True)
    if alike:
        return {one.name: part for one, part in pairs}
    return {one.name: part.reshape(len(part), *one.shape[1:]) for one, part in pairs}


def _packed(net: Any, tensors: list[Any]) -> Any:
    """As the net takes them: a tensor, a list, or by the names of its own."""
    import keras

    return keras.tree.pack_sequence_as(net.input, tensors)


def _flat(made: Any) -> list[Any]:
    import keras

    return keras.tree.flatten(made)


index.register_task(Predict())
