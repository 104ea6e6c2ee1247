"""Optimizers by the names that recipes use."""

import keras
from keras import ops


class ConvMuon(keras.optimizers.Muon):
    """Keras' Muon for convolution kernels, each taken as the matrix `[h * w * in, out]`.

    Kernels with one input or output channel, biases and scales go by Adam, as in Keras.
    Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/; the size of an update is
    matched to Adam's (Liu et al. 2025, https://arxiv.org/abs/2502.16982).
    """

    def _should_use_adamw(self, variable):
        shape = variable.shape
        if len(shape) == 4:
            return min(shape[-2:]) == 1
        return super()._should_use_adamw(variable)

    def zeropower_via_newtonschulz5(self, x, steps):
        matrix = ops.reshape(x, (-1, x.shape[-1]))
        return ops.reshape(super().zeropower_via_newtonschulz5(matrix, steps), x.shape)

    def lr_adjust(self, x):
        return ops.reshape(super().lr_adjust(ops.reshape(x, (-1, x.shape[-1]))), x.shape)


OPTIMIZERS = {
    "adam": keras.optimizers.AdamW,
    "muon": ConvMuon,
    "sgd": keras.optimizers.SGD,
}


def make_optimizer(recipe):
    """The recipe's optimizer: linear warm-up, then half a cosine down to zero."""
    warmup = min(recipe.warmup, recipe.steps - 1)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0,
        recipe.steps - warmup,
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup,
    )
    options = {"momentum": 0.9, "nesterov": True} if recipe.optimizer == "sgd" else {}
    if recipe.ema:
        options |= {"use_ema": True, "ema_momentum": recipe.ema}
    return OPTIMIZERS[recipe.optimizer](schedule, weight_decay=recipe.weight_decay, **options)
