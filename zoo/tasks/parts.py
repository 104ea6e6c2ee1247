"""The functions of a pipeline: what goes in and out by name, in pixels, preprocessing inside."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from zoo.index import OUTPUTS, Spec

IMAGE, LATENT = "image", "latent"
ENCODER, DECODER = "encoder", "decoder"


@dataclass(frozen=True)
class Ends:
    """What one function of a pipeline takes and gives, whatever computes it.

    Attributes:
        name: "", or "encoder" and "decoder" where a net has two.
        input: the name of what it takes.
        shape: of that, `[b, ...]`, `None` where free.
        outputs: the names of what it gives.
    """

    name: str
    input: str
    shape: tuple[int | None, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Part(Ends):
    """One function of a pipeline, which an export makes files of.

    Attributes:
        net: what it runs.
        around: the net and a tensor to the outputs by their names, with all that is done before
            and after the net.
        infer: an array to the outputs, side by side on the last axis; what it is judged by.
    """

    net: object
    around: Callable
    infer: Callable[[np.ndarray], np.ndarray]

    def serve(self, values):
        """A tensor to the outputs by their names; what is exported, and run in Keras."""
        return self.around(self.net, values)


def ends(spec: Spec) -> list[Ends]:
    """What the functions of a pipeline take and give.

    Pixels are in [0, 1]: `image` `[b, h, w, c]` gives `probs` `[b, classes]` (classify) or a
    picture, `restored`, or `enlarged` by the spec's first scale, which is inside. `latent` `[b, n]`
    gives `image` (generate). An autoencoder has both: `image` gives `mean` and `logvar` `[b, n]`,
    and `latent` gives `image`.
    """
    pictures, latents = (None, *spec.shape), (None, spec.code)
    if spec.task == "generate":
        return [Ends("", LATENT, latents, (IMAGE,))]
    if spec.task == "autoencode":
        return [
            Ends(ENCODER, IMAGE, pictures, ("mean", "logvar")),
            Ends(DECODER, LATENT, latents, (IMAGE,)),
        ]
    return [Ends("", IMAGE, pictures, (OUTPUTS.get(spec.task, "probs"),))]


def parts(pipeline) -> list[Part]:
    """The functions of a pipeline, as `ends` describes them.

    Raises:
        ZooError: the pipeline has no net; see `zoo.tasks.pipeline.Pipeline.net`.
    """
    spec, net = pipeline.spec, pipeline.net
    if spec.task == "classify":
        made = [(net, _classifying(spec), pipeline.infer)]
    elif spec.restores:
        made = [(net, _restoring(spec), pipeline.infer)]
    elif spec.task == "generate":
        made = [(net, _decoding(spec), pipeline.decode)]
    else:
        encoder, decoder = pipeline.encoder, pipeline.decoder
        made = [
            (encoder, _encoding(spec), pipeline.encoded),
            (decoder, _decoding(spec), pipeline.decode),
        ]
    told = (dataclasses.astuple(end) for end in ends(spec))
    return [Part(*end, *one) for end, one in zip(told, made, strict=True)]


def _classifying(spec: Spec):
    return lambda net, image: {"probs": net(spec.encode(image), training=False)}


def _restoring(spec: Spec):
    import tensorflow as tf

    from zoo.images.resize import mirrored

    def around(net, image):
        encoded = mirrored(spec.encode(image, spec.scales[0]), spec.margin)
        restored = spec.decode(net(encoded, training=False))
        return {OUTPUTS[spec.task]: tf.clip_by_value(restored, 0.0, 1.0)}

    return around


def _decoding(spec: Spec):
    """An autoencoder's net gives logits of the pixels; a generator gives them in its range."""
    import tensorflow as tf

    def around(net, latent):
        made = net(latent, training=False)
        if spec.task == "autoencode":
            return {IMAGE: tf.sigmoid(made)}
        return {IMAGE: tf.clip_by_value(spec.decode(made), 0.0, 1.0)}

    return around


def _encoding(spec: Spec):
    def around(net, image):
        mean, logvar = net(spec.encode(image), training=False)
        return {"mean": mean, "logvar": logvar}

    return around
