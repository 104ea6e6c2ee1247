"""Classification: pictures to classes and their probabilities."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from zoo import index, schema
from zoo.data import sources, splits
from zoo.data.sources import Pictures
from zoo.errors import ZooError
from zoo.metrics import quality
from zoo.metrics.recognition import measured, probabilities
from zoo.schema import Entry
from zoo.spec import Spec
from zoo.tasks import fitting, functions, heads, mistakes
from zoo.tasks.classifier import Classifier
from zoo.tasks.evaluate import Evaluation
from zoo.tasks.functions import Function, Infer, Signature
from zoo.tasks.task import Task

if TYPE_CHECKING:
    import keras

    from zoo.training.methods import Method


@dataclass(frozen=True, kw_only=True)
class Recipe(schema.Recipe):
    """How a classifier is trained.

    Attributes:
        loss: a key of `zoo.training.steps.LOSSES`.
        label_smoothing: share of the target spread over all classes.
        classes: of a net that goes on from trained weights, whose classes: "own", those of the
            pictures; "net", its own; "auto", the pictures', unless they are called as the net's.
            "own" is also of a net from nothing.
        size: side of the pictures that it is trained for, where that is another than its own.
        channels: likewise, 1 (grey) or 3 (colour).
        fit_head: the last layer is fitted first, to what the net before it makes of the pictures.
        trained_from: the first layer that the steps train; those before it keep their weights.
        balanced: each class counts as much as any other, however many pictures it has.
        epochs: how often each picture of one's own is seen at most; 0: all steps are taken.
    """

    loss: str = "cross_entropy"
    label_smoothing: float = 0.0
    classes: str = "auto"
    size: int | None = None
    channels: int | None = None
    fit_head: bool = False
    trained_from: str | None = None
    balanced: bool = False
    epochs: int = 0


_ENOUGH = 100
"""Held-out pictures that a temperature is fitted on, at least."""


class Classify(Task[Classifier]):
    """One of several classes for each picture."""

    name, kind, headline = "classify", "recognition", "accuracy"
    recipe, pipeline = Recipe, Classifier
    options, gives_pictures, held_out_loss = ("ensemble",), False, "nll"

    def described(self, spec: Spec) -> str:
        return f"{super().described(spec)} of {len(spec.labels)} classes"

    def answer(self, result: Any) -> dict[str, Any]:
        return {"labels": [label._asdict() for label in result]}

    def size_seen(self, spec: Spec) -> tuple[int | None, int | None]:
        return spec.shape[:2]

    def signatures(self, spec: Spec) -> list[Signature]:
        return [functions.of_pictures(spec, "probs")]

    def functions(self, pipeline: Classifier) -> list[Function]:
        spec = pipeline.spec

        def wrapper(net: Any, image: Any) -> dict[str, Any]:
            return {"probs": _probabilities(net(spec.normalize(image), training=False), spec.head)}

        (signature,) = self.signatures(spec)
        return [signature.of(pipeline.net, wrapper, pipeline.infer)]

    def batches(self, entry: Entry[Recipe], pictures: Pictures) -> Callable[[Any], tuple]:
        """Pictures and probabilities `[b, classes]`."""
        import tensorflow as tf

        from zoo.data import augment
        from zoo.data.batches import epochs, seeds_of

        recipe, classes = entry.recipe, len(entry.spec.labels)
        labels = tf.constant(pictures.labels_among(entry.spec.labels), tf.int64)
        heads.refuse_one_class(pictures)
        take = epochs(entry, pictures)
        share = tf.constant(fitting.weights_of(labels.numpy(), classes, recipe.balanced))

        def batch(step: Any) -> tuple:
            pixels, which = take(step)
            right = tf.gather(labels, which)
            target = tf.one_hot(right, classes)
            target = target * (1 - recipe.label_smoothing) + recipe.label_smoothing / classes
            target *= tf.gather(share, right)[:, None]  # and the loss, which is linear in it
            return augment.mixed(pixels, target, recipe, seeds_of(recipe, step)[1])

        return batch

    def refuse(self, entry: Entry[Recipe]) -> None:
        if entry.recipe.quantization_aware and entry.recipe.start is None:
            raise ZooError(
                "quantization_aware keeps what batch normalisation has measured, and fresh weights "
                "have nothing: name weights to start from, as start='cnn_fashion'"
            )

    def method(self, entry: Entry[Recipe], net: "keras.Model", strategy: Any) -> "Method":
        from zoo.training.methods import quantization_aware, supervised

        way = quantization_aware if entry.recipe.quantization_aware else supervised
        return way(entry.recipe, net, strategy)

    def shaped(self, entry: Entry[Recipe]) -> Entry:
        height, width, channels = entry.spec.shape
        size = entry.recipe.size
        sides = (size, size) if size else (height, width)
        return heads.with_shape(entry, (*sides, entry.recipe.channels or channels))

    def adapted(self, entry: Entry[Recipe], pictures: Pictures) -> Entry:
        """For the classes of a folder that a net is fine-tuned for, if they are not its own."""
        wanted, labels = entry.recipe.classes, entry.spec.labels
        if wanted not in ("auto", "own", "net"):
            raise ZooError(f"expected classes auto, own or net, got {wanted!r}")
        fine_tuned = entry.recipe.start is not None
        if not pictures.classes or wanted == "net" or (wanted == "auto" and not fine_tuned):
            return entry
        if wanted == "auto" and heads.called_alike(pictures, labels):
            return entry
        heads.refuse_one_class(pictures)
        own = heads.with_classes(entry, list(pictures.classes))
        few = fitting.of_few(entry.recipe, len(pictures), entry.recipe.epochs)
        return dataclasses.replace(own, recipe=few)

    def start_from(self, given: "keras.Model", net: "keras.Model") -> "keras.Model":
        """With a fresh head, where the classes are others."""
        if given.output_shape == net.output_shape:
            return given
        return heads.with_head(given, net.output_shape[-1])

    def begin(
        self, pipeline: Classifier, training: Pictures, held_out: Pictures, run: Path
    ) -> dict[str, Any]:
        """Fits the last layer, where the recipe says so, and freezes the layers before those that
        are trained."""
        entry, spec = pipeline.entry, pipeline.spec
        heads.freeze_before(pipeline.net, entry.recipe.trained_from)
        splits.warn_of_likes(training, held_out)
        recipe, found = entry.recipe, {}
        fitting.say_sets(training, held_out, spec.labels)
        if recipe.fit_head:
            right, others = (p.labels_among(spec.labels) for p in (training, held_out))
            share = fitting.weights_of(right, len(spec.labels), recipe.balanced)
            sets = (training, right), (held_out, others)
            found = {"head": fitting.fit(pipeline.net, *sets, spec.normalize, share, run)}
        fitting.say(fitting.announced(recipe, recipe.trained_from))
        return found

    def finish(self, pipeline: Classifier, held_out: Pictures, run: Path) -> dict[str, Any]:
        """Folds the best temperature into the last layer, and shows the mistakes.

        Returns:
            `calibration`: `temperature`, the number of pictures as `count`, and the expected
            calibration error in percent `before` and `after`; `held_out`: the `accuracy` in
            percent, and how many of each class (a row) were taken for which, as `confusion`.
        """
        from zoo.metrics.temperature import cooled, temperature

        if not len(held_out):
            return {}
        right = held_out.labels_among(pipeline.spec.labels)
        probs = probabilities(pipeline.infer, held_out)
        told = mistakes.told(probs, right, pipeline.spec.labels)
        mistakes.sheet_of(probs, held_out, pipeline.spec.labels).save(run / mistakes.SHEET)
        # the surer the better, they would say where all are right
        if len(held_out) < _ENOUGH or (probs.argmax(-1) == right).all():
            return told
        found = temperature(probs, right)
        last = pipeline.net.layers[-1]
        last.set_weights([weight / found for weight in last.get_weights()])
        errors = [quality.calibration_error(p, right) for p in (probs, cooled(probs, found))]
        before, after = (round(error, 3) for error in errors)
        about = {"temperature": round(found, 4), "count": len(right)}
        return told | {"calibration": about | {"before": before, "after": after}}

    def evaluate(
        self, evaluation: Evaluation[Classifier], infer: Infer | None = None, progress: bool = False
    ) -> dict[str, Any]:
        pipeline = evaluation.pipeline
        figures = measured(infer or pipeline.infer, _seen(evaluation), pipeline.spec.labels)
        part = sources.part_read(evaluation.pictures.name, "test")
        return {"protocol": f"{part}, top-1 in percent, one view", "metrics": figures}

    def scores(self, evaluation: Evaluation[Classifier], calls: Sequence[Infer] = ()) -> np.ndarray:
        infer = calls[0] if calls else evaluation.pipeline.infer
        right = evaluation.pictures.labels_among(evaluation.pipeline.spec.labels)
        return (probabilities(infer, _seen(evaluation)).argmax(-1) == right) * 100.0

    def view(self, spec: Spec, output: np.ndarray) -> str:
        best = int(output.argmax())
        return f"{spec.labels[best]}, {100 * output[best]:.1f} %"

    def held_out(self, pipeline: Classifier, pictures: Pictures) -> dict[str, float]:
        return measured(pipeline.infer, pictures, pipeline.spec.labels)

    def caption(self, spec: Spec, real: bool = True) -> str:
        return "What it takes each class for, in percent, and the mistakes it was most sure of"

    def preview(
        self, pipeline: Classifier, real: np.ndarray | None = None, most: int = 20
    ) -> Image.Image:
        """How it errs on its test set.

        To the left, in percent of each class (a row), what it was taken for; to the right the
        pictures that it was most sure of and wrong.
        """
        if not pipeline.entry.benchmarks:
            return mistakes.answers(pipeline)
        data, spec = pipeline.entry.benchmarks[0].data, pipeline.spec
        pictures = sources.load(data, spec.channels, "test", spec.background)
        found = probabilities(pipeline.infer, pictures)
        return mistakes.sheet_of(found, pictures, spec.labels, most)


def _seen(evaluation: Evaluation[Classifier]) -> Pictures:
    """A set in the net's size, which exported files take alone."""
    size = evaluation.pipeline.spec.shape[:2]
    return evaluation.once("seen", lambda: evaluation.pictures.of_size(size))


def _probabilities(made: Any, head: str) -> Any:
    """Of each class, of what a net's last layer gives."""
    if head == "softmax":
        return made
    import tensorflow as tf

    return tf.nn.softmax(made) if head == "logits" else tf.concat([1 - made, made], -1)


index.register_task(Classify())
