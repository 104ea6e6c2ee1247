"""The zoo's DCGANs beside the TensorFlow tutorial's, trained as long on the same machine.

    python benchmarks/dcgan.py dcgan_mnist [--seconds 900]

The peer is built from the sizes that its page states
(https://www.tensorflow.org/tutorials/generative/dcgan): a generator of 2,330,944 weights and a
discriminator of 212,865, 5x5 kernels, Adam 1e-4, batches of 256, no averaged weights. Both are
measured by `zoo.tasks.generate.Generate.held_out` on the test split;
`benchmarks/results/NAME.json` is written.
"""

import dataclasses
import os
import time
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
BATCH, RATE = 256, 1e-4


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


def trained(name: str, seconds: float):
    """The peer after that many seconds of steps, and how many steps that were."""
    entry = zoo.entry(name)
    recipe = dataclasses.replace(entry.recipe, batch=BATCH)
    pictures = sources.load(recipe.data, 1).subset(slice(-entry.recipe.holdout))
    keras.utils.set_random_seed(recipe.seed)
    net, critic = generator(), discriminator()
    step = _step(net, critic)
    data = batches.dataset(dataclasses.replace(entry, recipe=recipe), pictures, 0, 10**6)
    started = None
    for count, (images, _, noise) in enumerate(data, 1):
        step(images, noise)
        started = started or time.monotonic()  # the first step is that of the tracing
        if time.monotonic() - started > seconds:
            return net, count


def measured(name: str, net) -> dict:
    """Likeness of its pictures to the test split, by the protocol of the zoo's own names."""
    entry = zoo.entry(name)
    spec = dataclasses.replace(entry.spec, labels=())
    pipeline = loading.pipeline(dataclasses.replace(entry, spec=spec), net)
    pictures = sources.load(entry.benchmarks[0].data, 1, split="test")
    return index.task("generate").held_out(pipeline, pictures)


@click.command()
@click.argument("name")
@click.option("--seconds", type=float, help="How long [default: as the name was trained].")
def main(name, seconds):
    ours = weights.published(zoo.entry(name))
    seconds = seconds or ours["seconds"]
    net, steps = trained(name, seconds)
    pictures = sources.load(zoo.entry(name).benchmarks[0].data, 1, split="test")
    outcome = {
        "name": name,
        "seconds": seconds,
        "machine": facts(len(os.sched_getaffinity(0))),
        "peer": {"steps": steps, "weights": net.count_params()} | measured(name, net),
        "zoo": index.task("generate").held_out(zoo.load(name), pictures),
    }
    files.write_json(RESULTS / f"{name}.json", outcome)
    click.echo(f"{outcome['peer']}\n{outcome['zoo']}")


def _up(width: int, strides: int, **options):
    options = {"padding": "same", "use_bias": False} | options
    return layers.Conv2DTranspose(width, 5, strides=strides, **options)


def _step(net, critic):
    for_net, for_critic = keras.optimizers.Adam(RATE), keras.optimizers.Adam(RATE)
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
