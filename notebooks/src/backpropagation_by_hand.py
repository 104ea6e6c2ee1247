# %% [markdown]
# # Backpropagation by hand
#
# A network learns by asking, of each of its numbers: *if you were a little larger, how much would
# the loss change?* The answers form the gradient. Finding them one at a time would take a forward
# pass for each number; **backpropagation finds all of them in about the time of three**.
#
# In this notebook you write it yourself, in NumPy, layer by layer:
#
# 1. dense layer, ReLU, softmax cross entropy: a small **MLP** that learns three spiral arms;
# 2. convolution (by *im2col*) and max pooling: a small **CNN** that learns to read pictures.
#
# Every gradient is derived in the text, and nothing is believed: each is checked by finite
# differences, and the whole network against TensorFlow's `GradientTape`.
#
# You need to know what a derivative, a matrix product and a neural network are. That is all.

# %%
import os

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

from shared.digits import drawn_digits
from zoo import ZooError
from zoo.data import sources

QUICK = os.environ.get("ZOO_QUICK") == "1"  # fewer pictures and epochs
rng = np.random.default_rng(0)

# %% [markdown]
# ## 1. One rule
#
# A layer takes an array $X$ and gives an array $Y$. Somewhere far behind it, the loss $L$ is
# computed: one number. Assume that someone behind us has already found out how the loss depends on
# what we gave:
#
# $$G_Y = \frac{\partial L}{\partial Y}, \qquad \text{an array of the same shape as } Y .$$
#
# $L$ depends on an input $X_i$ only through the outputs, so the **chain rule** sums over all ways
# on which $X_i$ acts:
#
# $$\frac{\partial L}{\partial X_i}
#   = \sum_j \frac{\partial L}{\partial Y_j}\,\frac{\partial Y_j}{\partial X_i} .$$
#
# This is the whole theory. A layer has to know two things only:
#
# * `forward`: $X \mapsto Y$, remembering what the way back will need;
# * `backward`: $G_Y \mapsto G_X$, which is then the $G_Y$ of the layer *before* it. On the way it
#   finds the gradients of its own weights by the same rule.
#
# The table of all $\partial Y_j/\partial X_i$, the Jacobian, is never written down. For a layer of
# 4,000 inputs and 4,000 outputs it would hold sixteen million numbers, nearly all of them zero or
# copies of each other. Each `backward` below is a short cut through that table.
#
# Three observations will save most of the work:
#
# > **A gradient has the shape of the thing it belongs to.**
# > **What was copied on the way forward is added on the way back.**
# > **What was multiplied by a matrix is multiplied by its transpose on the way back.**

# %% [markdown]
# ## 2. The dense layer
#
# $$Y = XW + b, \qquad Y_{nk} = \sum_d X_{nd} W_{dk} + b_k$$
#
# with a batch of $N$ rows $X\,[N, D]$, weights $W\,[D, K]$ and a bias $b\,[K]$. Write $G = G_Y$.
#
# **Weights.** $W_{dk}$ acts on column $k$ of $Y$, in every row $n$, with the factor $X_{nd}$:
#
# $$\frac{\partial L}{\partial W_{dk}} = \sum_n G_{nk} X_{nd}
#   \quad\Longrightarrow\quad G_W = X^\top G .$$
#
# **Bias.** $b_k$ is copied to every row, so its gradients are added: $G_b = \sum_n G_{n\cdot}$.
#
# **Input.** $X_{nd}$ acts on all of row $n$ of $Y$, with the factors $W_{dk}$:
#
# $$\frac{\partial L}{\partial X_{nd}} = \sum_k G_{nk} W_{dk}
#   \quad\Longrightarrow\quad G_X = G\,W^\top .$$
#
# You never need to learn these by heart: $X^\top G$ is the only product of $X\,[N, D]$ and
# $G\,[N, K]$ that has the shape of $W$.


# %%
class Dense:
    """`[n, inputs]` to `[n, outputs]`."""

    def __init__(self, inputs: int, outputs: int):
        self.weights = {
            "W": rng.normal(0, np.sqrt(2 / inputs), (inputs, outputs)),
            "b": np.zeros(outputs),
        }

    def forward(self, x):
        self.x = x
        return x @ self.weights["W"] + self.weights["b"]

    def backward(self, g):
        self.gradients = {"W": self.x.T @ g, "b": g.sum(axis=0)}
        return g @ self.weights["W"].T


# %% [markdown]
# The weights begin as normal numbers of variance $2/D$ (He et al. 2015). A sum of $D$ products then
# keeps the size of its inputs, layer after layer, after a ReLU has taken half of it away.

# %% [markdown]
# ## 3. ReLU
#
# $Y_i = \max(X_i, 0)$: each output depends on one input, so the sum of the chain rule has one term.
# The derivative is 1 where $X_i > 0$ and 0 where $X_i < 0$:
#
# $$G_X = G_Y \odot [X > 0] .$$
#
# The gradient passes where the signal passed, and is stopped where the signal was. At $X_i = 0$
# there is no derivative; we follow TensorFlow and take 0.


# %%
class ReLU:
    """Any shape to the same shape."""

    weights = ()

    def forward(self, x):
        self.passed = x > 0
        return np.where(self.passed, x, 0)

    def backward(self, g):
        return g * self.passed


# %% [markdown]
# ## 4. Softmax and cross entropy
#
# The last layer gives a score $Z_{nk}$ for each class, a *logit*. The softmax makes probabilities
# of them, and the loss is the mean negative logarithm of the probability of the right class $y_n$:
#
# $$P_{nk} = \frac{e^{Z_{nk}}}{\sum_m e^{Z_{nm}}}, \qquad
#   L = -\frac1N \sum_n \log P_{n y_n}
#     = \frac1N \sum_n \Big( \log \sum_m e^{Z_{nm}} - Z_{n y_n} \Big) .$$
#
# Written like this, the derivative is short. The first term gives
# $\partial \log \sum_m e^{Z_{nm}} / \partial Z_{nk} = e^{Z_{nk}} / \sum_m e^{Z_{nm}} = P_{nk}$, the
# second $-1$ for the right class and 0 for all others:
#
# $$\boxed{\;G_Z = \frac{1}{N}\,(P - \text{one-hot}(y))\;}$$
#
# *What was said, minus what was right*, over $N$. The softmax and the loss are one layer here for
# this very reason: the awkward parts of the two cancel.
#
# One practical matter: $e^{1000}$ overflows. Taking the same number from all scores of a row
# changes no probability, so we take away the largest.


# %%
class SoftmaxCrossEntropy:
    """Logits `[n, classes]` and labels `[n]` to the mean loss, in nats."""

    def forward(self, logits, labels):
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_sums = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self.log_probabilities = shifted - log_sums
        self.labels = labels
        return -self.log_probabilities[np.arange(len(labels)), labels].mean()

    def backward(self):
        g = np.exp(self.log_probabilities)
        g[np.arange(len(g)), self.labels] -= 1
        return g / len(g)


# %% [markdown]
# ## 5. A network
#
# Forward through the layers, then backward through them in the opposite order. The loop in
# `gradients` **is** backpropagation; all else was the layers' own affair.


# %%
class Network:
    """Layers one after the other, and the loss behind them."""

    def __init__(self, *layers):
        self.layers, self.loss = layers, SoftmaxCrossEntropy()

    def logits(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def gradients(self, x, labels):
        """The loss, and its gradient in the input; the layers keep those of their weights."""
        loss = self.loss.forward(self.logits(x), labels)
        g = self.loss.backward()
        for layer in reversed(self.layers):
            g = layer.backward(g)
        return loss, g

    def parameters(self):
        """`(name, weights, their layer)` of all arrays that are learnt."""
        for number, layer in enumerate(self.layers):
            for key in layer.weights:
                yield f"{number} {type(layer).__name__}.{key}", key, layer


# %% [markdown]
# ## 6. Do not believe it: finite differences
#
# The definition of the derivative is a measuring device. Move one number by $\pm h$, and look at
# the loss:
#
# $$\frac{\partial L}{\partial \theta} \approx \frac{L(\theta + h) - L(\theta - h)}{2h} .$$
#
# By Taylor, the error of this symmetric form falls as $h^2$. But the two losses are stored with 16
# digits only, and dividing their small difference by $2h$ makes that rounding error grow as $1/h$.
# Somewhere in between is the best $h$; the picture shows where. (`float64` matters here: with
# `float32` the best error is a million times larger, and a wrong gradient could hide behind it.)


# %%
def finite_difference(network, array, place, x, labels, h=1e-6):
    """The derivative of the loss by one number of an array, measured."""
    kept, losses = array[place], []
    for moved in (kept + h, kept - h):
        array[place] = moved
        losses.append(network.loss.forward(network.logits(x), labels))
    array[place] = kept
    return (losses[0] - losses[1]) / (2 * h)


def some_places(array, count):
    """Up to `count` different places in an array, drawn at random."""
    flat = rng.choice(array.size, min(count, array.size), replace=False)
    return [tuple(int(i) for i in np.unravel_index(place, array.shape)) for place in flat]


smooth = Network(Dense(5, 8), Dense(8, 3))
x, labels = rng.normal(size=(7, 5)), rng.integers(0, 3, 7)
smooth.gradients(x, labels)
first = smooth.layers[0]
steps = np.logspace(-12, 0, 49)
errors = [
    abs(finite_difference(smooth, first.weights["W"], (2, 3), x, labels, h) - exact)
    for exact in [first.gradients["W"][2, 3]]
    for h in steps
]
plt.figure(figsize=(6, 3.2))
plt.loglog(steps, np.maximum(errors, 1e-16), ".-")
plt.loglog(steps[24:], 0.1 * steps[24:] ** 2, "k:", label="$h^2$: Taylor")
plt.loglog(steps[:33], 1e-17 / steps[:33], "k--", label="$1/h$: rounding")
plt.xlabel("$h$")
plt.ylabel("error of the difference")
plt.title("too large and too small are both wrong")
plt.legend()
plt.show()

# %% [markdown]
# The error is smallest near $h = 10^{-5}$, where about ten digits agree. Had our gradient been
# wrong, the curve would have no valley: it would run flat at the size of the mistake.
#
# Now each array of a network, at a number of places:


# %%
def check(network, x, labels, count=20):
    """Prints how far our gradients are from finite differences; fails beyond 1e-6."""
    _, g = network.gradients(x, labels)
    arrays = [(name, layer.weights[key], layer.gradients[key])
              for name, key, layer in network.parameters()]  # fmt: skip
    for name, array, gradient in [*arrays, ("input", x, g)]:
        assert gradient.shape == array.shape, name
        places = some_places(array, count)
        measured = [finite_difference(network, array, p, x, labels) for p in places]
        error = max(abs(m - gradient[p]) for m, p in zip(measured, places, strict=True))
        print(f"{name:12} {array.shape!s:16} largest error {error:.1e}")
        assert error < 1e-6, f"the gradient of {name} is wrong"


mlp = Network(Dense(2, 64), ReLU(), Dense(64, 64), ReLU(), Dense(64, 3))
check(mlp, rng.normal(size=(16, 2)), rng.integers(0, 3, 16))

# %% [markdown]
# ## 7. The MLP learns three spiral arms
#
# The simplest use of a gradient is a step against it. With *momentum*, a weight keeps rolling in
# the direction in which it went before:
#
# $$v \leftarrow \mu v - \eta\, G_\theta, \qquad \theta \leftarrow \theta + v .$$
#
# Valleys that are steep across and flat along make plain steps zigzag; momentum averages the zigzag
# away.


# %%
def train(network, x, labels, epochs, rate, batch=32, momentum=0.9):
    """Stochastic gradient descent with momentum. Returns the loss of each step."""
    speeds = {name: np.zeros_like(layer.weights[key]) for name, key, layer in network.parameters()}
    losses = []
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for first in range(0, len(x), batch):
            chosen = order[first : first + batch]
            loss, _ = network.gradients(x[chosen], labels[chosen])
            losses.append(loss)
            for name, key, layer in network.parameters():
                speeds[name] = momentum * speeds[name] - rate * layer.gradients[key]
                layer.weights[key] += speeds[name]
    return losses


def accuracy(network, x, labels):
    return np.mean(network.logits(x).argmax(axis=1) == labels)


turn = np.tile(np.linspace(0.3, 2.2, 150), 3)
arm = np.repeat(np.arange(3), 150)
angle = 2 * np.pi * arm / 3 + 2.4 * turn + rng.normal(0, 0.12, turn.shape)
points = turn[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)

losses = train(mlp, points, arm, epochs=60 if QUICK else 200, rate=0.03)
right = accuracy(mlp, points, arm)
print(f"loss {losses[0]:.2f} -> {np.mean(losses[-15:]):.3f}; {right:.1%} right")
assert right > 0.9

# %%
axis = np.linspace(-2.5, 2.5, 200)
plane = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
mlp.loss.forward(mlp.logits(plane), np.zeros(len(plane), int))
colours = np.array([[0.85, 0.33, 0.31], [0.25, 0.55, 0.80], [0.40, 0.70, 0.40]])
painted = (np.exp(mlp.loss.log_probabilities) @ colours).reshape(200, 200, 3)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), width_ratios=(1, 1.1))
left.imshow(painted, extent=(-2.5, 2.5, -2.5, 2.5), origin="lower", alpha=0.6)
left.scatter(*points.T, c=colours[arm], s=9, edgecolor="white", linewidth=0.3)
left.set_title("what the MLP says of each point")
right.semilogy(losses, lw=0.6)
right.set(title="loss on each batch", xlabel="step", ylabel="nats")
plt.show()

# %% [markdown]
# Straight lines, bent at ReLUs, glued together: the borders are made of straight pieces, and there
# are enough of them to follow a spiral.

# %% [markdown]
# ## 8. Convolution
#
# A convolution looks at a small patch of the picture at a time, with the same weights everywhere.
# With a kernel of side $s$, no padding and stride 1,
#
# $$Y_{nijk} = b_k + \sum_{u=0}^{s-1} \sum_{v=0}^{s-1} \sum_c
#   X_{n,\,i+u,\,j+v,\,c}\; W_{uvck} .$$
#
# (As in all deep-learning libraries the kernel is not flipped; a signal theorist would say
# *cross-correlation*.)
#
# Seven indices look frightening. But take one output pixel $(n, i, j)$: the sum runs over all
# numbers of its patch. So **write each patch as a row** of a matrix $P$, with $(u, v, c)$ as its
# columns, and the kernel as a matrix with as many rows. Then
#
# $$Y = P\,W + b ,$$
#
# a dense layer! This rearrangement is called *im2col*. It copies each pixel up to $s^2$ times, and
# in return one large matrix product does all of the work, which is what computers do best.
#
# Here it is for one channel, a picture of 4x4 and a kernel of 3x3: four patches, four rows.


# %%
def im2col(x, side):
    """Pictures `[n, h, w, c]` to their patches `[n, h - side + 1, w - side + 1, side, side, c]`."""
    patches = np.lib.stride_tricks.sliding_window_view(x, (side, side), axis=(1, 2))
    return patches.transpose(0, 1, 2, 4, 5, 3)  # NumPy puts the window's axes last


def draw_numbers(axes, array, title, shown=None):
    axes.imshow(array if shown is None else shown, cmap="YlGnBu", vmin=0, vmax=22)
    for (row, column), value in np.ndenumerate(array):
        axes.text(column, row, f"{value:g}", ha="center", va="center", fontsize=9)
    axes.set(title=title, xticks=[], yticks=[])


small = np.arange(16.0).reshape(1, 4, 4, 1)
rows = im2col(small, 3).reshape(4, 9)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 2.6), width_ratios=(4, 9))
draw_numbers(left, small[0, ..., 0], "picture")
draw_numbers(right, rows, "im2col: one patch a row")
plt.show()

# %% [markdown]
# ### The way back
#
# $Y = PW + b$ is a dense layer, and we have its gradients already, with $P$ in the place of $X$:
#
# $$G_W = P^\top G, \qquad G_b = \sum_{nij} G_{nij\cdot}, \qquad G_P = G\,W^\top .$$
#
# What is left is the step from $P$ to $X$. `im2col` *copied* pixel $(i+u, j+v)$ to the places
# $(i, j, u, v)$ of $P$. What was copied forward is added backward:
#
# $$\frac{\partial L}{\partial X_{n,p,q,c}} = \sum_{i+u=p}\ \sum_{j+v=q} (G_P)_{nijuvc} .$$
#
# This is *col2im*. Rather than to gather for each pixel, we walk over the $s^2$ places $(u, v)$ in
# the patch, and add all patches' gradients for that place at once, shifted by $(u, v)$.
#
# The picture shows how often each pixel of our 4x4 picture was copied, which is `col2im` of ones:
# the middle acts on more outputs than the corners, and gets more gradient.


# %%
def col2im(g, shape):
    """The adjoint of `im2col`: adds gradients of patches up, into pictures of that shape."""
    total = np.zeros(shape)
    _, height, width, side, _, _ = g.shape
    for u in range(side):
        for v in range(side):
            total[:, u : u + height, v : v + width] += g[:, :, :, u, v]
    return total


counted = col2im(np.ones((1, 2, 2, 3, 3, 1)), (1, 4, 4, 1))[0, ..., 0]
figure, axes = plt.subplots(figsize=(2.4, 2.4))
draw_numbers(axes, counted, "copies of each pixel", 4 * counted)
plt.show()


# %%
class Convolution:
    """`[n, h, w, inputs]` to `[n, h - side + 1, w - side + 1, outputs]`: no padding."""

    def __init__(self, side: int, inputs: int, outputs: int):
        self.side, self.outputs = side, outputs
        deviation = np.sqrt(2 / (side * side * inputs))
        self.weights = {
            "W": rng.normal(0, deviation, (side, side, inputs, outputs)),
            "b": np.zeros(outputs),
        }

    def forward(self, x):
        patches = im2col(x, self.side)
        self.shape, self.patches_shape = x.shape, patches.shape
        self.rows = patches.reshape(-1, patches[0, 0, 0].size)  # P
        y = self.rows @ self.weights["W"].reshape(-1, self.outputs) + self.weights["b"]
        return y.reshape(*patches.shape[:3], self.outputs)

    def backward(self, g):
        g = g.reshape(-1, self.outputs)
        self.gradients = {
            "W": (self.rows.T @ g).reshape(self.weights["W"].shape),
            "b": g.sum(axis=0),
        }
        rows = g @ self.weights["W"].reshape(-1, self.outputs).T  # the gradient of P
        return col2im(rows.reshape(self.patches_shape), self.shape)


# %% [markdown]
# *Adjoint* means: $\langle \mathrm{im2col}(x), p\rangle = \langle x, \mathrm{col2im}(p)\rangle$ for
# any $x$ and $p$, as for a matrix and its transpose. That is a check in one line, without any
# network:

# %%
x, p = rng.normal(size=(2, 9, 8, 3)), rng.normal(size=(2, 5, 4, 5, 5, 3))
one, other = np.sum(im2col(x, 5) * p), np.sum(x * col2im(p, x.shape))
print(f"{one:.12f}\n{other:.12f}")
assert abs(one - other) < 1e-9

# %% [markdown]
# ## 9. Max pooling
#
# The picture is cut into blocks of 2x2, and the largest number of each block is kept. It was
# copied; the other three changed nothing. So the gradient of a block goes **to the winner, all of
# it**, and the others get zero. We remember who won.
#
# Where two are equally large there is no derivative, and the first one is taken. That happens all
# the time behind a ReLU, when a whole block is zero, and there it does not matter: the ReLU stops
# what comes back at a zero in any case.


# %%
class MaxPooling:
    """`[n, h, w, c]` to `[n, h / 2, w / 2, c]`."""

    weights = ()

    def forward(self, x):
        n, h, w, c = self.shape = x.shape
        blocks = x.reshape(n, h // 2, 2, w // 2, 2, c).transpose(0, 1, 3, 5, 2, 4)
        blocks = blocks.reshape(n, h // 2, w // 2, c, 4)
        self.winner = blocks.argmax(axis=-1)[..., None]
        return np.take_along_axis(blocks, self.winner, axis=-1)[..., 0]

    def backward(self, g):
        n, h, w, c = self.shape
        blocks = np.zeros((n, h // 2, w // 2, c, 4))
        np.put_along_axis(blocks, self.winner, g[..., None], axis=-1)
        blocks = blocks.reshape(n, h // 2, w // 2, c, 2, 2).transpose(0, 1, 4, 2, 5, 3)
        return blocks.reshape(self.shape)


class Flatten:
    """`[n, ...]` to `[n, features]`: a change of shape, undone on the way back."""

    weights = ()

    def forward(self, x):
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, g):
        return g.reshape(self.shape)


# %% [markdown]
# ## 10. The CNN
#
# Two stages of convolution, ReLU and pooling, then a dense layer, much as in LeNet (LeCun et al.
# 1998): 28x28 → 24x24 → 12x12 → 8x8 → 4x4, and 256 features at the end. First its gradients by
# finite differences, on a few random pictures.

# %%
cnn = Network(
    Convolution(5, 1, 8), ReLU(), MaxPooling(),
    Convolution(5, 8, 16), ReLU(), MaxPooling(),
    Flatten(), Dense(256, 10),
)  # fmt: skip
check(cnn, rng.normal(size=(4, 28, 28, 1)), rng.integers(0, 10, 4), count=10)

# %% [markdown]
# Then every number of every gradient against TensorFlow, which differentiates the same net by its
# own rules. Its tape does what `Network.gradients` does: it writes down the operations of the
# forward pass, and walks back over the list.


# %%
def tensorflow_gradients(network, x, labels):
    """The loss and all gradients of `cnn` or `mlp`, by TensorFlow, with the same weights."""
    given = tf.constant(x)
    weights = [tf.Variable(layer.weights[key]) for _, key, layer in network.parameters()]
    with tf.device("CPU"), tf.GradientTape() as tape:
        tape.watch(given)
        y, left = given, list(weights)
        for layer in network.layers:
            if isinstance(layer, Dense):
                y = y @ left.pop(0) + left.pop(0)
            elif isinstance(layer, Convolution):
                y = tf.nn.conv2d(y, left.pop(0), strides=1, padding="VALID") + left.pop(0)
            elif isinstance(layer, MaxPooling):
                y = tf.nn.max_pool2d(y, 2, 2, padding="VALID")
            else:
                y = tf.nn.relu(y) if isinstance(layer, ReLU) else tf.reshape(y, [len(x), -1])
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, y)
        loss = tf.reduce_mean(losses)
        return loss.numpy(), [g.numpy() for g in tape.gradient(loss, [*weights, given])]


def compare(network, x, labels):
    """Our gradients beside TensorFlow's: every number, to 1e-6 and in fact to rounding."""
    loss, g = network.gradients(x, labels)
    expected_loss, expected = tensorflow_gradients(network, x, labels)
    assert abs(loss - expected_loss) < 1e-6
    names = [name for name, _, _ in network.parameters()]
    ours = [layer.gradients[key] for _, key, layer in network.parameters()]
    for name, mine, theirs in zip([*names, "input"], [*ours, g], expected, strict=True):
        error = np.abs(mine - theirs).max()
        print(f"{name:16} {mine.size:6,} numbers, largest difference {error:.1e}")
        assert error < 1e-6, f"the gradient of {name} is not TensorFlow's"


print("MLP")
compare(mlp, rng.normal(size=(16, 2)), rng.integers(0, 3, 16))
print("CNN")
compare(cnn, rng.normal(size=(16, 28, 28, 1)), rng.integers(0, 10, 16))

# %% [markdown]
# Differences of $10^{-16}$ are one unit in the last of `float64`'s digits: the sums were taken in
# another order, and nothing else.

# %% [markdown]
# ## 11. It learns to see
#
# A few hundred pictures are enough to see it learn. In full mode these are garments of
# Fashion-MNIST (28x28 grey; from `$ZOO_DATA`, or downloaded by tensorflow-datasets). Without a
# network, and in quick mode, they are digits drawn with a font.

# %%
count, kept = (400, 100) if QUICK else (3000, 500)  # to learn from, and to test on
try:
    if QUICK:
        raise ZooError("quick mode")
    fashion = sources.load("fashion_mnist", channels=1).subset(slice(count + kept))
    pictures, labels, classes = np.stack(fashion.images), fashion.labels, fashion.classes
except ZooError as why:
    print(f"drawn digits, because of: {why}")
    (pictures, labels), classes = drawn_digits(count + kept), tuple("0123456789")

x = pictures / 255 - 0.5  # float64, the black at -0.5
figure, axes = plt.subplots(1, 10, figsize=(10, 1.4))
for number, ax in enumerate(axes):
    ax.imshow(pictures[number, ..., 0], cmap="gray")
    ax.set_title(classes[labels[number]], fontsize=8)
    ax.axis("off")
plt.show()

# %%
before = accuracy(cnn, x[count:], labels[count:])
losses = train(cnn, x[:count], labels[:count], epochs=6 if QUICK else 10, rate=0.02)
after = accuracy(cnn, x[count:], labels[count:])
print(f"right on {kept} pictures that it never saw: {before:.0%} before, {after:.0%} after")
assert after > 0.7 > before

plt.figure(figsize=(6, 2.6))
plt.plot(losses, lw=0.7)
plt.axhline(np.log(10), color="gray", ls=":", label="guessing: log 10")
plt.xlabel("step")
plt.ylabel("loss, nats")
plt.legend()
plt.show()

# %% [markdown]
# The curve begins near $\log 10 \approx 2.3$ nats, the loss of one who thinks all ten classes
# equally likely (a fresh net is a little worse, being sure of nonsense), and falls from there.
#
# ## 12. What a gradient looks like
#
# `Network.gradients` also gave us $G_X$, the gradient in the *picture*. We did not need it to
# learn, but it is worth a look: it says how each pixel should change to make the net more wrong.
# It is strong where the net looks, and zero where no pixel matters.

# %%
shown = slice(count, count + 6)
_, g = cnn.gradients(x[shown], labels[shown])
figure, axes = plt.subplots(2, 6, figsize=(9, 3.2))
for column in range(6):
    limit = np.abs(g[column]).max()
    axes[0, column].imshow(x[shown][column, ..., 0], cmap="gray")
    axes[0, column].set_title(classes[labels[shown][column]], fontsize=9)
    axes[1, column].imshow(g[column, ..., 0], cmap="RdBu", vmin=-limit, vmax=limit)
for ax in axes.flat:
    ax.axis("off")
figure.suptitle("pictures; below, where more light raises the loss (blue) or lowers it (red)")
plt.show()

# %% [markdown]
# And the first layer's kernels, 5x5 each, with what they make of one picture. After so few steps
# the kernels still look much like the noise that they began as. Their answers do not: some light
# up at left edges, some at right ones, some inside of strokes.

# %%
kernels = cnn.layers[0].weights["W"]
answers = cnn.layers[1].forward(cnn.layers[0].forward(x[count : count + 1]))
figure, axes = plt.subplots(2, 8, figsize=(10, 2.7))
for number in range(8):
    axes[0, number].imshow(kernels[:, :, 0, number], cmap="gray")
    axes[1, number].imshow(answers[0, ..., number], cmap="magma")
for ax in axes.flat:
    ax.axis("off")
plt.show()

# %% [markdown]
# ## Your turn
#
# You have `check` and `compare`: whatever you build, you can know whether it is right.
#
# 1. **Break it.** Leave out `/ len(g)` in the loss, or flip a sign in `col2im`. Which lines of
#    `check` notice, and why those?
# 2. **Padding.** Give `Convolution` zero padding, so that the output is as large as the input. What
#    does the way back do with the gradient of the zeros?
# 3. **Average pooling** in place of max pooling. Derive the backward pass before you read on: each
#    of four pixels acts with a factor of 1/4.
# 4. **A skip connection**, $Y = X + f(X)$. $X$ was copied: what has to be added?
# 5. **Tanh** in place of ReLU: $\tanh' = 1 - \tanh^2$. Now stack ten dense layers, and print the
#    size of the gradient at each. This is why ReLU won.
# 6. **Batch normalisation.** The mean and the variance depend on every row, so every row acts on
#    every other one. A page of algebra, and the finite differences will tell you when it is right.
