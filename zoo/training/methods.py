"""What is trained together: players, each a net and its optimizer, and the step they take."""

from zoo.index import Recipe
from zoo.quantization import aware
from zoo.training import fused, steps
from zoo.training.optimizers import make_optimizer


class Player:
    """A net in training: its twin, which learns, and the optimizer."""

    def __init__(self, net, recipe: Recipe, steady: bool = False, expand: int = 0):
        """As `make_twin` and `make_optimizer` take them."""
        self.twin = self.make_twin(net, recipe, expand)
        self.optimizer = make_optimizer(recipe, steady)
        self._net = net

    put = staticmethod(fused.deliver)

    def make_twin(self, net, recipe: Recipe, expand: int):
        """As `zoo.training.fused.fused_twin` makes it."""
        options = recipe.precision, recipe.frozen_batch_norm, recipe.quantization_aware
        return fused.fused_twin(net, *options, expand)

    @property
    def weights(self) -> list:
        return self.twin.trainable_variables

    @property
    def variables(self) -> list:
        return [*self.twin.variables, *self.optimizer.variables]

    def settle(self) -> None:
        """Sets the averaged weights, where there are any, to the weights as they are."""
        if self.optimizer.use_ema:
            averages = self.optimizer._model_variables_moving_average
            for average, weight in zip(averages, self.weights, strict=True):
                average.assign(weight)

    def deliver(self) -> None:
        """Puts what was learnt into the plain net: the averaged weights, where there are any."""
        learnt = self.twin.get_weights()
        self.optimizer.finalize_variable_values(self.twin.trainable_variables)
        self.put(self.twin, self._net)
        self.twin.set_weights(learnt)


class QuantizationAwarePlayer(Player):
    """Its twin rounds as the net's int8 file, as `zoo.quantize_aware` makes it."""

    def make_twin(self, net, recipe: Recipe, expand: int):
        return aware.quantize_aware(net)

    @staticmethod
    def put(twin, net) -> None:
        net.set_weights(twin.quantization.net.get_weights())


class Method:
    """A step and its players, of whom the first one's net is delivered.

    Attributes:
        step: takes a batch and returns its figures.
        weights: what is trained.
        variables: all that a checkpoint has to hold.
    """

    def __init__(self, step, *players: Player):
        self.step, self._players = step, players
        self.deliver = players[0].deliver
        self.settle = players[0].settle

    @property
    def weights(self) -> list:
        return [weight for player in self._players for weight in player.weights]

    @property
    def kept(self) -> list:
        """What a step changes beside these, on each replica for itself."""
        return [v for player in self._players for v in player.twin.non_trainable_variables]

    @property
    def variables(self) -> list:
        return [variable for player in self._players for variable in player.variables]


def supervised(recipe: Recipe, net, strategy, expand: int = 0, kind=Player) -> Method:
    """Outputs towards targets."""
    player = kind(net, recipe, expand=expand)
    step = steps.supervised(player.twin, player.optimizer, recipe.loss, strategy)
    return Method(step, player)


def quantization_aware(recipe: Recipe, net, strategy) -> Method:
    """Outputs towards targets, rounded as in an int8 file of a net of any kind."""
    return supervised(recipe, net, strategy, kind=QuantizationAwarePlayer)
