"""What is trained together: a net, its optimizer, and for generators a critic with its own."""

import dataclasses

from zoo.index import Entry
from zoo.training import steps
from zoo.training.fused import fused_twin, round_kernels
from zoo.training.optimizers import make_optimizer


class Supervised:
    """Outputs towards targets.

    Attributes:
        step: takes a batch and returns its figures.
        weights: what is trained.
        variables: all that a checkpoint has to hold.
    """

    def __init__(self, entry: Entry, net, strategy):
        self._net, self._twin = net, _twin_of(net, entry.recipe)
        self._optimizer = make_optimizer(entry.recipe)
        self.step = self._step(entry.recipe, strategy)

    @property
    def weights(self) -> list:
        return self._twin.trainable_variables

    @property
    def variables(self) -> list:
        return [*self._twin.variables, *self._optimizer.variables]

    def deliver(self) -> None:
        """Puts what was learnt into the plain net: the averaged weights, where there are any."""
        self._net.set_weights(self._twin.get_weights())
        self._optimizer.finalize_variable_values(self._net.trainable_variables)
        round_kernels(self._net, self._twin)

    def _step(self, recipe, strategy):
        return steps.supervised(self._twin, self._optimizer, recipe.loss, strategy)


class Variational(Supervised):
    """A bound on the likelihood of pictures upwards."""

    def _step(self, recipe, strategy):
        return steps.vae(self._twin, self._optimizer, recipe.loss, strategy)


class Adversarial(Supervised):
    """A generator against its critic."""

    def __init__(self, entry: Entry, net, strategy):
        self._critic = _twin_of(entry.critic(), entry.recipe)
        plain = dataclasses.replace(entry.recipe, ema=None)
        self._critics_optimizer = make_optimizer(plain, plain.steady_critic)
        super().__init__(entry, net, strategy)

    @property
    def weights(self) -> list:
        return [*super().weights, *self._critic.trainable_variables]

    @property
    def variables(self) -> list:
        return [*super().variables, *self._critic.variables, *self._critics_optimizer.variables]

    def _step(self, recipe, strategy):
        optimizers = self._optimizer, self._critics_optimizer
        nets = self._twin, self._critic
        return steps.gan(*nets, optimizers, recipe.loss, recipe.penalty, strategy)


def _twin_of(net, recipe):
    return fused_twin(net, recipe.precision, recipe.fixed_norm, recipe.rounded)


def method(entry: Entry, net, strategy) -> Supervised:
    """How nets of the entry's task are trained."""
    special = {"generate": Adversarial, "autoencode": Variational}
    return special.get(entry.spec.task, Supervised)(entry, net, strategy)
