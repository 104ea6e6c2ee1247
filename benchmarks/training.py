"""The training step (forward, backward, update) of the zoo, of stock Keras and of PyTorch."""

import time
from dataclasses import replace
from functools import partial

import keras
import numpy as np
import tensorflow as tf
from nets import LAYOUTS, forward_flops, pictures, to_torch, torch_twin
from rounds import TOLERANCE, Contest, stopwatch

from zoo.training.fused import fused_twin
from zoo.training.optimizers import make_optimizer
from zoo.training.steps import compiled, supervised


def training(pipeline, batch: int, patch: int) -> Contest:
    net, recipe = pipeline.net, pipeline.entry.recipe
    noisy, clean = map(
        pipeline.spec.normalize, pictures(batch, patch, pipeline.spec.degradations[0].low)
    )
    data = tf.data.Dataset.from_tensors((noisy, clean)).repeat().prefetch(4)
    loss = float(np.mean(np.square(copied(net)(noisy, training=True) - clean)))
    adam = replace(recipe, optimizer="adam", learning_rate=1e-3)
    return Contest(
        f"training step of {pipeline.entry.name}, {batch} x {patch}x{patch}",
        flops=3 * forward_flops(net, batch * patch * patch),
        reference=loss,
        tolerance=TOLERANCE * loss,
        contestants={
            f"zoo, {recipe.optimizer} (the recipe)": partial(zoo_step, net, recipe, data),
            "zoo, adam": partial(zoo_step, net, adam, data),
            "Keras compile and fit, adam": partial(keras_fit, net, data),
        }
        | {
            f"PyTorch, adam, {words}": partial(torch_step, net, noisy, clean, layout)
            for words, layout in LAYOUTS.items()
        },
    )


def copied(net):
    copy = keras.models.clone_model(net)
    copy.set_weights(net.get_weights())
    return copy


def zoo_step(net, recipe, data):
    step = supervised(fused_twin(net), make_optimizer(recipe), recipe.loss)
    step, batches = compiled(step, data.element_spec), iter(data)
    return stopwatch(lambda: step(*next(batches))["loss"])


def keras_fit(net, data):
    """Turns like those of `stopwatch`, which cannot look into `fit`."""
    net = copied(net)
    net.compile(keras.optimizers.Adam(), "mse")

    def turn(count):
        ends, losses = [], []

        def lap(batch, logs):
            ends.append(time.perf_counter())
            losses.append(logs["loss"])

        callback = keras.callbacks.LambdaCallback(on_train_batch_end=lap)
        net.fit(data, steps_per_epoch=count + 1, shuffle=False, verbose=0, callbacks=[callback])
        return np.diff(ends), losses[0]

    return turn


def torch_step(net, noisy, clean, layout: str):
    import torch

    noisy, clean = to_torch(noisy, layout), to_torch(clean, layout)
    module = torch_twin(net, layout).train()
    optimizer = torch.optim.Adam(module.parameters())

    def step():
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(module(noisy), clean)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return stopwatch(step)
