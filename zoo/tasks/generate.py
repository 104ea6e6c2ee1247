"""Generation: random numbers to pictures."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from PIL import Image

from zoo import index, schema
from zoo.data import sources, splits
from zoo.data.sources import Pictures
from zoo.errors import ZooError
from zoo.images.sheet import grid
from zoo.metrics.features import SEED, extractor_of
from zoo.schema import Entry
from zoo.spec import Spec
from zoo.tasks import functions
from zoo.tasks.evaluate import Evaluation
from zoo.tasks.functions import Function, Infer, Signature
from zoo.tasks.generator import Generator
from zoo.tasks.pipeline import Pipeline
from zoo.tasks.task import Task

if TYPE_CHECKING:
    import keras

    from zoo.metrics.features import Features
    from zoo.training.log import Log
    from zoo.training.methods import Method

G = TypeVar("G", bound=Generator)
_COLUMNS = 15  # of the picture on a card


@dataclass(frozen=True, kw_only=True)
class Recipe(schema.Recipe):
    """How a generator is trained.

    Attributes:
        loss: a key of `zoo.training.steps.GAN_LOSSES`.
        penalty: weight of the critic's squared gradient at real and at generated pictures, R1 and
            R2.
        steady_critic: the critic's learning rate stays at its peak: of a critic that comes to rest
            the generator learns only what it happens to look at then.
    """

    loss: str = "non_saturating"
    penalty: float = 0.0
    steady_critic: bool = False


class Generate(Task[G]):
    """New pictures of a kind."""

    name, kind, headline = "generate", "generation", "frechet"
    losses: tuple[str, ...] = (
        "minimax",
        "non_saturating",
        "least_squares",
        "hinge",
        "relativistic",
    )
    recipe: type[schema.Recipe] = Recipe
    pipeline: type[Pipeline] = Generator

    def size_seen(self, spec: Spec) -> tuple[int | None, int | None]:
        return spec.size

    def signatures(self, spec: Spec) -> list[Signature]:
        return [functions.of_latents(spec)]

    def described(self, spec: Spec) -> str:
        one_hot = ", the last a class as one-hot," * bool(spec.labels)
        return (
            super().described(spec).replace("`latent`", f"`latent` of {spec.code} numbers{one_hot}")
        )

    def functions(self, pipeline: G) -> list[Function]:
        import tensorflow as tf

        spec = pipeline.spec

        def wrapper(net: Any, latent: Any) -> dict[str, Any]:
            pixels = spec.denormalize(net(latent, training=False))
            return {functions.IMAGE: tf.clip_by_value(pixels, 0.0, 1.0)}

        (signature,) = self.signatures(spec)
        return [signature.of(pipeline.net, wrapper, pipeline.decode)]

    def batches(self, entry: Entry, pictures: Pictures) -> Callable[[Any], tuple]:
        """Pictures, classes as one-hot `[b, classes]` and normal noise `[b, n]`."""
        import tensorflow as tf

        from zoo.data.batches import epochs, seeds_of

        spec, recipe, classes = entry.spec, entry.recipe, len(entry.spec.labels)
        labels = tf.constant(pictures.labels_among(spec.labels) if classes else [0], tf.int64)
        take = epochs(entry, pictures)

        def batch(step: Any) -> tuple:
            pixels, which = take(step)
            known = tf.one_hot(tf.gather(labels, which if classes else 0 * which), classes)
            shape = [recipe.batch, spec.latent]
            return pixels, known, tf.random.stateless_normal(shape, seeds_of(recipe, step)[3])

        return batch

    def method(self, entry: Entry, net: "keras.Model", strategy: Any) -> "Method":
        """A generator against its critic. Raises ZooError where the entry names none."""
        from zoo.training import steps
        from zoo.training.methods import Method, Player

        if entry.critic is None:
            raise ZooError(f"{entry.name} has no critic to learn from: name one in its entry")
        recipe: Recipe = entry.recipe
        plain = dataclasses.replace(recipe, ema=None)
        critic = Player(entry.critic(), plain, recipe.steady_critic)
        generator = Player(net, recipe)
        optimizers = generator.optimizer, critic.optimizer
        nets = generator.twin, critic.twin
        step = steps.gan(*nets, optimizers, recipe.loss, recipe.penalty, strategy)
        return Method(step, generator, critic)

    def watch(self, pipeline: G, run: Path, log: "Log", progress: float) -> None:
        from zoo.training import watch

        watch.look(pipeline, run, log, progress)
        watch.refuse_collapse(pipeline, run, log, progress)

    def evaluate(
        self, evaluation: Evaluation[G], infer: Infer | None = None, progress: bool = False
    ) -> dict[str, Any]:
        """Fidelity to half of the real pictures; of the net itself also the floor, and novelty
        where the pictures that it was trained on are here."""
        from zoo.metrics import features

        pipeline, entry = evaluation.pipeline, evaluation.pipeline.entry
        real, other = evaluation.once("halves", lambda: self._halves(evaluation))
        generated = features.generated(pipeline, infer or pipeline.decode, len(real))
        figures = generated.fidelity(real)
        data = evaluation.pictures.name
        row = {
            "protocol": self.protocol(entry, data, len(real)),
            "metrics": figures,
            "count": self.counted(evaluation, len(real) + len(other)),
        }
        if infer:
            return row
        own = {benchmark.data for benchmark in entry.benchmarks} if not entry.base else {}
        if data in own and sources.available(entry.recipe.data):
            whole = extractor_of(entry).split == "test"
            unseen = other if whole else features.of(entry, evaluation.pictures)
            training = features.of(entry, _read(entry, entry.recipe.data, "train"))
            figures |= features.novelty(generated, unseen, training)
        figures |= self.likelihood(pipeline, evaluation.pictures, progress=progress)
        return row | {"floor": other.fidelity(real)}

    def counted(self, evaluation: Evaluation[G], compared: int) -> int:
        """How many pictures its headline is of."""
        return compared

    def _halves(self, evaluation: Evaluation[G]) -> "tuple[Features, Features]":
        from zoo.metrics import features

        entry, pictures = evaluation.pipeline.entry, evaluation.pictures
        split = extractor_of(entry).split
        compared = pictures if split == "test" else _read(entry, pictures.name, split)
        return features.halves(entry, compared)

    def held_out(self, pipeline: G, pictures: Pictures) -> dict[str, float]:
        """Without a feature extractor in the entry, and of few pictures, there is no fidelity."""
        from zoo.metrics import features

        figures = self.likelihood(pipeline, pictures, draws=50)
        if not pipeline.entry.feature_extractor or len(pictures) < features.LEAST:
            return figures
        real, _ = features.halves(pipeline.entry, pictures)
        generated = features.generated(pipeline, pipeline.decode, len(real))
        return figures | generated.fidelity(real)

    def protocol(self, entry: Entry, data: str, count: int) -> str:
        """How its figures on a set were made, in words."""
        extractor = extractor_of(entry)
        part = "" if extractor.split == "all" else sources.part_read(data, extractor.split)
        half = f"the {part}" if part.endswith("split") else "all pictures"
        known = extractor.split == "all" and data == entry.recipe.data
        return (
            f"{count:,} made, seed {SEED}, beside half of {half}, in features of {extractor.name}; "
            "floor: the other half" + "; it learnt from most of them" * known
        )

    def likelihood(
        self, pipeline: G, pictures: Pictures, draws: int | None = None, progress: bool = False
    ) -> dict[str, float]:
        """How likely it makes real pictures: of a GAN nobody knows."""
        return {}

    def caption(self, spec: Spec, real: bool = True) -> str:
        if spec.labels:
            return "New pictures, none chosen: a class in each column"
        told = "; new ones, and below each the training picture that is nearest to it" * real
        return f"New pictures, none chosen; ways from one to another{told}"

    def beside(self, entry: Entry) -> np.ndarray | None:
        """Of generators without classes those that it was trained on."""
        if entry.spec.labels:
            return None
        known = _read(entry, entry.recipe.data, "train")
        return np.stack(splits.split(known, entry.recipe.holdout)[0].images)

    def preview(self, pipeline: G, real: np.ndarray | None = None) -> Image.Image:
        """A class in each column, where there are classes; of others also ways from picture to
        picture, and the nearest of the real ones, by pixels, below some."""
        if classes := len(pipeline.spec.labels):
            return grid(pipeline.sample(120, seed=0), columns=classes)
        made, codes = pipeline.sample(105, seed=0), pipeline.codes(6)
        blank = np.full_like(made[:_COLUMNS], 255)
        pairs = zip(codes[::2], codes[1::2], strict=True)
        rows = [made, blank, *(pipeline.interpolate(*pair, _COLUMNS) for pair in pairs)]
        if real is not None:
            rows += [blank, made[:_COLUMNS], _nearest(made[:_COLUMNS], real)]
        return grid(np.concatenate(rows), columns=_COLUMNS)


def _nearest(pictures: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Of each picture the one with the least squared difference."""
    others = among.reshape(len(among), -1).astype(np.float32)
    ours = pictures.reshape(len(pictures), -1).astype(np.float32)
    squares = np.einsum("ij,ij->i", others, others) - 2 * ours @ others.T
    return among[squares.argmin(1)]


def _read(entry: Entry, name: str, split: str) -> Pictures:
    spec = entry.spec
    return sources.load(name, spec.channels, split, spec.background).of_size(spec.size)


index.register_task(Generate[Generator]())
