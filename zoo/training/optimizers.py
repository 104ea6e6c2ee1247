"""Optimizers by the names that recipes use."""

import functools

import keras
from keras import ops


class Muon(keras.optimizers.AdamW):
    """Orthogonalised momentum for the kernels of layers, AdamW for all other weights.

    A convolution's kernel is taken as the matrix `[h * w * in, out]`; one with a single input or
    output channel goes by AdamW. Keras' own Muon leaves convolutions to AdamW, and differs from
    version to version. Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/; updates
    are as large as Adam's (Liu et al. 2025, https://arxiv.org/abs/2502.16982, section 2.2).

    Args:
        learning_rate: a number or schedule, for all weights.
        weight_decay: of the kernels, decoupled.
        adam_weight_decay: of the other weights, likewise.
        momentum: of the kernels, Nesterov's.
        least_inputs: kernels with fewer input channels go by AdamW.
        adam_rate: AdamW's share of the learning rate.
        **options: of `keras.optimizers.AdamW`.
    """

    def __init__(
        self,
        learning_rate,
        weight_decay=0.0,
        adam_weight_decay=0.004,
        momentum=0.95,
        least_inputs=2,
        adam_rate=1.0,
        **options,
    ):
        super().__init__(learning_rate, weight_decay=weight_decay, **options)
        self.adam_weight_decay, self.momentum = adam_weight_decay * adam_rate, momentum
        self.least_inputs, self.adam_rate = least_inputs, adam_rate

    def update_step(self, gradient, variable, learning_rate):
        if not self._is_kernel(variable):
            return super().update_step(gradient, variable, learning_rate * self.adam_rate)
        average = self._momentums[self._get_variable_index(variable)]
        self.assign(average, ops.add(gradient, average * self.momentum))
        update = ops.add(gradient, average * self.momentum)
        matrix = orthogonalised(ops.reshape(update, (-1, variable.shape[-1])))
        scale = 0.2 * max(matrix.shape) ** 0.5 * ops.cast(learning_rate, variable.dtype)
        self.assign_sub(variable, ops.reshape(matrix * scale, variable.shape))

    def _apply_weight_decay(self, variables):
        rate = self.learning_rate  # a schedule, which is traced each time that it is asked
        for variable in variables:
            decay = self.weight_decay if self._is_kernel(variable) else self.adam_weight_decay
            factor = ops.cast(rate, variable.dtype) * decay
            variable.assign(variable - variable * factor)

    def _is_kernel(self, variable) -> bool:
        shape = variable.shape
        return len(shape) in (2, 4) and shape[-1] > 1 and shape[-2] >= self.least_inputs


def orthogonalised(matrix, steps: int = 5):
    """A matrix with the same singular vectors and singular values near 1.

    Newton-Schulz iteration with the quintic polynomial of Jordan et al. 2024. The steps are taken
    on the short side's square, and their product is applied to the matrix once.
    """
    rows, columns = matrix.shape
    x = ops.transpose(matrix) if rows > columns else matrix
    x = x / (ops.norm(x) + 1e-7)
    square = x @ ops.transpose(x)
    one = product = ops.eye(min(rows, columns))
    for _ in range(steps):
        factor = 3.4445 * one - 4.775 * square + 2.0315 * square @ square
        product = factor @ product
        square = factor @ square @ factor
    x = product @ x
    return ops.transpose(x) if rows > columns else x


OPTIMIZERS = {
    "adam": keras.optimizers.Adam,  # its weight decay is decoupled, as AdamW's
    "adam_half": functools.partial(keras.optimizers.Adam, beta_1=0.5),  # Radford et al. 2016
    "muon": Muon,
    "muon_first": functools.partial(Muon, least_inputs=1),  # the first layer of a grey net, too
    # for late cycles: kernels have grown a lot by then, all else has not and takes smaller steps
    "muon_late": functools.partial(Muon, adam_rate=0.03),
    "sgd": keras.optimizers.SGD,
}


def make_optimizer(recipe, steady: bool = False):
    """The recipe's optimizer: linear warm-up, then half a cosine down to zero, or steady."""
    warmup = max(0, min(recipe.warmup, recipe.steps - 1))
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0,
        max(1, recipe.steps - warmup),
        alpha=float(steady),
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup,
    )
    options = {"momentum": 0.9, "nesterov": True} if recipe.optimizer == "sgd" else {}
    if recipe.ema:
        options |= {"use_ema": True, "ema_momentum": recipe.ema}
    if recipe.weight_decay:  # with 0.0 Keras would trace a decay, too
        options |= {"weight_decay": recipe.weight_decay}
    return OPTIMIZERS[recipe.optimizer](schedule, **options)
