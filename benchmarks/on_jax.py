"""The recipes of the index on an accelerator that has JAX and no TensorFlow.

    KERAS_BACKEND=jax python benchmarks/on_jax.py train NAME --to FOLDER [--from FILE] [--seconds S]
    python benchmarks/on_jax.py finish NAME --of FOLDER --run RUN

The first trains one cycle of a name's recipe: the same net, pictures, damage, loss, optimizer and
learning rates, with other random numbers, and pictures drawn anew for each batch. It leaves
`NAME.weights.h5` and `NAME.json` in the folder. With `--seconds` it takes as many steps as fit
into them, and says how many: these then belong into the recipe. The second makes a run directory of
that on a machine with TensorFlow, as `zoo train` leaves it; cycles before lie in `RUN/cycles`.

It knows noise, bicubic and JPEG, nets that restore without enlarging and are told nothing,
generators without classes, and autoencoders of logistic pixels; what else a recipe has, it refuses.
`--cycle` names another cycle than the last, `--peer` trains a tutorial's net in the name's place.
"""

import dataclasses
import importlib.metadata
import math
import platform
import shlex
import sys
import time
from pathlib import Path

import click
import keras
import numpy as np
from peers import PEERS

from zoo import index
from zoo.storage import files, weights

CHUNK, ROUND, ROWS = 100, 500, 10
"""Steps that the accelerator takes by itself; what steps are rounded to that fill a time; rows that
the curve has."""


def trained(entry, start=None, seconds=None, steady=False):
    """Trains a recipe; of several cycles, the last.

    Args:
        entry: whose recipe says how.
        start: a file of weights to start from, or None.
        seconds: so long; None: the recipe's steps.
        steady: the learning rate stays at its peak.

    Returns:
        The net, and what is to be known: `steps`, `seconds`, `curve`, `host`, `versions`.
    """
    import jax_pictures
    import jax_steps

    recipe = entry.recipe
    keras.utils.set_random_seed(recipe.seed)
    players, batch, step = jax_steps.KINDS[entry.spec.task](entry)
    if start is not None:
        players[0].start_from(lambda net: weights.load_into(net, entry, start))
    pictures = jax_pictures.Bank(jax_pictures.pictures_of(entry)).arrays
    states, size = [player.begin() for player in players], math.gcd(CHUNK, recipe.steps)
    take = chunks(entry, players, batch, step, size)

    def at(total, number):
        rates = [recipe.learning_rate if steady else rate_at(recipe, n, total) for n in number]
        return number, np.array(rates, np.float32)

    first = np.arange(size)
    take(states, pictures, *at(size, first))  # compiles
    began = time.monotonic()
    take(states, pictures, *at(size, first))
    speed = size / (time.monotonic() - began)
    steps = max(1, int(seconds * speed) // ROUND) * ROUND if seconds else recipe.steps
    began, curve = time.monotonic(), []
    for done in range(0, steps, size):
        states, figures = take(states, pictures, *at(steps, done + first))
        if (done + size) % max(size, steps // ROWS // size * size) == 0 or done + size == steps:
            row = {"step": done + size} | {key: float(value) for key, value in figures.items()}
            curve.append(row | {"seconds": time.monotonic() - began})
            click.echo(f"{entry.name}: {curve[-1]}")
            if not all(map(math.isfinite, row.values())):
                raise click.ClickException("it diverged: lower the recipe's learning rate")
    players[0].deliver(states[0])
    said = {"steps": steps, "seconds": round(time.monotonic() - began), "curve": curve}
    return players[0].net, said | machine()


def cycle_of(name: str, cycle: int | None):
    """An entry with one cycle of its recipe, by default the last, and which that is."""
    entry = index.entry(name)
    chain = entry.recipe.chain()
    number = len(chain) if cycle is None else cycle
    if not 1 <= number <= len(chain):
        raise click.ClickException(f"--cycle: expected 1 to {len(chain)}, got {cycle}")
    return dataclasses.replace(entry, recipe=chain[number - 1]), number


def refuse(entry, number: int, start) -> None:
    """Raises ClickException where this program would train something else than the recipe."""
    recipe, spec = entry.recipe, entry.spec
    losses = {"generate": ("relativistic", "non_saturating"), "autoencode": ("logistic",)}
    other = {
        "rounds as an int8 file": recipe.quantization_aware,
        "has patience": recipe.patience,
        f"has the loss {recipe.loss}": recipe.loss not in losses.get(spec.task, ("mse",)),
        "has a steady critic": getattr(recipe, "steady_critic", False),
        "is expanded": getattr(recipe, "expand", 0),
        "goes by plain gradients": recipe.optimizer == "sgd",
        "has classes": spec.labels,
        "starts from another name": recipe.start,
        "enlarges, has a border or is told the noise level": spec.restores
        and (spec.upsamples or spec.border or spec.noise_level),
        "undoes a camera's noise": any(one.kind == "camera" for one in spec.degradations),
    }
    if said := [what for what, so in other.items() if so]:
        raise click.ClickException(f"{entry.name}: what {', '.join(said)} is trained by zoo train")
    if number > 1 and start is None:
        raise click.ClickException(f"{entry.name} goes on from weights: name them, --from FILE")


def chunks(entry, players, batch, step, size):
    """A compiled function of states, pictures, the numbers of so many steps and their rates."""
    import jax

    key = jax.random.key(entry.recipe.seed)

    @jax.jit
    def chunk(states, pictures, numbers, rates):
        def one(states, now):
            number, rate = now
            given = batch(pictures, jax.random.fold_in(key, number), number)
            return step(players, states, given, rate)

        states, figures = jax.lax.scan(one, states, (numbers, rates), length=size)
        return states, {name: values.mean() for name, values in figures.items()}

    return lambda *given: jax.block_until_ready(chunk(*given))


def rate_at(recipe, step: int, total: int) -> float:
    """As `zoo.training.optimizers.make_optimizer` has it."""
    if step < recipe.warmup:
        return recipe.learning_rate * step / recipe.warmup
    share = (step - recipe.warmup) / max(1, total - recipe.warmup)
    return recipe.learning_rate * (1 + math.cos(math.pi * share)) / 2


def peer_of(entry):
    """An entry of the tutorials' nets, trained as they say, on the pictures of a name."""
    peer = PEERS[entry.spec.shape]
    recipe = dataclasses.replace(
        entry.recipe,
        batch=peer.batch,
        optimizer="adam_half" if peer.first_decay == 0.5 else "adam",
        augment=(),
        learning_rate=peer.rate,
        warmup=0,
        loss="non_saturating",
        penalty=0.0,
        ema=None,
        precision="float32",
    )
    spec = dataclasses.replace(entry.spec, latent=peer.latent, labels=())
    nets = {"build": peer.generator, "critic": peer.discriminator}
    return dataclasses.replace(entry, **nets, spec=spec, recipe=recipe)


def machine() -> dict:
    """As `run.json` names it."""
    import jax

    packages = ("jax", "keras", "numpy", "pillow")
    versions = {name: importlib.metadata.version(name) for name in packages}
    versions = {"python": platform.python_version()} | versions
    return {"host": jax.devices()[0].device_kind, "versions": versions}


@click.group(help=__doc__.partition("\n")[0])
def main():
    pass


@main.command()
@click.argument("name")
@click.option("--to", type=click.Path(path_type=Path), required=True, help="A folder.")
@click.option("--from", "start", type=click.Path(path_type=Path), help="Weights to start from.")
@click.option("--cycle", type=int, help="Of the recipe, from 1 on [default: the last].")
@click.option("--seconds", type=float, help="So long [default: the recipe's steps].")
@click.option("--peer", is_flag=True, help="Train the tutorials' DCGAN in its place.")
def train(name, to, start, cycle, seconds, peer):
    """Trains a cycle of a name's recipe."""
    entry, number = cycle_of(name, cycle)
    if peer:
        entry = peer_of(entry)
    else:
        refuse(entry, number, start)
    net, said = trained(entry, start, seconds, steady=peer)
    to.mkdir(parents=True, exist_ok=True)
    net.save_weights(to / f"{name}.weights.h5")
    said["command"] = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    if start is not None:
        said["start"] = files.sha256(start.read_bytes())
    files.write_json(to / f"{name}.json", said)


@main.command()
@click.argument("name")
@click.option("--of", type=click.Path(path_type=Path), required=True, help="The folder.")
@click.option("--run", type=click.Path(path_type=Path), required=True, help="To be made.")
@click.option("--cycle", type=int, help="Which it is [default: the last].")
def finish(name, of, run, cycle):
    """Makes a run directory of what was trained; those of the cycles before are there."""
    from zoo.training.adopt import adopt

    said, (entry, number) = files.read_json(of / f"{name}.json"), cycle_of(name, cycle)
    if said["steps"] != (expected := entry.recipe.steps):
        raise click.ClickException(f"expected {expected} steps by the recipe, got {said['steps']}")
    figures = said["curve"][-1] | {"seconds": float(said["seconds"])}
    del figures["step"]
    facts = {key: said[key] for key in ("command", "host", "versions")}
    adopt(name, of / f"{name}.weights.h5", run, figures, facts, number, said.get("start"))


if __name__ == "__main__":
    main()
