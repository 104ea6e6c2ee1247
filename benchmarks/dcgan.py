"""The zoo's DCGANs beside those of tutorials.

    python benchmarks/dcgan.py dcgan_mnist [--seconds 900]
    python benchmarks/dcgan.py dcgan_celeba --trained FOLDER

The first trains the peer as long as the name was, on this machine; the second takes the one that
`on_jax.py train NAME --peer --to FOLDER` trained. The peers are those of `peers.py`. All are
measured by `zoo.tasks.generate.Generate.held_out` on the test split, of faces on all: half of these
beside as many that are made. `benchmarks/results/NAME.json` is written.
"""

import dataclasses
import os
import time
from pathlib import Path

import click
import keras
import tensorflow as tf
from machine import facts
from peers import PEERS, Peer

import zoo
from zoo import index, loading
from zoo.data import batches, sources
from zoo.storage import files, weights

RESULTS = Path(__file__).parent / "results"


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
@click.option("--trained", "folder", type=click.Path(path_type=Path), help="Where the peer is.")
def main(name, seconds, folder):
    published = weights.published(zoo.entry(name))["seconds"]
    if folder:
        net, said = _peer(name).generator(), files.read_json(folder / f"{name}.json")
        net.load_weights(folder / f"{name}.weights.h5")
        steps, seconds = said["steps"], said["seconds"]
        machine = {key: said[key] for key in ("host", "versions")}
    else:
        seconds = seconds or published
        net, steps = trained(name, seconds)
        machine = facts(len(os.sched_getaffinity(0)))
    outcome = {
        "name": name,
        "seconds": seconds,
        "zoo_seconds": published,
        "machine": machine,
        "peer": {"steps": steps, "weights": net.count_params()} | measured(name, net),
        "zoo": index.task("generate").held_out(zoo.load(name), compared(name)),
    }
    files.write_json(RESULTS / f"{name}.json", outcome)
    click.echo(f"{outcome['peer']}\n{outcome['zoo']}")


def _peer(name: str) -> Peer:
    return PEERS[zoo.entry(name).spec.shape]


def _without_classes(name: str):
    """An entry as a peer fills it, and that."""
    entry, peer = zoo.entry(name), _peer(name)
    spec = dataclasses.replace(entry.spec, labels=(), latent=peer.latent)
    return dataclasses.replace(entry, spec=spec), peer


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
