"""Denoising: restoration by nets some of which are told how strong the noise is."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo import index
from zoo.data.degradation import SIGMAS
from zoo.errors import ZooError
from zoo.images.resize import to_multiple
from zoo.schema import Entry
from zoo.spec import Input, Spec
from zoo.tasks.denoiser import SIGMA, Denoised, Denoiser
from zoo.tasks.evaluate import Evaluation
from zoo.tasks.functions import IMAGE, Function, Infer, Signature
from zoo.tasks.restore import Recipe as Recipe
from zoo.tasks.restore import Restore


class Denoise(Restore):
    """Takes noise away."""

    pipeline = Denoiser
    options = ("scale", "ensemble", "sigma", "strength")

    def signatures(self, spec: Spec) -> list[Signature]:
        (found,) = super().signatures(spec)
        if not spec.noise_level:
            return [found]
        level = Input(SIGMA, (None, *spec.shape[:2], 1))
        return [Signature(found.name, (*found.inputs, level), found.outputs)]

    def described(self, spec: Spec) -> str:
        said = super().described(spec)
        if not spec.noise_level:
            return said
        return f"{said}; `{SIGMA}` is a map of the picture's size, in grey levels of 0..255"

    def functions(self, pipeline: Denoiser) -> list[Function]:  # type: ignore[override]
        spec = pipeline.spec
        if not spec.noise_level:
            return super().functions(pipeline)
        import tensorflow as tf

        def wrapper(net: Any, given: Any) -> dict[str, Any]:
            told = [spec.normalize(given[IMAGE]), spec.level(given[SIGMA])]
            restored = spec.denormalize(net(told, training=False))
            return {self.output: tf.clip_by_value(restored, 0.0, 1.0)}

        def infer(values: Mapping[str, np.ndarray]) -> np.ndarray:
            return pipeline.infer(values[IMAGE], sigma=values[SIGMA])

        (signature,) = self.signatures(spec)
        return [signature.of(pipeline.net, wrapper, infer)]

    def companions(
        self,
        pipeline: Any,
        signature: Signature,
        given: Mapping[str, np.ndarray],
        count: int,
        seed: int,
    ) -> dict[str, np.ndarray]:
        """Maps that rise or fall from corner to corner, between levels in the net's range."""
        (noisy,) = pipeline.spec.degradations
        rng = np.random.default_rng(seed)
        down, across = (np.linspace(0, 1, side) for side in given[IMAGE].shape[1:3])
        share = ((down[:, None] + across) / 2)[None, :, :, None]
        first, last = rng.uniform(noisy.low, noisy.high, (2, count, 1, 1, 1))
        return {SIGMA: (first + (last - first) * share).astype(np.float32)}

    def refuse_damage(self, name: str, spec: Spec) -> None:
        """Of a net that is told the noise level: all that is not noise of one kind."""
        super().refuse_damage(name, spec)
        kinds = [one.kind for one in spec.degradations]
        if spec.noise_level and (len(kinds) != 1 or kinds[0] not in SIGMAS):
            raise ZooError(
                f"degrade: {name} is told the noise level: expected one of {' or '.join(SIGMAS)}, "
                f"as noise:0-50, got {', '.join(map(str, spec.degradations))}"
            )

    def example(self, clean: Any, entry: Entry[Recipe], seed: Any) -> tuple:
        """Of a net that is told the noise level: noisy patches, the level, and clean ones."""
        spec = entry.spec
        if not spec.noise_level:
            return super().example(clean, entry, seed)
        import tensorflow as tf

        from zoo.data import degrade

        (noisy,), seeds = spec.degradations, tf.random.split(seed, 2)
        shape = [tf.shape(clean)[0], 1, 1, 1]
        sigma = tf.random.stateless_uniform(shape, seeds[0], noisy.low, noisy.high)
        level = spec.level(sigma) * tf.ones_like(clean[..., :1])
        damaged = degrade.SIGMAS[noisy.kind](clean, sigma, seeds[1])
        return spec.normalize(damaged), level, spec.normalize(clean)

    def of_pair(self, taken: Any, clean: Any, entry: Entry[Recipe]) -> tuple:
        """Of a net that is told the noise level: what a pair differs by, as far as the net goes."""
        given, wanted = super().of_pair(taken, clean, entry)
        spec = entry.spec
        if not spec.noise_level:
            return given, wanted
        import tensorflow as tf

        (noisy,) = spec.degradations
        power = tf.reduce_mean((taken - clean) ** 2, [1, 2, 3], keepdims=True)
        sigma = tf.clip_by_value(255 * tf.sqrt(power), noisy.low, noisy.high)
        return given, spec.level(sigma) * tf.ones_like(clean[..., :1]), wanted

    def in_place(self, evaluation: Evaluation[Any], call: Infer) -> Infer:
        """A file that is told the noise level is told what was added, or the estimate."""
        pipeline, spec = evaluation.pipeline, evaluation.pipeline.spec
        if not spec.noise_level:
            return super().in_place(evaluation, call)
        known = pipeline.knows(evaluation.known_damage)

        def told(values: np.ndarray) -> np.ndarray:
            height, width = values.shape[1:3]
            image = to_multiple(values, spec.multiple)
            level = pipeline.level(values, **known)
            laid_out = np.broadcast_to(level, (*image.shape[:3], 1))
            made = call({IMAGE: image, SIGMA: laid_out})[:, :height, :width]
            return pipeline.but_clean(values, level, made)

        return told

    def picture_of(self, pipeline: Any, picture: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
        found: Denoised = pipeline.denoise(picture, **options)
        return found.picture, {} if found.sigma is None else {SIGMA: found.sigma}


index.register_task(Denoise("denoise", "restored"))
