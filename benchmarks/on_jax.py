"""The recipes of the index on an accelerator that has JAX and no TensorFlow.

    KERAS_BACKEND=jax python benchmarks/on_jax.py train NAME --to FOLDER [--from FILE] [--seconds S]
    python benchmarks/on_jax.py finish NAME --of FOLDER --run RUN

The first trains one cycle of a name's recipe: the same net, pictures, damage, loss, optimizer and
learning rates, with other random numbers, and pictures drawn anew for each batch. It leaves
`NAME.weights.h5` and `NAME.json` in the folder. With `--seconds` it takes as many steps as fit
into them, and says how many: these then belong into the recipe. The second makes a run directory of
that on a machine with TensorFlow, as `zoo train` leaves it; cycles before lie in `RUN/cycles`.

Of the damages there are noise, bicubic and JPEG; of the generators those without classes. What
rounds as an int8 file does is trained by TensorFlow.
"""

import dataclasses
import functools
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
from PIL import Image

import zoo
from zoo import index
from zoo.data import sources, splits
from zoo.data.degradation import each_alone
from zoo.storage import files, weights
from zoo.tasks.restore import _BORDER

CHUNK = 100
"""Steps that the accelerator takes by itself."""


# --- pictures -------------------------------------------------------------------------------------


class Bank:
    """Pictures of any sizes on the accelerator."""

    def __init__(self, images):
        import jax

        sizes = np.array([image.shape[:2] for image in images])
        high, wide = sizes.max(0)
        room = np.zeros((len(sizes), high, wide, images[0].shape[-1]), np.uint8)
        for place, image in zip(room, images, strict=True):
            place[: image.shape[0], : image.shape[1]] = image
        self.arrays = jax.device_put((room, sizes))

    @staticmethod
    def crops(arrays, key, count: int, side: tuple[int, int]):
        """`[count, *side, c]` in [0, 1], at random places."""
        import jax
        from jax import numpy as jnp

        room, sizes = arrays
        keys = jax.random.split(key)
        which = jax.random.randint(keys[0], (count,), 0, len(room))
        free = sizes[which] - jnp.array(side) + 1
        corner = (jax.random.uniform(keys[1], (count, 2)) * free).astype(int)

        def cut(number, place):
            start, shape = (number, *place, 0), (1, *side, room.shape[-1])
            return jax.lax.dynamic_slice(room, start, shape)[0]

        return jax.vmap(cut)(which, corner).astype("float32") / 255


def mirror(pixels, key):
    from jax import numpy as jnp

    return jnp.where(_coin(pixels, key), pixels[:, :, ::-1], pixels)


def dihedral(pixels, key):
    import jax
    from jax import numpy as jnp

    keys = jax.random.split(key, 3)
    pixels = mirror(pixels, keys[0])
    pixels = jnp.where(_coin(pixels, keys[1]), pixels[:, ::-1], pixels)
    return jnp.where(_coin(pixels, keys[2]), pixels.transpose(0, 2, 1, 3), pixels)


def _coin(pixels, key):
    import jax

    return jax.random.bernoulli(key, shape=(len(pixels), 1, 1, 1))


AUGMENTATIONS = {"mirror": mirror, "dihedral": dihedral}
"""As `zoo.data.augment` has them."""


def augmented(pixels, recipe, key):
    import jax

    for number, name in enumerate(recipe.augment):
        pixels = AUGMENTATIONS[name](pixels, jax.random.fold_in(key, number))
    return pixels


# --- damage, as `zoo.data.degrade` does it --------------------------------------------------------


def any_of(images, degradations, key):
    """Each picture gets one of several degradations, at a strength in its range."""
    import jax
    from jax import numpy as jnp

    several = each_alone(degradations)
    keys = jax.random.split(key, len(several) + 1)
    options = [DAMAGES[one.kind](images, one, k) for one, k in zip(several, keys[1:], strict=True)]
    which = jax.random.randint(keys[0], (len(images), 1, 1, 1), 0, len(several))
    return sum(jnp.where(which == n, option, 0.0) for n, option in enumerate(options))


def _noise(images, one, key):
    import jax

    keys = jax.random.split(key)
    sigma = jax.random.uniform(keys[0], (len(images), 1, 1, 1), minval=one.low, maxval=one.high)
    return images + jax.random.normal(keys[1], images.shape) * sigma / 255


def _bicubic(images, one, key):
    import jax

    count, high, wide, channels = images.shape
    small = (count, high // one.scale, wide // one.scale, channels)
    return jax.image.resize(jax.image.resize(images, small, "cubic"), images.shape, "cubic")


def _jpeg(images, one, key):
    import jax

    quality = jax.random.randint(key, (len(images),), one.low, one.high + 1)
    return jpeg(images, quality)


DAMAGES = {"noise": _noise, "bicubic": _bicubic, "jpeg": _jpeg}
_LUMINANCE = """16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56
14 17 22 29 51 87 80 62 18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92
49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99"""  # JPEG standard (ITU T.81), table K.1


def jpeg(images, quality):
    """Grey pictures `[b, h, w, 1]` in [0, 1] as libjpeg leaves them, to a grey level or so.

    Args:
        images: sides are multiples of 8.
        quality: int `[b]`, 1 to 100.
    """
    from jax import numpy as jnp

    count, high, wide, _ = images.shape
    share = jnp.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    table = np.array(_LUMINANCE.split(), int).reshape(8, 8)
    steps = jnp.clip((table * share[:, None, None] + 50) // 100, 1, 255)[:, None, None]
    waves = np.cos(np.pi / 8 * np.outer(np.arange(8), np.arange(8) + 0.5)) / 2
    waves[0] /= math.sqrt(2)
    levels = jnp.round(jnp.clip(images, 0, 1) * 255) - 128
    blocks = levels.reshape(count, high // 8, 8, wide // 8, 8).transpose(0, 1, 3, 2, 4)
    exact = functools.partial(jnp.einsum, precision="highest")
    counts = jnp.round(exact("ky,bijyx,lx->bijkl", waves, blocks, waves) / steps)
    blocks = exact("ky,bijkl,lx->bijyx", waves, counts * steps, waves)
    levels = blocks.transpose(0, 1, 3, 2, 4).reshape(images.shape) + 128
    return jnp.clip(jnp.round(levels), 0, 255) / 255


# --- players and steps, as `zoo.training.steps` has them ------------------------------------------


class Player:
    """A net that learns, and its optimizer. What changes is a dictionary of arrays."""

    def __init__(self, net, recipe, ema: float | None = None):
        from zoo.training.optimizers import OPTIMIZERS

        self.net, self.ema = net, ema
        self.twin = twin(net, recipe.precision)
        decay = {"weight_decay": recipe.weight_decay} if recipe.weight_decay else {}
        self.optimizer = OPTIMIZERS[recipe.optimizer](recipe.learning_rate, **decay)
        self.optimizer.build(self.twin.trainable_variables)
        (self._rate,) = (
            n for n, v in enumerate(self.optimizer.variables) if v.path.endswith("learning_rate")
        )
        self.training = not recipe.frozen_batch_norm

    def begin(self) -> dict:
        weights = _values(self.twin.trainable_variables)
        state = {"weights": weights, "fixed": _values(self.twin.non_trainable_variables)}
        state["optimizer"] = _values(self.optimizer.variables)
        return state | ({"average": weights} if self.ema else {})

    def __call__(self, weights, state, inputs):
        """What the net makes, and its state after that."""
        made, fixed = self.twin.stateless_call(
            weights, state["fixed"], inputs, training=self.training
        )
        return made, state | {"fixed": fixed}

    def moved(self, state, gradients, rate):
        held = list(state["optimizer"])
        held[self._rate] = rate
        weights, held = self.optimizer.stateless_apply(held, gradients, state["weights"])
        state = state | {"weights": weights, "optimizer": held}
        if self.ema:
            both = zip(state["average"], weights, strict=True)
            state["average"] = [self.ema * a + (1 - self.ema) * w for a, w in both]
        return state

    def deliver(self, state) -> None:
        """Puts what was learnt into the plain net."""
        learnt = state.get("average", state["weights"]), state["fixed"]
        kinds = self.twin.trainable_variables, self.twin.non_trainable_variables
        for variables, values in zip(kinds, learnt, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        self.net.set_weights(self.twin.get_weights())


def _values(variables) -> list:
    return [variable.value for variable in variables]


def twin(net, precision: str):
    """A copy that computes as `zoo.training.fused.fused_twin` does, the ends in float32."""

    ends = {tensor._keras_history.operation.name for tensor in net.outputs}

    def copy(layer):
        config = layer.get_config()
        plain = isinstance(layer, (keras.layers.InputLayer, keras.Model))
        if not plain and layer.name not in ends:
            config["dtype"] = precision
        return type(layer).from_config(config)

    found = keras.models.clone_model(net, clone_function=copy)
    found.set_weights(net.get_weights())
    return found


def restoring(entry):
    """The players, a function of bank and key that gives a batch, and a step."""
    import jax
    from jax import numpy as jnp

    spec, recipe = entry.spec, entry.recipe
    around = _BORDER if any(d.kind == "bicubic" for d in spec.degradations) else 0
    side = recipe.patch + 2 * around

    def batch(bank, key, number):
        keys = jax.random.split(key, 3)
        clean = Bank.crops(bank, keys[0], recipe.batch, (side, side))
        clean = augmented(clean, recipe, keys[1])
        damaged = any_of(clean, spec.degradations, keys[2])
        inner = slice(around, around + recipe.patch)
        return [spec.normalize(one[:, inner, inner]) for one in (damaged, clean)]

    def step(players, states, given, rate):
        (player,), (state,), (damaged, clean) = players, states, given

        def loss(weights):
            made, after = player(weights, state, damaged)
            return jnp.mean((made - clean) ** 2), after

        (lost, after), gradients = jax.value_and_grad(loss, has_aux=True)(state["weights"])
        return [player.moved(after, gradients, rate)], {"loss": lost}

    return [Player(entry.build(), recipe, recipe.ema)], batch, step


def _softplus(values):
    import jax

    return jax.nn.softplus(values)


GAN_LOSSES = {
    "non_saturating": (
        lambda real, made: _softplus(-real) + _softplus(made),
        lambda real, made: _softplus(-made),
    ),
    "relativistic": (
        lambda real, made: _softplus(made - real),
        lambda real, made: _softplus(real - made),
    ),
}


def generating(entry):
    """As `restoring`, of a generator without classes against its critic."""
    import jax
    from jax import numpy as jnp

    spec, recipe = entry.spec, entry.recipe
    loss_of_critic, loss_of_generator = GAN_LOSSES[recipe.loss]

    def batch(bank, key, number):
        keys = jax.random.split(key, 3)
        real = augmented(Bank.crops(bank, keys[0], recipe.batch, spec.size), recipe, keys[1])
        return spec.normalize(real), jax.random.normal(keys[2], (recipe.batch, spec.latent))

    def step(players, states, given, rate):
        (generator, critic), (making, judging), (real, noise) = players, states, given

        def criticised(weights, images, state):
            return critic(weights, state, images)

        def critic_loss(weights):
            def total(images):
                score, after = criticised(weights, images, judging)
                return jnp.sum(score), (score, after)

            slopes = jax.grad(total, has_aux=True) if recipe.penalty else None
            scores, squares, after = [], 0.0, judging
            for images in (real, made):
                if slopes:
                    slope, (score, _) = slopes(images)
                    squares += jnp.mean(jnp.sum(slope**2, axis=(1, 2, 3)))
                else:
                    score, after = criticised(weights, images, after)
                scores.append(score)
            mean = jnp.mean(loss_of_critic(*scores))
            return mean + recipe.penalty / 2 * squares, (mean, squares, after)

        made, back, after = jax.vjp(
            lambda weights: generator(weights, making, noise), making["weights"], has_aux=True
        )
        find = jax.grad(critic_loss, has_aux=True)
        gradients, (lost, slope, judged) = find(judging["weights"])
        judging = critic.moved(judged, gradients, rate)

        def generator_loss(images):
            scores = (criticised(judging["weights"], one, judging)[0] for one in (real, images))
            return jnp.mean(loss_of_generator(*scores))

        fooled, upwards = jax.value_and_grad(generator_loss)(made)
        making = generator.moved(after, back(upwards)[0], rate)
        return [making, judging], {"loss": fooled, "critic_loss": lost, "slope": slope}

    return [Player(entry.build(), recipe, recipe.ema), Player(entry.critic(), recipe)], batch, step


def autoencoding(entry):
    """As `restoring`, of a VAE whose pixels are logistic."""
    import jax
    from jax import numpy as jnp

    spec, recipe = entry.spec, entry.recipe
    width, scale = 1 / 255, 0.05  # as in zoo.metrics.likelihood

    def nats(image, logits):
        off, half = (image - jax.nn.sigmoid(logits)) / scale, width / scale / 2
        below, above = _softplus(-off - half), _softplus(off - half)
        inner = below + above - math.log(-math.expm1(-2 * half))
        return jnp.where(image <= 0, below, jnp.where(image >= 1, above, inner))

    def batch(bank, key, number):
        keys = jax.random.split(key, 3)
        real = augmented(Bank.crops(bank, keys[0], recipe.batch, spec.size), recipe, keys[1])
        noise = jax.random.normal(keys[2], (recipe.batch, spec.latent))
        return real, noise, jnp.minimum(1.0, (number + 1) / max(recipe.beta_steps, 1))

    def step(players, states, given, rate):
        (player,), (state,), (real, noise, beta) = players, states, given

        def loss(weights):
            held = zip(player.twin.trainable_variables, weights, strict=True)
            with keras.StatelessScope(state_mapping=list(held)):
                mean, logvar = player.twin.get_layer("encoder")(real)
                latents = mean + jnp.exp(logvar / 2) * noise
                logits = player.twin.get_layer("decoder")(latents)
            lost = jnp.mean(jnp.sum(nats(real, logits), axis=(1, 2, 3)))
            kl = jnp.mean(jnp.sum(jnp.exp(logvar) + mean**2 - 1 - logvar, axis=1)) / 2
            return lost + beta * kl, (lost, kl)

        (total, (lost, kl)), gradients = jax.value_and_grad(loss, has_aux=True)(state["weights"])
        figures = {"loss": total, "reconstruction": lost, "kl": kl}
        return [player.moved(state, gradients, rate)], figures

    return [Player(entry.build(), recipe, recipe.ema)], batch, step


KINDS = {"generate": generating, "autoencode": autoencoding}


# --- training -------------------------------------------------------------------------------------


def trained(entry, images, start=None, seconds=None, steady=False, alone=None):
    """Trains the last cycle of a recipe.

    Args:
        entry: whose recipe says how.
        images: uint8 `[h, w, c]` each.
        start: a file of weights to start from, or None.
        seconds: so long; None: the recipe's steps.
        steady: the learning rate stays at its peak.
        alone: a context that is entered when all is compiled.

    Returns:
        The net, and what is to be known: `steps`, `seconds`, `curve`.
    """
    import contextlib

    import jax

    recipe = entry.recipe
    keras.utils.set_random_seed(recipe.seed)
    players, batch, step = KINDS.get(entry.spec.task, restoring)(entry)
    if start is not None:
        weights.load_into(players[0].net, entry, start)
        players[0].twin.set_weights(players[0].net.get_weights())
    bank = Bank(images)

    @jax.jit
    def chunk(states, arrays, key, numbers, rates):
        def one(states, now):
            number, rate = now
            given = batch(arrays, jax.random.fold_in(key, number), number)
            return step(players, states, given, rate)

        states, figures = jax.lax.scan(one, states, (numbers, rates))
        return states, {name: values.mean() for name, values in figures.items()}

    states, key = [player.begin() for player in players], jax.random.key(recipe.seed)
    size = min(CHUNK, recipe.steps)

    def take(states, first, total):
        numbers = np.arange(first, first + size)
        rates = [recipe.learning_rate if steady else rate_at(recipe, n, total) for n in numbers]
        rates = np.array(rates, np.float32)
        return jax.block_until_ready(chunk(states, bank.arrays, key, numbers, rates))

    take(states, 0, recipe.steps)
    with alone or contextlib.nullcontext():
        began = time.monotonic()
        take(states, 0, recipe.steps)
        speed = size / (time.monotonic() - began)
        steps = int(seconds * speed) // 500 * 500 if seconds else recipe.steps
        began, curve, every = time.monotonic(), [], max(1, steps // size // 10)
        for number in range(steps // size):
            states, figures = take(states, number * size, steps)
            if number % every == every - 1:
                row = {"step": (number + 1) * size} | {k: float(v) for k, v in figures.items()}
                curve.append(row | {"seconds": time.monotonic() - began})
                click.echo(f"{entry.name}: {curve[-1]}")
                if not all(map(math.isfinite, row.values())):
                    raise click.ClickException("it diverged")
        passed = time.monotonic() - began
    for player, state in zip(players, states, strict=True):
        player.deliver(state)
    said = {"steps": steps, "seconds": round(passed), "curve": curve} | machine()
    return [player.net for player in players], said


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
        optimizer="adam_half",
        learning_rate=peer.rate,
        warmup=0,
        loss="non_saturating",
        penalty=0.0,
        ema=None,
        precision="float32",
    )
    spec = dataclasses.replace(entry.spec, latent=peer.latent)
    nets = {"build": peer.generator, "critic": peer.discriminator}
    return dataclasses.replace(entry, **nets, spec=spec, recipe=recipe)


def machine() -> dict:
    """As `run.json` names it."""
    import jax

    packages = ("jax", "keras", "numpy", "pillow")
    versions = {name: importlib.metadata.version(name) for name in packages}
    versions = {"python": platform.python_version()} | versions
    return {"host": jax.devices()[0].device_kind, "versions": versions}


def pictures_of(entry) -> list:
    """Those that the recipe trains on: the held-out ones are left out, smaller copies added."""
    recipe, spec = entry.recipe, entry.spec
    found, _ = splits.split(sources.load(recipe.data, spec.channels), recipe.holdout)
    images, factors = list(found.images), getattr(recipe, "rescale", ())
    return images + [smaller(image, factor) for factor in factors for image in images]


def smaller(image, factor: float):
    """uint8 `[h, w, c]`, bicubic and antialiased."""
    sides = [round(side * factor) for side in image.shape[1::-1]]
    planes = (Image.fromarray(plane) for plane in image.transpose(2, 0, 1))
    return np.stack([np.asarray(p.resize(sides, Image.Resampling.BICUBIC)) for p in planes], -1)


# --- commands -------------------------------------------------------------------------------------


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
    entry = index.entry(name)
    chain = entry.recipe.chain()
    entry = dataclasses.replace(entry, recipe=chain[(cycle or len(chain)) - 1])
    entry = peer_of(entry) if peer else entry
    nets, said = trained(entry, pictures_of(entry), start, seconds, steady=peer)
    to.mkdir(parents=True, exist_ok=True)
    nets[0].save_weights(to / f"{name}.weights.h5")
    said["command"] = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    files.write_json(to / f"{name}.json", said)


@main.command()
@click.argument("name")
@click.option("--of", type=click.Path(path_type=Path), required=True, help="The folder.")
@click.option("--run", type=click.Path(path_type=Path), required=True, help="To be made.")
@click.option("--cycle", type=int, help="Which it is [default: the last].")
def finish(name, of, run, cycle):
    """Makes a run directory of what was trained."""
    from zoo.training.adopt import adopt

    said, chain = files.read_json(of / f"{name}.json"), index.entry(name).recipe.chain()
    cycle = cycle or len(chain)
    if said["steps"] != (expected := chain[cycle - 1].steps):
        raise click.ClickException(f"expected {expected} steps by the recipe, got {said['steps']}")
    figures = said["curve"][-1] | {"seconds": float(said["seconds"])}
    del figures["step"]
    facts = {key: said[key] for key in ("command", "host", "versions")}
    adopt(name, of / f"{name}.weights.h5", run, figures, facts, cycle)
    if cycle == len(chain):
        zoo.train(name, run)


if __name__ == "__main__":
    main()
