# %% [markdown]
# # Train a DCGAN
#
# Two nets play against each other. The **generator** makes pictures from random numbers; the
# **critic** looks at real pictures and at made ones, and scores them. Each learns from the other,
# and in the end the generator draws digits that nobody wrote.
#
# You will see why such a game can go round in circles for ever, what the *R1 penalty* does about
# it, and the net learning to draw. In full mode this takes a few minutes on Colab's free GPU
# (choose
# *Runtime > Change runtime type > T4*), and longer without one.

# %%
import os
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import zoo
from shared.digits import drawn_digits
from zoo.data import sources
from zoo.images.sheet import grid
from zoo.training import log

QUICK = os.environ.get("ZOO_QUICK") == "1"  # a few steps on drawn digits
WORK = Path(tempfile.mkdtemp(prefix="zoo_"))  # all files of this notebook go here

# %% [markdown]
# ## The game
#
# Let $x$ be a real picture, $z$ random numbers, $G(z)$ what the generator makes of them, and
# $D(\cdot)$ the critic's score, any real number. In Goodfellow et al. (2014) the critic is a
# classifier, *real or made*, with the logistic loss; write $s(t) = \log(1 + e^t)$ (softplus):
#
# $$L_D = s(-D(x)) + s(D(G(z))), \qquad L_G = -s(D(G(z))) .$$
#
# **The first trouble.** At the beginning made pictures are easy to tell: $D(G(z))$ is very
# negative, and there this $L_G$ is flat. The generator learns nothing just when it has everything
# to learn. The same paper offers $L_G = s(-D(G(z)))$, the *non-saturating* loss: it is steep
# exactly there.
#
# **The second trouble.** Each score is judged by itself, so the generator may satisfy the critic
# with one single good picture: *mode collapse*. This recipe compares **pairs**
# (Jolicoeur-Martineau 2019):
#
# $$L_D = s\big(D(G(z)) - D(x)\big), \qquad L_G = s\big(D(x) - D(G(z))\big) .$$
#
# Only the difference counts: *this real picture should look more real than that made one*, and the
# other way round. With every kind of real picture as a rival, one good trick is no longer enough.

# %%
score = np.linspace(-6, 6, 200)
softplus = np.logaddexp(0, score)
plt.figure(figsize=(6, 3))
plt.plot(score, -softplus, label="saturating: $-s(D)$")
plt.plot(score, np.logaddexp(0, -score), label="non-saturating: $s(-D)$")
plt.axvspan(-6, -3, color="gray", alpha=0.15, label="where a fresh generator is")
plt.xlabel("score of a made picture; relativistic: minus that of a real one")
plt.ylabel("the generator's loss")
plt.legend()
plt.show()

# %% [markdown]
# ## Why it goes round in circles, and what the penalty does
#
# Take the smallest game there is (Mescheder et al. 2018). The real "picture" is always the number
# 0. The generator makes the number $\theta$. The critic is a line, $D(x) = \psi x$. With the
# losses above, gradient descent by both players gives
#
# $$\dot\theta = \sigma(-\psi\theta)\,\psi, \qquad \dot\psi = -\sigma(\psi\theta)\,\theta ,$$
#
# where $\sigma$ is the logistic function. The solution is $\theta = 0$, $\psi = 0$: the right
# number, and a critic that sees no difference. But near it this is $\dot\theta \approx \psi/2$,
# $\dot\psi \approx -\theta/2$: **a rotation**. They chase each other around the solution. (Farther
# out, the factors $\sigma(\cdot)$ draw the circle in a little; the nearer, the less they do.)
#
# Add to the critic's loss half of $\gamma$ times its squared slope *at the real data*, the **R1
# penalty** $\tfrac{\gamma}{2}\lVert\nabla_x D(x)\rVert^2$. Here the slope is $\psi$ itself, so
# $\dot\psi$ gets a term $-\gamma\psi$: friction. Circles become a spiral that ends in the solution.


# %%
def play(penalty, steps=600, rate=0.1):
    """The way of `(theta, psi)` in the smallest game, both moving in turn."""
    theta, psi, way = 1.0, 0.5, []
    for _ in range(steps):
        psi -= rate * (theta / (1 + np.exp(-psi * theta)) + penalty * psi)
        theta += rate * psi / (1 + np.exp(psi * theta))
        way.append((theta, psi))
    return np.array(way)


circling, settled = play(0.0), play(0.3)
figure, axes = plt.subplots(1, 2, figsize=(7, 3.4), sharex=True, sharey=True)
titles = ("without penalty", "with R1, $\\gamma$ = 0.3")
for ax, way, title in zip(axes, (circling, settled), titles, strict=True):
    ax.plot(*way.T, lw=0.8)
    ax.plot(0, 0, "k*", ms=10)
    ax.set(title=title, xlabel="$\\theta$, the generator", aspect="equal")
axes[0].set_ylabel("$\\psi$, the critic")
plt.show()
assert np.abs(settled[-1]).max() < 1e-3 < np.abs(circling[-50:]).max()

# %% [markdown]
# In words: a critic whose slope is small at real pictures cannot chase the generator away from
# them once it is there. The recipe penalises the slope at made pictures too (*R2*; Huang et al.
# 2024), as in the beginning the two are far apart. For a real net $\nabla_x D$ comes from a tape
# of its own, inside of the tape that trains the critic: a gradient of a gradient. It is in
# `zoo/training/steps.py`, in about thirty lines.
#
# ## The nets
#
# The generator takes 100 normal numbers and a digit as one-hot, and doubles its picture twice, by
# transposed convolutions: 7x7 → 14x14 → 28x28. After each a plain convolution follows, and the last
# of these gives the picture. The critic goes the opposite way.

# %%
entry = zoo.entry("dcgan_mnist")
print(entry.name, entry.summary)
for net in (entry.build(), entry.critic()):
    print(f"\n{net.name}: {net.count_params():,} weights")
    for layer in net.layers:
        print(f"  {layer.name:10} {type(layer).__name__:20} {layer.output.shape[1:]}")

# %% [markdown]
# ## The data
#
# MNIST: from `$ZOO_DATA`, or downloaded by tensorflow-datasets. Without a network, and in quick
# mode, digits drawn with a font, in a folder for each class.


# %%
def drawn_folder(folder, count):
    """Drawn digits as files, one folder a class; returns the name that the zoo reads them by."""
    for number, (image, label) in enumerate(zip(*drawn_digits(count), strict=True)):
        target = folder / str(label)
        target.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(target / f"{number:05}.png")
    return f"folder:{folder}"


try:
    if QUICK:
        raise zoo.ZooError("quick mode")
    name, pictures = "mnist", sources.load("mnist", channels=1)
except zoo.ZooError as why:
    print(f"drawn digits, because of: {why}")
    name = drawn_folder(WORK / "digits", 320 if QUICK else 5000)
    pictures = sources.load(name, channels=1)

plt.imshow(grid(np.stack(pictures.images[:40]), columns=10), cmap="gray")
plt.title(f"real: 40 of {len(pictures):,}")
plt.axis("off")
plt.show()

# %% [markdown]
# ## Training
#
# `zoo.train` takes the recipe of the name; what you pass replaces a field of it. The recipe of
# record takes 24,000 steps. Here are fewer, and the learning rate falls to zero over them all the
# same. In float32 it trains on any GPU, as T4 has no bfloat16. If you interrupt the cell and run
# it again, it goes on where it was.

# %%
if QUICK:
    changes = {"steps": 24, "every": 8, "batch": 16, "warmup": 4, "ema": 0.5}
else:
    changes = {"steps": 1500, "every": 150, "batch": 64, "ema": 0.99}
run = zoo.train("dcgan_mnist", WORK / "run", data=name, holdout=0, precision="float32", **changes)
print(sorted(path.name for path in run.iterdir()))

# %% [markdown]
# ## Watching it learn
#
# The same 64 random vectors, drawn every so often; in reading order they show 0 to 9 in turn. First
# come blots, then strokes, then digits.

# %%
frames = sorted((run / "samples").glob("*.png"))
chosen = [frames[i] for i in np.linspace(0, len(frames) - 1, min(4, len(frames))).astype(int)]
figure, axes = plt.subplots(1, len(chosen), figsize=(3.2 * len(chosen), 3.5))
for ax, path in zip(np.atleast_1d(axes), chosen, strict=True):
    ax.imshow(Image.open(path), cmap="gray")
    ax.set_title(f"step {int(path.stem):,}")
    ax.axis("off")
plt.tight_layout()
plt.show()
assert len(frames) == changes["steps"] // changes["every"]

# %% [markdown]
# ## Reading the curves
#
# The losses of a GAN **do not fall**, and that is no failure: each is measured against an opponent
# that gets better as well. With the relativistic loss, $\log 2 \approx 0.69$ means that the critic
# sees no difference. What to look for:
#
# * the critic a little below $\log 2$, the generator above, both level: a fair game;
# * the critic's loss near 0: it has won, and the generator learns little; raise `penalty`;
# * the critic's loss at $\log 2$ and its slope near 0, pictures without detail: it is held down;
#   lower `penalty` (for these nets 1.0 is too much after 6,000 steps, and 0.1 is not);
# * the slope growing without end: the game is about to break; raise `penalty`, or lower the rate.

# %%
rows = log.read(run / "log.csv")
steps = [row["step"] for row in rows]
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3))
left.plot(steps, [row["loss"] for row in rows], "o-", label="generator")
left.plot(steps, [row["critic_loss"] for row in rows], "o-", label="critic")
left.axhline(np.log(2), color="gray", ls=":", label="log 2: no difference seen")
left.set(xlabel="step", title="losses")
left.legend()
right.plot(steps, [row["slope"] for row in rows], "o-", color="tab:green")
right.set(xlabel="step", title="squared slope, the part that is penalised")
plt.show()

# %% [markdown]
# ## Using it
#
# Load the run by its folder. `sample` draws new pictures, of a class if you ask for one; the same
# seed gives the same pictures.

# %%
generate = zoo.load("dcgan_mnist", run)
columns = [generate.sample(6, seed=3, label=label) for label in generate.spec.labels]
sheet = grid(np.stack(columns, axis=1).reshape(-1, 28, 28, 1), columns=10)
plt.figure(figsize=(7, 4.4))
plt.imshow(sheet, cmap="gray")
plt.title("each column a class, each row the same random numbers")
plt.axis("off")
plt.show()
again = generate.sample(6, seed=3, label="7")
assert np.array_equal(again, columns[7])

# %% [markdown]
# Look along a row: the class changes, and slant and weight of the stroke stay. The net was never
# told about slant; it found out that this is what digits of one hand have in common.
#
# From one vector to another, along a great circle (hardly any of a 100-dimensional normal
# distribution lies near its middle, which a straight line would cross):

# %%
digits = [generate.codes(1, seed, label) for seed, label in ((1, "3"), (2, "3"), (3, "8"))]
ways = [generate.interpolate(digits[0][0], other[0], count=12) for other in digits[1:]]
plt.figure(figsize=(10, 2))
plt.imshow(grid(np.concatenate(ways), columns=12), cmap="gray")
plt.title("above: from one 3 to another; below: from a 3 to an 8")
plt.axis("off")
plt.show()

# %% [markdown]
# ## Is it good?
#
# Pictures persuade; figures decide. `zoo evaluate dcgan_mnist --weights RUN` measures the Fréchet
# distance of made to real test pictures in the features of a classifier, and their coverage:
# whether every kind of real picture has made ones near it. Eyes are bad at noticing what is
# missing.
#
# Things to try: `penalty=0` (watch the slope), `loss="non_saturating"`, `optimizer="adam_half"`
# with `learning_rate=2e-4` (the recipe of the DCGAN paper), or `zoo.train("mlp_gan_mnist", ...)`,
# the same game without convolutions.
