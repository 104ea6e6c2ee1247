"""Every gradient of the zoo: one step a kind of training, each compiled once."""

import keras
import tensorflow as tf

from zoo.metrics.likelihood import PICTURE_LOSSES, log_mean, terms


def _mean(values):
    """`[b, ...]` to `[b]`."""
    return tf.reduce_mean(values, axis=list(range(1, len(values.shape))))


LOSSES = {
    "mse": lambda target, output: _mean(tf.square(output - target)),
    "charbonnier": lambda target, output: _mean(tf.sqrt(tf.square(output - target) + 1e-6)),
    "cross_entropy": keras.losses.categorical_crossentropy,
}
"""Name -> a function of (target, output), both `[b, ...]`, that gives one loss a picture `[b]`."""


GAN_LOSSES = {
    "minimax": (
        lambda real, made: tf.nn.softplus(-real) + tf.nn.softplus(made),
        lambda real, made: -tf.nn.softplus(made),
    ),
    "non_saturating": (
        lambda real, made: tf.nn.softplus(-real) + tf.nn.softplus(made),
        lambda real, made: tf.nn.softplus(-made),
    ),
    "least_squares": (
        lambda real, made: tf.square(real - 1) + tf.square(made),
        lambda real, made: tf.square(made - 1),
    ),
    "hinge": (
        lambda real, made: tf.nn.relu(1 - real) + tf.nn.relu(1 + made),
        lambda real, made: -made,
    ),
    "relativistic": (
        lambda real, made: tf.nn.softplus(made - real),
        lambda real, made: tf.nn.softplus(real - made),
    ),
}
"""Name -> the critic's and the generator's loss, functions of the scores of real and made pictures.

Goodfellow et al. 2014, equation 1, and its section 3; Mao et al. 2017, equation 9; Lim and Ye 2017;
Jolicoeur-Martineau 2019, with a real and a made picture as a pair.
"""


def supervised(net, optimizer, loss: str, strategy=None):
    """A step that moves a net's outputs towards targets.

    Args:
        net: a Keras model, built under the strategy's scope.
        optimizer: a Keras optimizer, likewise.
        loss: a key of `LOSSES`.
        strategy: a `tf.distribute.Strategy`; by default the one in scope (one replica).

    Returns:
        A function of a batch `(inputs, targets)`, of a net of several inputs `(one, other,
        targets)`, that changes the net and returns the mean loss, `{"loss": float32 scalar}`.
        `compiled` makes a `tf.function` of it.
    """
    optimizer.build(net.trainable_variables)

    def replica(*batch):
        *inputs, targets = batch
        with tf.GradientTape() as tape:
            outputs = net(inputs if len(inputs) > 1 else inputs[0], training=True)
            mean = tf.reduce_mean(LOSSES[loss](targets, outputs))
        _descend(tape, mean, net, optimizer)
        return {"loss": mean}

    return _on_all_replicas(replica, strategy)


def vae(net, optimizer, loss: str, strategy=None):
    """A step that raises a bound on the likelihood of pictures.

    With one draw a picture it is the evidence lower bound, with the KL divergence exact (Kingma,
    Welling 2014, equation 10); with several, the tighter bound of Burda et al. 2016, equation 8.

    Args:
        net: with layers `encoder` and `decoder`, as `zoo.models.vae.vae` builds it.
        optimizer: a Keras optimizer.
        loss: a key of `zoo.metrics.likelihood.PICTURE_LOSSES`, summed over the pixels.
        strategy: as in `supervised`.

    Returns:
        A function of pictures `[b, h, w, c]`, normal noise `[b, draws, n]` and the weight of the KL
        divergence `[b]`. It returns means over the batch in nats: `loss` (the negative bound),
        `reconstruction` and `kl`.
    """
    optimizer.build(net.trainable_variables)

    def replica(images, noise, beta):
        with tf.GradientTape() as tape:
            lost, ratio, kl = terms(net, images, noise, PICTURE_LOSSES[loss], training=True)
            if noise.shape[1] == 1:
                bound = -lost[:, 0] - beta * kl
            else:
                bound = log_mean(beta[:, None] * ratio - lost)
            mean = -tf.reduce_mean(bound)
        _descend(tape, mean, net, optimizer)
        means = {"reconstruction": tf.reduce_mean(lost), "kl": tf.reduce_mean(kl)}
        return {"loss": mean} | means

    return _on_all_replicas(replica, strategy)


def gan(generator, critic, optimizers, loss: str, penalty: float = 0.0, strategy=None):
    """A step that moves a critic to tell real from made pictures, and then a generator against it.

    Args:
        generator: `[b, code]` to `[b, h, w, c]`.
        critic: pictures, and classes where there are any, to scores `[b, 1]`.
        optimizers: of the generator and of the critic.
        loss: a key of `GAN_LOSSES`.
        penalty: half of this times the squared norm of the score's gradient, at real pictures (R1,
            Mescheder et al. 2018, equation 9) and at made ones (R2), is added to the critic's loss.
        strategy: as in `supervised`.

    Returns:
        A function of real pictures `[b, h, w, c]`, their classes as one-hot `[b, classes]` and
        normal noise `[b, n]`. It returns `loss` (the generator's), `critic_loss`, and the `slope`
        that was penalised.
    """
    for_generator, for_critic = optimizers
    for_generator.build(generator.trainable_variables)
    for_critic.build(critic.trainable_variables)
    loss_of_critic, loss_of_generator = GAN_LOSSES[loss]

    def train_critic(images, made, classes):
        with tf.GradientTape() as tape:
            with tf.GradientTape(watch_accessed_variables=False) as slopes:
                slopes.watch([images, made])
                real_score, made_score = (_score(critic, i, classes) for i in (images, made))
                total = tf.reduce_sum(real_score) + tf.reduce_sum(made_score)
            mean = tf.reduce_mean(loss_of_critic(real_score, made_score))
            slope = _squared(slopes.gradient(total, [images, made])) if penalty else 0.0
            penalised = mean + penalty / 2 * slope
        _descend(tape, penalised, critic, for_critic)
        return mean, slope

    def replica(images, classes, noise):
        with tf.GradientTape() as tape:
            made = generator(tf.concat([noise, classes], axis=1), training=True)
            with tape.stop_recording():
                critic_loss, slope = train_critic(images, made, classes)
                real_score = _score(critic, images, classes)
            mean = tf.reduce_mean(loss_of_generator(real_score, _score(critic, made, classes)))
        _descend(tape, mean, generator, for_generator)
        return {"loss": mean, "critic_loss": critic_loss, "slope": tf.convert_to_tensor(slope)}

    return _on_all_replicas(replica, strategy)


def _score(critic, images, classes):
    return critic([images, classes] if classes.shape[-1] else images, training=True)


def _squared(gradients):
    """The squared norm of gradients `[b, h, w, c]` together, its mean over the batch."""
    squares = [tf.square(gradient) for gradient in gradients]
    return tf.reduce_mean(tf.reduce_sum(sum(squares), axis=[1, 2, 3]))


def _descend(tape, loss, net, optimizer) -> None:
    replicas = tf.distribute.get_strategy().num_replicas_in_sync  # the optimizer sums over these
    gradients = [g / replicas for g in tape.gradient(loss, net.trainable_variables)]
    optimizer.apply_gradients(zip(gradients, net.trainable_variables, strict=True))


def _on_all_replicas(replica, strategy):
    strategy = strategy or tf.distribute.get_strategy()

    def step(*batch):
        figures = strategy.run(replica, args=batch)
        mean = tf.distribute.ReduceOp.MEAN
        return {key: strategy.reduce(mean, value, axis=None) for key, value in figures.items()}

    return step


def level(variables, strategy):
    """A function that gives all replicas their mean of what each keeps for itself, such as the
    averages of batch normalisation.

    Args:
        variables: Keras variables. What is equal on all replicas is neither changed nor rounded.
        strategy: a `tf.distribute.Strategy`.
    """
    own = [v for v in variables if v.dtype == "float32"]
    if strategy.num_replicas_in_sync == 1 or not own:
        return lambda: None

    def replica():
        context = tf.distribute.get_replica_context()
        leads = tf.equal(context.replica_id_in_sync_group, 0)
        mine = [tf.identity(variable.value) for variable in own]
        first = context.all_reduce(
            "SUM", [tf.where(leads, one, tf.zeros_like(one)) for one in mine]
        )
        apart = [one - base for one, base in zip(mine, first, strict=True)]
        means = context.all_reduce("MEAN", apart)
        for variable, base, mean in zip(own, first, means, strict=True):
            variable.assign(base + mean)

    return tf.function(lambda: strategy.run(replica), autograph=False)


def compiled(step, element_spec):
    """A `tf.function` of a step that is traced once, whatever the size of a batch.

    Args:
        step: as `supervised` returns it.
        element_spec: of the data set, distributed or not, whose batches the step will take.
    """

    def any_batch(spec):
        one_replica = isinstance(spec, tf.TensorSpec)
        return tf.TensorSpec([None, *spec.shape[1:]], spec.dtype) if one_replica else spec

    signature = [any_batch(spec) for spec in element_spec]
    return tf.function(step, signature, autograph=False)  # which takes a quarter of the tracing
