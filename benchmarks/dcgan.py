"""The zoo's DCGANs beside those of tutorials, trained as long on the same machine.

    python benchmarks/dcgan.py dcgan_mnist [--seconds 900]

The peers are built from the sizes that their pages state. Of 28x28: TensorFlow's
(https://www.tensorflow.org/tutorials/generative/dcgan), a generator of 2,330,944 weights and a
discriminator of 212,865, 5x5 kernels, Adam 1e-4, batches of 256. Of faces: PyTorch's
(https://docs.pytorch.org/tutorials/beginner/dcgan_faces_tutorial.html), which is Radford's at
64x64, 3,576,704 and 2,765,568 weights, 4x4 kernels, Adam 2e-4 with a first decay of .5, batches of
128. Neither averages weights. All are measured by `zoo.tasks.generate.Generate.held_out` on the
test split, of faces on all; `benchmarks/results/NAME.json` is written.
"""

import dataclasses
import os
import time
from collections.abc import Callable
from pathlib import Path

import click
import keras
import tensorflow as tf
from keras import layers
from machine import facts

import zoo
from zoo import index, loading
from zoo.data import batches, sources
from zoo.storage import files, weights

RESULTS = Path(__file__).parent / "results"


@dataclasses.dataclass(frozen=True)
class Peer:
    """What a tutorial trains, and how."""

    generator: Callable[[], keras.Model]
    discriminator: Callable[[], keras.Model]
    latent: int
    batch: int
    rate: float
    first_decay: float = 0.9


def generator():
    """`[b, 100]` to `[b, 28, 28, 1]` in [-1, 1]."""

    def normalised():
        return layers.BatchNormalization(), layers.LeakyReLU()

    return keras.Sequential(
        [
            keras.Input((100,)),
            layers.Dense(7 * 7 * 256, use_bias=False),
            *normalised(),
            layers.Reshape((7, 7, 256)),
            _up(128, strides=1),
            *normalised(),
            _up(64, strides=2),
            *normalised(),
            _up(1, strides=2, activation="tanh"),
        ]
    )


def discriminator():
    """`[b, 28, 28, 1]` to a score `[b, 1]`."""
    net = keras.Sequential([keras.Input((28, 28, 1))])
    for width in (64, 128):
        net.add(layers.Conv2D(width, 5, strides=2, padding="same"))
        net.add(layers.LeakyReLU())
        net.add(layers.Dropout(0.3))
    net.add(layers.Flatten())
    net.add(layers.Dense(1))
    return net


def face_generator():
    """`[b, 100]` to `[b, 64, 64, 3]` in [-1, 1]."""
    net = keras.Sequential([keras.Input((100,)), layers.Reshape((1, 1, 100))])
    net.add(_radford(layers.Conv2DTranspose, 512, strides=1, padding="valid"))
    for width in (256, 128, 64, 3):
        net.add(_normalised())
        net.add(layers.ReLU())
        net.add(_radford(layers.Conv2DTranspose, width))
    net.add(layers.Activation("tanh"))
    return net


def face_discriminator():
    """`[b, 64, 64, 3]` to a score `[b, 1]`."""
    net = keras.Sequential([keras.Input((64, 64, 3))])
    for width in (64, 128, 256, 512):
        net.add(_radford(layers.Conv2D, width))
        if width > 64:
            net.add(_normalised())
        net.add(layers.LeakyReLU(negative_slope=0.2))
    net.add(_radford(layers.Conv2D, 1, strides=1, padding="valid"))
    net.add(layers.Flatten())
    return net


PEERS = {
    (28, 28, 1): Peer(generator, discriminator, 100, 256, 1e-4),
    (64, 64, 3): Peer(face_generator, face_discriminator, 100, 128, 2e-4, 0.5),
}


def trained(name: str, seconds: float):
    """The peer after that many seconds of steps, and how many steps that were."""
    entry, peer = _without_classes(name)
    recipe = dataclasses.replace(entry.recipe, batch=peer.batch)
    pictures = sources.load(recipe.data, entry.spec.channels)
    pictures = pictures.subset(slice(-entry.recipe.holdout))
    keras.utils.set_random_seed(recipe.seed)
    net, critic = peer.generator(), peer.discriminator()
    step = _step(net, critic, peer)
    data = batches.dataset(dataclasses.replace(entry, recipe=recipe), pictures, 0, 10**6)
    started = None
    for count, (images, _, noise) in enumerate(data, 1):
        step(images, noise)
        started = started or time.monotonic()  # the first step is that of the tracing
        if time.monotonic() - started > seconds:
            return net, count


def measured(name: str, net) -> dict:
    """Likeness of its pictures to the test split, by the protocol of the zoo's own names."""
    entry, _ = _without_classes(name)
    return index.task("generate").held_out(loading.pipeline(entry, net), compared(name))


def compared(name: str):
    """The real pictures: half of them are what made ones are compared with."""
    entry = zoo.entry(name)
    split = entry.feature_extractor.split
    return sources.load(entry.benchmarks[0].data, entry.spec.channels, split)


@click.command()
@click.argument("name")
@click.option("--seconds", type=float, help="How long [default: as the name was trained].")
def main(name, seconds):
    ours = weights.published(zoo.entry(name))
    seconds = seconds or ours["seconds"]
    net, steps = trained(name, seconds)
    outcome = {
        "name": name,
        "seconds": seconds,
        "machine": facts(len(os.sched_getaffinity(0))),
        "peer": {"steps": steps, "weights": net.count_params()} | measured(name, net),
        "zoo": index.task("generate").held_out(zoo.load(name), compared(name)),
    }
    files.write_json(RESULTS / f"{name}.json", outcome)
    click.echo(f"{outcome['peer']}\n{outcome['zoo']}")


def _without_classes(name: str):
    """An entry as a peer fills it, and that."""
    entry = zoo.entry(name)
    peer = PEERS[entry.spec.shape]
    spec = dataclasses.replace(entry.spec, labels=(), latent=peer.latent)
    return dataclasses.replace(entry, spec=spec), peer


def _radford(layer, width: int, **options):
    options = {"strides": 2, "padding": "same", "use_bias": False} | options
    return layer(width, 4, kernel_initializer=keras.initializers.RandomNormal(0, 0.02), **options)


def _normalised():
    scale = keras.initializers.RandomNormal(1, 0.02)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, gamma_initializer=scale)


def _up(width: int, strides: int, **options):
    options = {"padding": "same", "use_bias": False} | options
    return layers.Conv2DTranspose(width, 5, strides=strides, **options)


def _step(net, critic, peer: Peer):
    optimizers = (keras.optimizers.Adam(peer.rate, peer.first_decay) for _ in range(2))
    for_net, for_critic = optimizers
    for_net.build(net.trainable_variables)
    for_critic.build(critic.trainable_variables)
    entropy = tf.nn.sigmoid_cross_entropy_with_logits

    @tf.function
    def step(images, noise):
        with tf.GradientTape(persistent=True) as tape:
            made = net(noise, training=True)
            real_score, made_score = critic(images, training=True), critic(made, training=True)
            right, wrong = tf.ones_like(real_score), tf.zeros_like(real_score)
            fooled = tf.reduce_mean(entropy(right, made_score))
            caught = tf.reduce_mean(entropy(right, real_score) + entropy(wrong, made_score))
        for loss, trained, optimizer in ((fooled, net, for_net), (caught, critic, for_critic)):
            gradients = tape.gradient(loss, trained.trainable_variables)
            optimizer.apply_gradients(zip(gradients, trained.trainable_variables, strict=True))

    return step


if __name__ == "__main__":
    main()
