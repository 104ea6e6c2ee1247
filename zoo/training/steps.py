"""Every gradient of the zoo: one step a kind of training, each compiled once."""

import keras
import tensorflow as tf

LOSSES = {
    "mse": lambda target, output: tf.reduce_mean(tf.square(output - target), axis=[1, 2, 3]),
    "charbonnier": lambda target, output: tf.reduce_mean(
        tf.sqrt(tf.square(output - target) + 1e-6), axis=[1, 2, 3]
    ),
    "cross_entropy": keras.losses.categorical_crossentropy,
}
"""Name -> a function of (target, output), both `[b, ...]`, that gives one loss a picture `[b]`."""


def supervised(net, optimizer, loss: str, strategy=None):
    """A step that moves a net's outputs towards targets.

    Args:
        net: a Keras model, built under the strategy's scope.
        optimizer: a Keras optimizer, likewise.
        loss: a key of `LOSSES`.
        strategy: a `tf.distribute.Strategy`; by default the one in scope (one replica).

    Returns:
        A function of a batch `(inputs, targets)` that changes the net and returns the mean loss,
        a float32 scalar. `compiled` makes a `tf.function` of it.
    """
    strategy = strategy or tf.distribute.get_strategy()
    optimizer.build(net.trainable_variables)

    def replica(inputs, targets):
        with tf.GradientTape() as tape:
            outputs = net(inputs, training=True)
            mean = tf.reduce_mean(LOSSES[loss](targets, outputs))
            share = mean / strategy.num_replicas_in_sync  # the optimizer sums over replicas
        gradients = tape.gradient(share, net.trainable_variables)
        optimizer.apply_gradients(zip(gradients, net.trainable_variables, strict=True))
        return mean

    def step(inputs, targets):
        means = strategy.run(replica, args=(inputs, targets))
        return strategy.reduce(tf.distribute.ReduceOp.MEAN, means, axis=None)

    return step


def compiled(step, element_spec):
    """A `tf.function` of a step that is traced once, whatever the size of a batch.

    Args:
        step: as `supervised` returns it.
        element_spec: of the data set, distributed or not, whose batches the step will take.
    """

    def any_batch(spec):
        one_replica = isinstance(spec, tf.TensorSpec)
        return tf.TensorSpec([None, *spec.shape[1:]], spec.dtype) if one_replica else spec

    return tf.function(step, input_signature=[any_batch(spec) for spec in element_spec])
