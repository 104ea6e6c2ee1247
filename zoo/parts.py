"""The functions of a pipeline: what goes in and out by name, in pixels, preprocessing inside."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from zoo.generator import pixels_of
from zoo.index import OUTPUTS, Spec

IMAGE, LATENT = "image", "latent"


@dataclass(frozen=True)
class Part:
    """One function of a pipeline, which an export makes files of.

    Attributes:
        name: "", or "encoder" and "decoder" where a net has two.
        net: what it runs.
        input: the name of what it takes.
        shape: of that, `[b, ...]`, `None` where free.
        outputs: the names of what it gives.
        serve: a tensor to the outputs by their names; what is exported.
        infer: an array to the outputs, side by side on the last axis; what it is judged by.
    """

    name: str
    net: object
    input: str
    shape: tuple[int | None, ...]
    outputs: tuple[str, ...]
    serve: Callable
    infer: Callable[[np.ndarray], np.ndarray]


def parts(pipeline) -> list[Part]:
    """The functions of a pipeline.

    Pixels are in [0, 1]: `image` `[b, h, w, c]` gives `probs` `[b, classes]` (classify) or a
    picture, `restored`, or `enlarged` by the spec's first scale, which is inside. `latent` `[b, n]`
    gives `image` (generate). An autoencoder has both: `image` gives `mean` and `logvar` `[b, n]`,
    and `latent` gives `image`.
    """
    spec, net = pipeline.spec, pipeline.net
    pictures, latents = (None, *spec.shape), (None, spec.code)
    if spec.task == "classify":
        serve = _classifying(net, spec)
        return [Part("", net, IMAGE, pictures, ("probs",), serve, pipeline.infer)]
    if spec.restores:
        output = OUTPUTS[spec.task]
        serve = _restoring(net, spec, output)
        return [Part("", net, IMAGE, pictures, (output,), serve, pipeline.infer)]
    decoder = pipeline.decoder
    serve = _decoding(decoder, spec)
    if spec.task == "generate":
        return [Part("", decoder, LATENT, latents, (IMAGE,), serve, pipeline.decode)]
    encoder = pipeline.encoder
    outputs, encode = ("mean", "logvar"), _encoding(encoder, spec)
    return [
        Part("encoder", encoder, IMAGE, pictures, outputs, encode, pipeline.encoded),
        Part("decoder", decoder, LATENT, latents, (IMAGE,), serve, pipeline.decode),
    ]


def _classifying(net, spec: Spec):
    return lambda image: {"probs": net(spec.encode(image), training=False)}


def _restoring(net, spec: Spec, output: str):
    import tensorflow as tf

    from zoo.resize import mirrored

    def serve(image):
        encoded = mirrored(spec.encode(image, spec.scales[0]), spec.margin)
        return {output: tf.clip_by_value(spec.decode(net(encoded, training=False)), 0.0, 1.0)}

    return serve


def _decoding(net, spec: Spec):
    return lambda latent: {IMAGE: pixels_of(spec, net(latent, training=False))}


def _encoding(net, spec: Spec):
    def serve(image):
        mean, logvar = net(spec.encode(image), training=False)
        return {"mean": mean, "logvar": logvar}

    return serve
