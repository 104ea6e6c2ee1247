"""The gradients of `zoo.training.steps` on JAX; see `on_jax.py`.

Each kind of training is a function of an entry. It gives the players; a function of pictures on the
accelerator, a key and the number of the step, that makes a batch; and a function of the players,
their states, a batch and a learning rate, that makes their next states, and figures.
"""

import math

import jax
import keras
from jax import numpy as jnp
from jax_pictures import Bank, any_of, augmented, side_of

from zoo.training.optimizers import OPTIMIZERS


class Player:
    """A net that learns, and its optimizer. What changes is a dictionary of arrays."""

    def __init__(self, net, recipe, ema: float | None = None):
        self.net, self.ema = net, ema
        self.twin = twin(net, recipe.precision)
        decay = {"weight_decay": recipe.weight_decay} if recipe.weight_decay else {}
        self.optimizer = OPTIMIZERS[recipe.optimizer](recipe.learning_rate, **decay)
        self.optimizer.build(self.twin.trainable_variables)
        (self._rate,) = (
            n for n, v in enumerate(self.optimizer.variables) if v.path.endswith("learning_rate")
        )
        self.training = not recipe.frozen_batch_norm

    def start_from(self, load) -> None:
        """Begins with the weights that a function puts into a net."""
        load(self.net)
        self.twin.set_weights(self.net.get_weights())

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
    """Of a net that restores."""
    spec, recipe = entry.spec, entry.recipe
    side = side_of(entry)
    border = (side - recipe.patch) // 2

    def batch(bank, key, number):
        keys = jax.random.split(key, 3)
        clean = Bank.crops(bank, keys[0], recipe.batch, (side, side))
        clean = augmented(clean, recipe, keys[1])
        damaged = any_of(clean, spec.degradations, keys[2])
        inner = slice(border, border + recipe.patch)
        return [spec.normalize(one[:, inner, inner]) for one in (damaged, clean)]

    def step(players, states, given, rate):
        (player,), (state,), (damaged, clean) = players, states, given

        def loss(weights):
            made, after = player(weights, state, damaged)
            return jnp.mean((made - clean) ** 2), after

        (lost, after), gradients = jax.value_and_grad(loss, has_aux=True)(state["weights"])
        return [player.moved(after, gradients, rate)], {"loss": lost}

    return [Player(entry.build(), recipe, recipe.ema)], batch, step


GAN_LOSSES = {
    "non_saturating": (
        lambda real, made: jax.nn.softplus(-real) + jax.nn.softplus(made),
        lambda real, made: jax.nn.softplus(-made),
    ),
    "relativistic": (
        lambda real, made: jax.nn.softplus(made - real),
        lambda real, made: jax.nn.softplus(real - made),
    ),
}


def generating(entry):
    """Of a generator without classes, against its critic."""
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
    """Of a VAE whose pixels are logistic."""
    spec, recipe = entry.spec, entry.recipe
    width, scale = 1 / 255, 0.05  # as in zoo.metrics.likelihood

    def nats(image, logits):
        off, half = (image - jax.nn.sigmoid(logits)) / scale, width / scale / 2
        below, above = jax.nn.softplus(-off - half), jax.nn.softplus(off - half)
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


KINDS = {
    "denoise": restoring,
    "restore": restoring,
    "generate": generating,
    "autoencode": autoencoding,
}
