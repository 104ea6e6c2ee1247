"""How likely an autoencoder makes a picture: the terms of its bounds, shared by step and metric."""

import math

import numpy as np
import tensorflow as tf
from tqdm import tqdm

_SCALE = 0.05
"""Of the logistic distribution, with pixels in [0, 1]: near what faces made again are off by."""


def _logistic(image, logits):
    """A logistic distribution about the pixel that was made, in 256 steps, the outer ones open
    (Salimans et al. 2017, https://arxiv.org/abs/1701.05517, equation 2, of one fixed scale).

    What a step holds, S(a) - S(b) of its upper and lower end, is S(a) S(-b) (1 - exp(b - a)).
    """
    step = 1 / 255 / _SCALE
    off = (image - tf.sigmoid(logits)) / _SCALE
    below, above = tf.nn.softplus(-off - step / 2), tf.nn.softplus(off - step / 2)
    inner = below + above - math.log(-math.expm1(-step))
    return tf.where(image <= 0, below, tf.where(image >= 1, above, inner))


PICTURE_LOSSES = {
    "logistic": _logistic,
    "bernoulli": lambda image, logits: tf.nn.sigmoid_cross_entropy_with_logits(image, logits),
    "squares": lambda image, logits: tf.square(tf.sigmoid(logits) - image),
}
"""Name -> a function of pictures in [0, 1] and logits, same shape, that gives nats a pixel."""

_IMAGES, _DRAWS = 10, 500  # so many pictures, and latents of each, at once: memory stays bounded


def terms(net, images, noise, picture_loss, training: bool = False):
    """What the bounds are made of, in nats.

    Args:
        net: with layers `encoder` and `decoder`, as `zoo.models.vae.vae` builds it.
        images: `[b, h, w, c]` in [0, 1].
        noise: normal, `[b, k, n]`: k draws of the latents.
        picture_loss: a function of pictures and logits that gives nats a pixel.
        training: whether the net is trained.

    Returns:
        -log p(x|z) `[b, k]`; log p(z) - log q(z|x) `[b, k]`; KL(q(z|x) || p(z)) exactly, `[b]`.
    """
    mean, logvar = net.get_layer("encoder")(images, training=training)
    latents = mean[:, None] + tf.exp(logvar / 2)[:, None] * noise
    logits = net.get_layer("decoder")(tf.reshape(latents, [-1, noise.shape[2]]), training=training)
    repeated = tf.repeat(images, noise.shape[1], axis=0)
    lost = tf.reduce_sum(picture_loss(repeated, logits), axis=[1, 2, 3])
    squares = tf.square(noise) - tf.square(latents) + logvar[:, None]
    kl = tf.reduce_sum(tf.exp(logvar) + tf.square(mean) - 1 - logvar, axis=1) / 2
    return tf.reshape(lost, [-1, noise.shape[1]]), tf.reduce_sum(squares, axis=2) / 2, kl


def log_mean(log_weights):
    """Logarithm of the mean weight over the last axis."""
    return tf.reduce_logsumexp(log_weights, axis=-1) - math.log(log_weights.shape[-1])


def measured(net, images: np.ndarray, loss: str, draws: int, seed: int, progress=False) -> dict:
    """How likely a net makes pictures, in nats a picture.

    Args:
        net: as in `terms`.
        images: float32 `[b, h, w, c]` in [0, 1].
        loss: a key of `PICTURE_LOSSES`.
        draws: importance samples a picture; a multiple of 500, or less.
        seed: of the draws.
        progress: show a bar.

    Returns:
        `nll`, the negative importance-weighted bound (Burda et al. 2016, equation 8); `elbo`, the
        evidence lower bound; `active_units`, how many latents' means vary over the pictures by more
        than 0.01 (the same, section 5.2).
    """
    each = min(draws, _DRAWS)
    latent = net.get_layer("decoder").input_shape[-1]

    @tf.function(autograph=False)
    def log_weights(pictures, number, part):
        shape = [tf.shape(pictures)[0], each, latent]
        chosen = tf.random.fold_in(tf.random.fold_in(tf.constant([seed, 0]), number), part)
        noise = tf.random.stateless_normal(shape, chosen)
        lost, ratio, kl = terms(net, pictures, noise, PICTURE_LOSSES[loss])
        return log_mean(ratio - lost), -tf.reduce_mean(lost, axis=1) - kl

    groups = [images[i : i + _IMAGES] for i in range(0, len(images), _IMAGES)]
    rows = []
    for number, group in enumerate(tqdm(groups, "likelihood", disable=not progress)):
        at = tf.constant(number)
        parts = [log_weights(group, at, tf.constant(p)) for p in range(draws // each)]
        rows.append([log_mean(tf.stack([p[0] for p in parts], axis=1)), parts[0][1]])
    nll, elbo = (-float(np.mean(np.concatenate(column))) for column in zip(*rows, strict=True))
    return {"nll": nll, "elbo": -elbo, "active_units": active_units(net, images)}


def bits_per_dimension(net, images: np.ndarray, draws: int, seed: int, progress=False) -> float:
    """Of pictures under a logistic distribution about each pixel; see `measured`."""
    nats = measured(net, images, "logistic", draws, seed, progress)["nll"]
    return nats / math.prod(images.shape[1:]) / math.log(2)


def active_units(net, images: np.ndarray) -> int:
    """How many latents' means vary over pictures `[b, h, w, c]` by more than 0.01."""
    means = net.get_layer("encoder").predict(images, batch_size=500, verbose=0)[0]
    return int(np.sum(np.var(means, axis=0) > 0.01))
