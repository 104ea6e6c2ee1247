"""Restoration: damaged or small pictures to better or larger ones."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from zoo import index, schema
from zoo.data.degradation import PAIRED, each_alone
from zoo.data.sources import Pictures
from zoo.errors import ZooError
from zoo.images import sheet
from zoo.images.resize import CUBIC_REACH
from zoo.metrics import baselines, quality, restoration
from zoo.schema import Entry
from zoo.spec import Spec
from zoo.tasks import functions
from zoo.tasks.evaluate import Evaluation
from zoo.tasks.functions import Function, Infer, Signature
from zoo.tasks.restorer import Restorer
from zoo.tasks.task import Task

if TYPE_CHECKING:
    import keras

    from zoo.training.methods import Method

_BORDER = 12
"""So far around a patch it is reduced and enlarged with it by any factor up to 4."""


@dataclass(frozen=True, kw_only=True)
class Recipe(schema.Recipe):
    """How a restorer is trained.

    `quantization_aware` fake-quantizes inputs and kernels of convolutions to the steps of an int8
    file (of the last one its inputs, of a first one in a single piece nothing), inputs more
    coarsely.

    Attributes:
        loss: a key of `zoo.training.steps.LOSSES`.
        patch: side of the square crops that it is trained on, in pixels.
        degrade: what its pictures are damaged by, each as `Degradation.parse` reads it, in place of
            what the name undoes (`Spec.degrade`): it is then a net of one's own, that undoes this.
        rescale: factors below 1; smaller copies of the pictures are used, too.
        expand: convolutions are trained as wide ones of so many channels, which collapse into those
            that are delivered, see `zoo.training.collapsible`; 0: as they are.
    """

    patch: int
    degrade: tuple[str, ...] = ()
    rescale: tuple[float, ...] = ()
    expand: int = 0


class Restore(Task[Restorer]):
    """Undoes damage; several names of one task, which say what the result is."""

    kind, headline = "restoration", "psnr"
    recipe, pipeline = Recipe, Restorer
    options: tuple[str, ...] = ("scale", "ensemble")
    losses = ("mse", "charbonnier")

    def __init__(self, name: str, output: str):
        self.name, self.output = name, output

    def signatures(self, spec: Spec) -> list[Signature]:
        return [functions.of_pictures(spec, self.output)]

    def described(self, spec: Spec) -> str:
        scale = f", {spec.scales[0]} times as large" if spec.scales[0] > 1 else ", as large"
        return super().described(spec) + scale

    def functions(self, pipeline: Restorer) -> list[Function]:
        import tensorflow as tf

        from zoo.images.resize import mirrored

        spec = pipeline.spec

        def wrapper(net: Any, image: Any) -> dict[str, Any]:
            values = mirrored(spec.normalize(image, spec.enlarged_before), spec.border)
            restored = spec.denormalize(net(values, training=False))
            return {self.output: tf.clip_by_value(restored, 0.0, 1.0)}

        (signature,) = self.signatures(spec)
        return [signature.of(pipeline.net, wrapper, pipeline.infer)]

    def shaped(self, entry: Entry[Recipe]) -> Entry:
        degrade = entry.recipe.degrade
        if not degrade:
            return entry
        spec = dataclasses.replace(entry.spec, degrade=tuple(degrade))
        self.refuse_damage(entry.name, spec)
        return dataclasses.replace(entry, spec=spec, benchmarks=())

    def refuse_damage(self, name: str, spec: Spec) -> None:
        """Raises ZooError of a degradation that such a net cannot undo."""
        for one in each_alone(spec.degradations):
            if one == PAIRED or one.scale not in spec.scales:
                fits = (f"bicubic:{s}" if s > 1 else "noise, camera, jpeg" for s in spec.scales)
                raise ZooError(f"degrade: expected {', '.join(fits)} for {name}, got {one}")

    def batches(self, entry: Entry[Recipe], pictures: Pictures) -> Callable[[Any], tuple]:
        """Damaged patches and clean ones, in the net's value range."""
        from zoo.data import augment
        from zoo.data.batches import patches, rescaled, seeds_of

        if pictures.given is not None:
            return self._batches_of_pairs(entry, pictures)
        spec, recipe = entry.spec, entry.recipe
        side = recipe.patch + 2 * max(spec.border, around(spec))
        _refuse_indivisible(entry)
        take = patches(rescaled(pictures, recipe.rescale, side), recipe, side)

        def batch(step: Any) -> tuple:
            seeds = seeds_of(recipe, step)
            clean = augment.augmented(take(seeds), recipe, seeds[2])
            return self.example(clean, entry, seeds[3])

        return batch

    def _batches_of_pairs(self, entry: Entry[Recipe], pictures: Pictures) -> Callable[[Any], tuple]:
        import tensorflow as tf

        from zoo.data import augment
        from zoo.data.batches import patches, seeds_of, side_by_side

        spec, recipe = entry.spec, entry.recipe
        if spec.scales[0] > 1:
            raise ZooError(
                f"{pictures.name} has pairs of one size: expected a net that keeps it, got "
                f"{entry.name}, which enlarges {spec.scales[0]} times"
            )
        take = patches(side_by_side(pictures), recipe, recipe.patch + 2 * spec.border)

        def batch(step: Any) -> tuple:
            seeds = seeds_of(recipe, step)
            both = augment.augmented(take(seeds), recipe, seeds[2])
            taken, clean = tf.split(both, 2, -1)
            return self.of_pair(taken, clean, entry)

        return batch

    def of_pair(self, taken: Any, clean: Any, entry: Entry[Recipe]) -> tuple:
        """As `example`, of patches as they were taken, and clean."""
        from zoo.data.batches import middle

        return entry.spec.normalize(taken), entry.spec.normalize(middle(clean, entry.recipe.patch))

    def example(self, clean: Any, entry: Entry[Recipe], seed: Any) -> tuple:
        """What a net is given, and what it should make of it, in its value range.

        Args:
            clean: patches `[b, h, w, c]`, pixels in [0, 1], with what is around them.
            entry: with the recipe.
            seed: two integers.
        """
        from zoo.data.batches import middle

        spec, patch = entry.spec, entry.recipe.patch
        given = patch // spec.enlarged_by_net + 2 * spec.border
        damaged = middle(_as_given(clean, spec, seed), given)
        return spec.normalize(damaged), spec.normalize(middle(clean, patch))

    def refuse(self, entry: Entry[Recipe]) -> None:
        """Nothing: it rounds in any precision, and from fresh weights."""

    def method(self, entry: Entry[Recipe], net: "keras.Model", strategy: Any) -> "Method":
        from zoo.training.methods import supervised

        return supervised(entry.recipe, net, strategy, entry.recipe.expand)

    def evaluate(
        self, evaluation: Evaluation[Restorer], infer: Infer | None = None, progress: bool = False
    ) -> dict[str, Any]:
        pipeline, damage = evaluation.pipeline, evaluation.known_damage
        infer = infer or pipeline.undo(damage)
        protocol = restoration.PROTOCOLS[damage.kind].text(damage, pipeline.spec.channels)
        figures = restoration.measured(infer, evaluation.pictures, damage, progress)
        return {"protocol": protocol, "metrics": figures}

    def scores(self, evaluation: Evaluation[Restorer], calls: Sequence[Infer] = ()) -> np.ndarray:
        pipeline, damage = evaluation.pipeline, evaluation.known_damage
        infer = self.in_place(evaluation, calls[0]) if calls else pipeline.undo(damage)
        found = restoration.each(infer, evaluation.pictures, damage, [quality.psnr])
        return found[:, 0]

    def in_place(self, evaluation: Evaluation[Restorer], call: Infer) -> Infer:
        """A file enlarges by the first scale only; by another, the picture comes enlarged."""
        spec, damage = evaluation.pipeline.spec, evaluation.known_damage
        if damage.scale == spec.scales[0]:
            return call
        return lambda values: call(np.asarray(spec.normalize(values, damage.scale)))

    def held_out(self, pipeline: Restorer, pictures: Pictures) -> dict[str, float]:
        """The mean over all damages that it undoes, each at its middle strength; of pairs, that
        over these."""
        if pictures.given is not None:
            return restoration.measured(pipeline.undo(PAIRED), pictures, PAIRED)
        rows = []
        for damage in (one.middle for one in each_alone(pipeline.spec.degradations)):
            rows.append(restoration.measured(pipeline.undo(damage), pictures, damage))
        return {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}

    def caption(self, spec: Spec, real: bool = True) -> str:
        return "Input, classical method, this net, original, and the difference; below, parts"

    def preview(self, pipeline: Restorer, real: np.ndarray | None = None) -> Image.Image:
        """One row whole, one row a part of it, four times as large."""
        shown = baselines.compared(pipeline, "astronaut", pipeline.spec.degradations[0].middle)
        result, original = shown[pipeline.entry.name], shown["original"]
        captions = {
            label: f"{label}, {quality.psnr(pixels, original):.2f} dB"
            for label, pixels in shown.items()
            if label != "original"
        }
        error = np.abs(result.astype(int) - original) * _AMPLIFIED
        shown[f"difference x{_AMPLIFIED}"] = error.clip(0, 255).astype(np.uint8)
        return sheet.compared([(captions.get(label, label), p) for label, p in shown.items()])


def around(spec: Spec) -> int:
    """So far around a patch it is damaged with it, then cut off: no border shows."""
    if all(damage.kind != "bicubic" for damage in spec.degradations):
        return 0
    return CUBIC_REACH * spec.enlarged_by_net if spec.upsamples else _BORDER


def _refuse_indivisible(entry: Entry[Recipe]) -> None:
    scale, patch = entry.spec.enlarged_by_net, entry.recipe.patch
    if patch % scale:
        raise ZooError(
            f"patches of {patch} pixels came: {entry.name} enlarges {scale} times, and takes "
            f"multiples of {scale}"
        )


def _as_given(clean: Any, spec: Spec, seed: Any) -> Any:
    """Patches as the net is given them: damaged, and small where it enlarges them itself."""
    from zoo.data.degrade import any_of
    from zoo.images.resize import reduce

    if spec.upsamples:
        return reduce(clean, spec.enlarged_by_net)
    return any_of(clean, spec.degradations, seed)


_AMPLIFIED = 4


for _name, _output in (("restore", "restored"), ("upscale", "enlarged")):
    index.register_task(Restore(_name, _output))
