"""Autoencoding: pictures to the numbers that they could be made from, and back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from zoo import index, schema
from zoo.data import sources
from zoo.images.pixels import to_uint8
from zoo.images.sheet import grid
from zoo.metrics import quality
from zoo.schema import Entry
from zoo.spec import Spec
from zoo.tasks import functions
from zoo.tasks.autoencoder import Autoencoder
from zoo.tasks.evaluate import Evaluation
from zoo.tasks.functions import DECODER, ENCODER, IMAGE, Function, Infer, Signature
from zoo.tasks.generate import SEED, Generate

if TYPE_CHECKING:
    import keras

    from zoo.training.log import Log
    from zoo.training.methods import Method

_DRAWS, _FEWER_DRAWS, _FEWEST_DRAWS = 5_000, 500, 50
"""Importance samples a picture, for the record: where others published figures, elsewhere, and of
pictures in colour, of which each takes twenty times as long."""


@dataclass(frozen=True, kw_only=True)
class Recipe(schema.Recipe):
    """How an autoencoder is trained.

    Attributes:
        loss: a key of `zoo.metrics.likelihood.PICTURE_LOSSES`.
        beta_steps: over so many steps the weight of the KL divergence rises to 1; 0 for its full
            weight from the start.
        standardise: at the end latents get mean 0 and variance 1 over the held-out pictures, see
            `zoo.training.latents`.
    """

    loss: str = "bernoulli"
    beta_steps: int = 0
    standardise: bool = False


class Autoencode(Generate[Autoencoder]):
    """Pictures made again from a few numbers, and new ones from random numbers."""

    name, headline = "autoencode", "psnr"
    losses = ("bernoulli", "squares", "logistic")
    recipe, pipeline = Recipe, Autoencoder

    def signatures(self, spec: Spec) -> list[Signature]:
        given = [one.name for one in spec.outputs] or ["mean", "logvar"]
        encoder = functions.of_pictures(spec, *given, name=ENCODER)
        return [encoder, functions.of_latents(spec, DECODER)]

    def functions(self, pipeline: Autoencoder) -> list[Function]:
        import tensorflow as tf

        spec = pipeline.spec

        def encode(net: Any, image: Any) -> dict[str, Any]:
            made = tf.nest.flatten(net(spec.normalize(image), training=False))
            return dict(zip(encoder.outputs, made, strict=True))

        def decode(net: Any, latent: Any) -> dict[str, Any]:
            made = net(latent, training=False)
            return {IMAGE: made if spec.head == "sigmoid" else tf.sigmoid(made)}

        encoder, decoder = self.signatures(spec)
        return [
            encoder.of(pipeline.encoder, encode, pipeline.parameters),
            decoder.of(pipeline.decoder, decode, pipeline.decode),
        ]

    def batches(self, entry: Entry[Recipe], pictures: sources.Pictures) -> Callable[[Any], tuple]:
        """Pictures, normal noise `[b, 1, n]` and the weight of the KL divergence `[b]`."""
        import tensorflow as tf

        from zoo.data.batches import binarised, epochs, seeds_of

        spec, recipe = entry.spec, entry.recipe
        take = epochs(entry, pictures)

        def batch(step: Any) -> tuple:
            pixels, _ = take(step)
            seeds = seeds_of(recipe, step)
            pixels = binarised(pixels, seeds[1]) if spec.binary else pixels
            noise = tf.random.stateless_normal([recipe.batch, 1, spec.latent], seeds[3])
            risen = tf.minimum(1.0, tf.cast(step + 1, tf.float32) / max(recipe.beta_steps, 1))
            return pixels, noise, tf.fill([recipe.batch], risen)

        return batch

    def method(self, entry: Entry[Recipe], net: "keras.Model", strategy: Any) -> "Method":
        """A bound on the likelihood of pictures upwards."""
        from zoo.training import steps
        from zoo.training.methods import Method, Player

        player = Player(net, entry.recipe)
        step = steps.vae(player.twin, player.optimizer, entry.recipe.loss, strategy)
        return Method(step, player)

    def finish(
        self, pipeline: Autoencoder, held_out: sources.Pictures, run: Path
    ) -> dict[str, Any]:
        if pipeline.entry.recipe.standardise and len(held_out):
            from zoo.training.latents import standardise

            standardise(pipeline.net, pictures_of(pipeline, held_out))
        return {}

    def watch(self, pipeline: Autoencoder, run: Path, log: "Log", progress: float) -> None:
        from zoo.training import watch

        watch.look(pipeline, run, log, progress)

    def counted(self, evaluation: Evaluation[Autoencoder], compared: int) -> int:
        return len(evaluation.pictures)

    def protocol(self, entry: Entry, data: str, count: int) -> str:
        drawn = f"pixels drawn from their grey, seed {SEED}; {_draws(entry):,} importance samples; "
        levels = f"bits: 256 levels, logistic, {_FEWEST_DRAWS} importance samples; "
        told = drawn * entry.spec.binary + levels * (entry.recipe.loss == "logistic")
        return told + super().protocol(entry, data, count)

    def likelihood(
        self,
        pipeline: Autoencoder,
        pictures: sources.Pictures,
        draws: int | None = None,
        progress: bool = False,
    ) -> dict[str, float]:
        """`active_units`; `nll` and `elbo` of binary pictures, `psnr` of others, and `bits_per_dim`
        where the loss is the likelihood of their 256 levels."""
        from zoo.metrics import likelihood

        entry, values = pipeline.entry, pictures_of(pipeline, pictures)
        if entry.spec.binary:
            draws = draws or _draws(entry)
            return likelihood.measured(
                pipeline.net, values, entry.recipe.loss, draws, SEED, progress
            )
        psnr = float(np.mean(quality.reconstructions(pipeline.infer, values)))
        units = likelihood.active_units(pipeline.net, values)
        figures: dict[str, float] = {"psnr": psnr, "active_units": units}
        if entry.recipe.loss == "logistic":
            draws = draws or _FEWEST_DRAWS
            bits = likelihood.bits_per_dimension(pipeline.net, values, draws, SEED, progress)
            figures["bits_per_dim"] = bits
        return figures

    def scores(
        self, evaluation: Evaluation[Autoencoder], calls: Sequence[Infer] = ()
    ) -> np.ndarray:
        """Of pictures that encoder and decoder make again: both files count."""
        pipeline = evaluation.pipeline
        values = pictures_of(pipeline, evaluation.pictures)
        if not calls:
            return quality.reconstructions(pipeline.infer, values)
        encode, decode = calls
        latent = pipeline.spec.latent
        return quality.reconstructions(lambda x: decode(encode(x)[:, :latent]), values)

    def caption(self, spec: Spec, real: bool = True) -> str:
        if spec.latent == 2:
            return "Pictures over the plane of its two latents"
        return (
            "New pictures, none chosen; real ones, and below them what it makes of these; what "
            "changes with each of four latents"
        )

    def beside(self, entry: Entry) -> np.ndarray:
        """Of the test set."""
        images = sources.load(entry.benchmarks[0].data, entry.spec.channels, split="test").images
        apart = max(1, len(images) // 15)  # some sets are sorted by class
        return np.stack(images[::apart][:15])

    def preview(self, pipeline: Autoencoder, real: np.ndarray | None = None) -> Image.Image:
        """New pictures; real ones, and below them what is made of these; traversals.

        Two latents are laid out as a plane, in equal steps of probability; of more, the four that
        vary most each go from -3 to 3 in a row.
        """
        if pipeline.spec.latent == 2:
            return grid(_plane(pipeline, 20))
        real = self.beside(pipeline.entry) if real is None else real
        blank = np.full_like(real, 255)
        rows = [pipeline.sample(60, seed=0), blank, real, pipeline(real), blank]
        return grid(np.concatenate([*rows, *_traversals(pipeline, real)]), columns=15)


def pictures_of(pipeline: Autoencoder, pictures: sources.Pictures) -> np.ndarray:
    """A set as it is measured: pixels in [0, 1], `[n, h, w, c]`; sampled, where they are binary."""
    from zoo.data.batches import binarised

    values = pictures.values()
    return binarised(values, (SEED, 0)).numpy() if pipeline.spec.binary else values


def _draws(entry: Entry) -> int:
    return _DRAWS if any(b.published for b in entry.benchmarks) else _FEWER_DRAWS


def _plane(pipeline: Autoencoder, side: int) -> np.ndarray:
    steps = [NormalDist().inv_cdf((i + 0.5) / side) for i in range(side)]
    points = [(x, y) for y in reversed(steps) for x in steps]
    return to_uint8(pipeline.decode(np.array(points)))


def _traversals(pipeline: Autoencoder, real: np.ndarray) -> list[np.ndarray]:
    means, logvars = pipeline.encode(real)
    varied = np.argsort(logvars.mean(0))[:4]
    codes = np.repeat(means[:1], 15, axis=0)[None].repeat(4, 0)
    for row, which in enumerate(varied):
        codes[row, :, which] = np.linspace(-3, 3, 15)
    return [to_uint8(pipeline.decode(row)) for row in codes]


index.register_task(Autoencode())
