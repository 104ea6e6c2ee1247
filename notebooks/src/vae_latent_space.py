# %% [markdown]
# # The latent space of a VAE
#
# A variational autoencoder lays pictures out in a space: near each other if they look alike, and
# with no holes, so that every point in it is a picture. You will see all of such a space at once
# (it has two dimensions), find where real pictures lie in it, walk from one to another, and look
# at what a space of 32 dimensions keeps that two cannot.

# %%
import os
import tempfile
from pathlib import Path
from statistics import NormalDist

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import zoo
from shared.digits import drawn_digits
from zoo.data import sources
from zoo.images.sheet import grid
from zoo.storage import weights

QUICK = os.environ.get("ZOO_QUICK") == "1"  # a short training on drawn digits
WORK = Path(tempfile.mkdtemp(prefix="zoo_"))  # all files of this notebook go here

# %% [markdown]
# ## What it learns
#
# The **encoder** looks at a picture $x$ and answers with a normal distribution $q(z \mid x)$: a
# mean and a variance for each latent number. The **decoder** takes a point $z$ and answers with a
# picture: how probable it is that each pixel is white. What is maximised is a bound on the log
# likelihood of the pictures, the *evidence lower bound* (Kingma, Welling 2014):
#
# $$\log p(x) \;\ge\; \underbrace{\mathbb{E}_{q(z|x)}\big[\log p(x \mid z)\big]}_{\text{how well the
# picture is made again}} \;-\; \underbrace{\mathrm{KL}\big(q(z \mid x)\,\Vert\,\mathcal{N}(0,
# I)\big)}_{ \text{how far its cloud is from the normal one}} .$$
#
# The two terms pull against each other. The first wants each picture to have a small cloud of its
# own, far from all others. The second wants all clouds to be the same, wide and in the middle. The
# compromise: clouds that touch, and that overlap where pictures look alike. That is what makes the
# space smooth.
#
# To draw $z$ and still have a gradient, write it as $z = \mu + \sigma \odot \varepsilon$ with
# normal noise $\varepsilon$: the randomness is now an input, and $\mu$ and $\sigma$ are
# differentiated as usual. This is the *reparameterisation trick*.
#
# ## Pictures and nets
#
# The nets with published weights are loaded. A name that has none yet is trained here, by a shorter
# run than its recipe's. The pictures are MNIST (from `$ZOO_DATA`, or downloaded by
# tensorflow-datasets); without a network, and in quick mode, digits drawn with a font.


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
    data, pictures = "mnist", sources.load("mnist", channels=1)
except zoo.ZooError as why:
    print(f"drawn digits, because of: {why}")
    data = drawn_folder(WORK / "digits", 600 if QUICK else 5000)
    pictures = sources.load(data, channels=1)
images = np.stack(pictures.images[-500:])
labels = pictures.labels[-500:]


def loaded(name):
    """The net of a name: with its published weights, or trained here."""
    if weights.published(zoo.entry(name)):
        return zoo.load(name)
    if QUICK:
        changes = {
            "steps": 240,
            "every": 120,
            "batch": 32,
            "warmup": 20,
            "beta_steps": 60,
            "ema": 0.9,
        }
    else:
        changes = {"steps": 2500, "every": 500, "ema": 0.99}
    run = zoo.train(name, WORK / name, data=data, holdout=0, precision="float32", **changes)
    return zoo.load(name, run)


flat, full = loaded("vae_mnist_2d"), loaded("vae_mnist")
print(flat, full, sep="\n")

# %% [markdown]
# ## The whole space at once
#
# `vae_mnist_2d` has two latents, so its space is a plane, and we can decode a grid of its points.
# Equal steps would show mostly the far outside, where hardly any picture lies. Instead we take the
# **quantiles** of the normal distribution, so that each cell stands for the same share of all
# pictures.


# %%
def manifold(pipeline, side=18):
    """Decodes a grid of the plane, by quantiles of the normal distribution."""
    shares = (np.arange(side) + 0.5) / side
    quantiles = np.array([NormalDist().inv_cdf(share) for share in shares])
    across, down = np.meshgrid(quantiles, -quantiles)  # up is up
    return pipeline.decode(np.stack([across, down], axis=-1).reshape(-1, 2))


made = manifold(flat)
plt.figure(figsize=(7, 7))
plt.imshow(grid(np.rint(made * 255).astype(np.uint8), columns=18, gap=0), cmap="gray")
plt.title("every digit that two numbers can say")
plt.axis("off")
plt.show()

# %% [markdown]
# One digit flows into the next. Between two kinds lies something that is neither: the decoder gives
# the mean of what it could be, and so it is blurred there.
#
# ## Where real pictures lie
#
# The encoder gives the mean of each picture's cloud, and its size. Every point below is a picture,
# with the colour of its digit, which **the net was never told**. For some, the ellipse of one
# standard deviation is drawn.

# %%
mean, logvar = flat.encode(images)
figure, ax = plt.subplots(figsize=(6.5, 5.6))
points = ax.scatter(*mean.T, c=labels, cmap="tab10", vmin=-0.5, vmax=9.5, s=14)
angle = np.linspace(0, 2 * np.pi, 40)
circle = np.stack([np.cos(angle), np.sin(angle)])
for center, variance in list(zip(mean, logvar, strict=True))[:40]:
    ax.plot(*(center[:, None] + np.exp(variance / 2)[:, None] * circle), color="gray", lw=0.5)
figure.colorbar(points, ticks=range(10))
ax.set(xlabel="first latent", ylabel="second latent", aspect="equal")
plt.show()

# %% [markdown]
# ## What two numbers lose
#
# A picture is encoded, and its mean decoded again. Two numbers say *which digit, and roughly how it
# leans*. Thirty-two also say how it was written.


# %%
def show_rows(rows, title):
    """Rows of pictures, uint8 `[n, 28, 28, 1]` each."""
    plt.figure(figsize=(10, 0.95 * len(rows)))
    plt.imshow(grid(np.concatenate(rows), columns=len(rows[0])), cmap="gray")
    plt.title(title, fontsize=10)
    plt.axis("off")
    plt.show()


def squared_error(again, originals):
    """Mean squared error a pixel, with white as 1."""
    return np.mean(np.square((again.astype(float) - originals) / 255))


chosen = images[:14]
again = {pipeline.spec.latent: pipeline.reconstruct(chosen) for pipeline in (flat, full)}
show_rows([chosen, again[2], again[32]], "pictures; made again from 2 numbers; from 32")
for count, result in again.items():
    print(f"{count:2} numbers: squared error {squared_error(result, chosen):.4f}")
assert squared_error(again[32], chosen) < squared_error(again[2], chosen)

# %% [markdown]
# ## From one picture to another
#
# Encode two pictures, walk between the two points, and decode the way. Below it, for comparison,
# is what mixing the *pixels* gives: two ghosts, one fading in and one fading out. In the latent
# space one digit bends into the other, and every step on the way could be somebody's handwriting.

# %%
first, last = (images[labels == digit][0] for digit in (4, 9))
(start, _), (end, _) = full.encode(first), full.encode(last)
walk = full.interpolate(start, end, count=12)
share = np.linspace(0, 1, 12)[:, None, None, None]
mixed = np.rint((1 - share) * first + share * last).astype(np.uint8)
show_rows([walk, mixed], "above: a walk in the latent space; below: pixels mixed")

# %% [markdown]
# ## New pictures
#
# Draw $z$ from the normal distribution and decode. In two dimensions nearly every sample is
# plausible and plain; in 32, some fall between the clouds.

# %%
show_rows([flat.sample(14, seed=1), full.sample(14, seed=1)], "samples: 2 latents; 32 latents")

# %% [markdown]
# ## Which of the 32 are in use?
#
# The KL term costs something for each latent that says anything. One that does not help the
# picture enough falls asleep: its mean is 0 and its variance 1, whatever the picture. Count those
# whose mean varies over pictures (Burda et al. 2016 take a variance of 0.01 as the border).

# %%
means, _ = full.encode(images)
variances = np.sort(means.var(axis=0))[::-1]
plt.figure(figsize=(7, 2.6))
plt.bar(range(1, 33), variances)
plt.axhline(0.01, color="gray", ls=":")
plt.yscale("log")
plt.xlabel("latent, by how much it says")
plt.ylabel("variance of its mean")
plt.show()
print(f"{np.sum(variances > 0.01)} of 32 latents are active")

# %% [markdown]
# ## Walking along one of them
#
# Take a picture and change only the latent that says most. What does it mean? Often something that
# one could name: slant, width, weight of the stroke. Nothing in the training asks for names,
# though, and another training would cut the space along other axes.

# %%
order = np.argsort(-means.var(axis=0))
rows = []
for latent in order[:3]:
    walk = np.repeat(means[:1], 12, axis=0)
    walk[:, latent] = np.linspace(-2.5, 2.5, 12)
    rows.append(np.rint(full.decode(walk) * 255).astype(np.uint8))
show_rows(rows, "one picture, with its three most telling latents changed, one a row")
