"""Quantization-aware fine-tuning of a user's own Keras model, on pictures of theirs."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from zoo import index
from zoo.data import batches, sources
from zoo.data.pictures import Pictures
from zoo.errors import ZooError
from zoo.quantization import aware
from zoo.recipe import Recipe
from zoo.schema import Entry
from zoo.spec import Spec
from zoo.tasks import classify, restore
from zoo.tasks.pipeline import Pipeline
from zoo.training import steps
from zoo.training.loop import loop
from zoo.training.optimizers import make_optimizer

_HELD_OUT, _MOST_HELD_OUT = 10, 500  # a tenth, and at most so many pictures
_PATCH = 48  # pixels, of nets that take any size
_MEASURED = 256  # pictures that ranges are measured on


def tune(
    pipeline: Pipeline,
    data: str,
    count: int = 300,
    batch: int = 32,
    learning_rate: float = 1e-4,
    seed: int = 1,
    keep_float: Sequence[str] = (),
) -> dict[str, dict[str, float]]:
    """Trains the net of a pipeline as its int8 file will round, and changes it to what was learnt.

    A tenth of the pictures is held out; the net is changed also where these gain nothing.

    Args:
        pipeline: from `zoo.wrap`, of what classifies or restores.
        data: a set, such as `folder:PATH`, one folder a class; of what restores, clean pictures.
        count: of steps.
        batch: pictures a step.
        learning_rate: its peak; it rises over a tenth of the steps and falls to zero.
        seed: of the batches.
        keep_float: as `zoo.quantize_aware` takes it.

    Returns:
        The held-out figures: of the `net` as it came; of its twin, calibrated and not trained yet,
        `before`; and `after`. Empty where too few pictures are held out.

    Raises:
        ZooError: the task has no such training; the set is not there or does not fit; the net has
            layers that `zoo.quantize_aware` does not know; the loss is no longer finite.
    """
    spec = pipeline.spec
    recipe = _recipe(spec, data, count, batch, learning_rate, seed)
    pictures = sources.load(data, spec.channels, "train", spec.background).of_size(spec.shape[:2])
    held = min(len(pictures) // _HELD_OUT, _MOST_HELD_OUT)
    kept = len(pictures) - held
    train, held_out = pictures.subset(slice(kept)), pictures.subset(slice(kept, None))
    recipe = dataclasses.replace(recipe, batch=min(batch, len(train)))
    entry: Entry[Any] = dataclasses.replace(pipeline.entry, recipe=recipe)
    keras.utils.set_random_seed(seed)
    twin = aware.quantize_aware(pipeline.net, keep_float)
    given = _inputs(entry, train)
    aware.calibrate(twin, given)
    found = {"net": _figures(pipeline, pipeline.net, held_out)}
    found["before"] = _figures(pipeline, twin, held_out)
    _descend(entry, twin, train)
    aware.calibrate(twin, given)
    found["after"] = _figures(pipeline, twin, held_out)
    pipeline.net.set_weights(twin.quantization.net.get_weights())
    return found if held else {}


def _recipe(spec: Spec, data: str, count: int, batch: int, rate: float, seed: int) -> Recipe:
    common: dict[str, Any] = {
        "data": data, "steps": count, "batch": batch, "learning_rate": rate, "seed": seed,
        "warmup": count // 10, "every": max(1, count // 10), "quantization_aware": True,
    }  # fmt: skip
    if spec.task == "classify":
        return classify.Recipe(**common)
    if not spec.restores:
        raise ZooError(
            f"expected a net that classifies, or restores and says what (degrade), got one to "
            f"{spec.task}: make a twin with zoo.quantize_aware(net) and train that with fit"
        )
    unit = spec.multiple * spec.scales[0]
    patch = -(-_PATCH // unit) * unit if spec.free_size else spec.size[0] * spec.enlarged_by_net
    return restore.Recipe(**common, patch=patch)


def _descend(entry: Entry[Any], twin: keras.Model, pictures: Pictures) -> None:
    recipe = entry.recipe
    learner = _with_probabilities(twin, entry.spec)
    optimizer = make_optimizer(recipe)
    step = steps.supervised(learner, optimizer, recipe.loss)
    data = batches.dataset(entry, pictures, 0, recipe.steps)
    loop(
        steps.compiled(step, data.element_spec), data, 0, recipe.steps, recipe.every,
        lambda number, means: None,
    )  # fmt: skip


def _with_probabilities(net: keras.Model, spec: Spec) -> keras.Model:
    """What the loss takes: of logits, probabilities."""
    if spec.task != "classify" or spec.head == "softmax":
        return net
    (made,) = net.outputs
    if spec.head == "logits":
        return keras.Model(net.inputs, keras.layers.Softmax()(made))
    other = keras.layers.Rescaling(-1.0, offset=1.0)(made)
    return keras.Model(net.inputs, keras.layers.Concatenate()([other, made]))


def _inputs(entry: Entry[Any], pictures: Pictures) -> tf.Tensor:
    """What the net takes in training, for ranges to be measured on."""
    wanted = -(-_MEASURED // entry.recipe.batch)
    some = [given for given, *_ in batches.dataset(entry, pictures, 0, wanted)]
    return tf.concat(some, 0).numpy()


def _figures(pipeline: Pipeline, net: keras.Model, pictures: Pictures) -> dict[str, float]:
    if not len(pictures):
        return {}
    beside = index.task_of(pipeline.entry).pipeline(pipeline.entry, net, pipeline.source)
    return index.task_of(pipeline.entry).held_out(beside, pictures)
