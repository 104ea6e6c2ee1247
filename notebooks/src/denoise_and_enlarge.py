# %% [markdown]
# # Denoise and enlarge photographs
#
# What the restoration nets do to a photograph: to one that comes with scikit-image, or to **your
# own**. Before and after, what was taken away, how large pictures go through in tiles without a
# seam, what eight turned copies gain, and where each net ends.
#
# In Colab: upload a picture (the folder symbol at the left), and set `PHOTO` to its name below.

# %%
import os
import time

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from skimage import data

import zoo
from zoo.images.pixels import open_image, to_uint8
from zoo.images.resize import reduce
from zoo.images.tiling import tiled
from zoo.metrics.quality import psnr, ssim

QUICK = os.environ.get("ZOO_QUICK") == "1"  # smaller pictures
PHOTO = None  # such as "holiday.jpg"

if PHOTO:
    picture = open_image(PHOTO).convert("RGB")
    picture.thumbnail((800, 800))  # larger ones work as well, and take longer
else:
    side = 168 if QUICK else 384
    picture = Image.fromarray(data.astronaut()[:side, 80 : 80 + side])
height, width = picture.height // 12 * 12, picture.width // 12 * 12  # can be reduced by 2, 3, 4
photo = np.asarray(picture)[:height, :width]
print(f"{photo.shape[1]}x{photo.shape[0]} pixels")


# %%
def show(pictures, width=3.6, **options):
    """Pictures in a row, each under its title."""
    figure, axes = plt.subplots(1, len(pictures), figsize=(width * len(pictures), width + 0.4))
    for ax, (title, picture) in zip(np.atleast_1d(axes), pictures.items(), strict=True):
        ax.imshow(picture, **({"cmap": "gray", "vmin": 0, "vmax": 255} | options))
        ax.set_title(title, fontsize=10)
        ax.axis("off")
    figure.tight_layout()
    plt.show()


def with_noise(picture, sigma, seed=0):
    """Adds white Gaussian noise of a standard deviation in grey levels; uint8 again."""
    noise = np.random.default_rng(seed).normal(0, sigma, picture.shape)
    return np.rint(np.clip(picture + noise, 0, 255)).astype(np.uint8)


# %% [markdown]
# ## Noise, before and after
#
# Two figures go with each picture. **PSNR** compares pixel by pixel, in decibels: 6 dB more means
# half the error. **SSIM** compares small windows by brightness, contrast and structure; 1 is
# equal.

# %%
noisy = with_noise(photo, 25)
denoise = zoo.load("dncnn_s25")
restored = denoise(noisy)


def rated(title, result, original=None):
    original = photo if original is None else original
    return f"{title}: {psnr(result, original):.2f} dB, SSIM {ssim(result, original):.3f}"


show({"original": photo, rated("noisy", noisy): noisy, rated("restored", restored): restored})
assert psnr(restored, photo) > psnr(noisy, photo) + 5

# %% [markdown]
# ## What was taken away
#
# A denoiser should remove noise and nothing else, so *noisy minus restored* should look like pure
# noise. Wherever you can recognise the picture in it, the net took detail for noise. Beside it is
# the error that is left, *restored minus original*: it sits at fine texture and edges.

# %%
removed = noisy.astype(float) - restored
left_over = restored.astype(float) - photo
grey = {
    f"removed: deviation {removed.std():.1f}": removed.mean(axis=-1),
    f"left over: deviation {left_over.std():.1f}": left_over.mean(axis=-1),
}
show(grey, width=4.5, vmin=-40, vmax=40)

# %% [markdown]
# The noise had a deviation of 25 (a little less, as it was cut off at black and white).
#
# ## Eight turned copies
#
# A net does not give exactly the same answer for a turned picture. Restore it in all eight
# rotations and mirrorings, turn the answers back, and take their mean: the errors that differ
# cancel. This is
# *self-ensemble*. It costs eight times the time; there is no training and nothing to set.

# %%
crop = (slice(0, 96), slice(0, 96)) if QUICK else (slice(0, 240), slice(0, 240))
began = time.perf_counter()
once = denoise(noisy[crop])
middle = time.perf_counter()
eight = denoise(noisy[crop], ensemble=True)
print(rated("once ", once, photo[crop]), f"in {middle - began:.1f} s")
print(rated("eight", eight, photo[crop]), f"in {time.perf_counter() - middle:.1f} s")
assert psnr(eight, photo[crop]) > psnr(once, photo[crop])

# %% [markdown]
# ## A specialist and a generalist
#
# `dncnn_s25` knows one noise level. `dncnn_blind` was trained on any from 0 to 55, and is not told
# which. On its own level the specialist wins by a little; elsewhere it fails: with less noise it
# removes too much, with more it leaves the rest standing.

# %%
blind = zoo.load("dncnn_blind")
sigmas = (10, 25, 45) if QUICK else (5, 10, 15, 20, 25, 30, 35, 45, 55)
figures = {"noisy": [], "dncnn_s25": [], "dncnn_blind": []}
for sigma in sigmas:
    damaged = with_noise(photo[crop], sigma)
    for title, result in zip(figures, (damaged, denoise(damaged), blind(damaged)), strict=True):
        figures[title].append(psnr(result, photo[crop]))

plt.figure(figsize=(6, 3.2))
for title, values in figures.items():
    plt.plot(sigmas, values, "k:" if title == "noisy" else "o-", label=title)
plt.xlabel("noise, standard deviation in grey levels")
plt.ylabel("PSNR, dB")
plt.legend()
plt.show()
assert figures["dncnn_blind"][-1] > figures["dncnn_s25"][-1]

# %% [markdown]
# ## Large pictures in tiles
#
# A picture of 12 million pixels does not fit through 64 channels at once: that would be 3 GB for
# each layer. Pipelines cut large pictures into tiles of 512 by themselves, **and the result is the
# same**. An output pixel sees no farther than `spec.receptive_radius` input pixels, so each tile is
# computed with a border that wide around it, and the border is thrown away.
#
# Here with small tiles of 64, so that we can see it; and once without the border, to see why it is
# there.

# %%
grey_picture = np.asarray(Image.fromarray(noisy).convert("L"))
values = grey_picture[None, ..., None].astype(np.float32) / 255
whole = denoise.run(values)
seamless = tiled(denoise.run, values, denoise.spec.receptive_radius, tile=64)
careless = tiled(denoise.run, values, receptive_radius=0, tile=64)
print(f"receptive radius: {denoise.spec.receptive_radius} pixels")
print(f"largest difference from the whole: {np.abs(seamless - whole).max():.1e} of white")
print(f"without the border around tiles:   {np.abs(careless - whole).max():.1e}")
seams = np.abs(careless - whole)[0, ..., 0] * 255
show({"tiles with their border": seamless[0, ..., 0] * 255, "seams without it, x 10": 10 * seams})
assert np.abs(seamless - whole).max() < 1e-5 < np.abs(careless - whole).max()

# %% [markdown]
# ## Enlarging
#
# We reduce the photograph three times, so that there is an original to compare with, and enlarge
# it again: by repeating pixels, by bicubic interpolation, and by `srcnn_x3`, which sharpens what
# bicubic gives. (For your own picture as it is: `zoo.load("srcnn_x3")(picture)`.)

# %%
scale = 3
small = to_uint8(reduce(photo[None] / np.float32(255), scale).numpy()[0])
size = photo.shape[1::-1]
nearest = np.asarray(Image.fromarray(small).resize(size, Image.Resampling.NEAREST))
bicubic = np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC))
enlarged = zoo.load(f"srcnn_x{scale}")(small)

face = (slice(20, 140), slice(76, 166)) if QUICK else (slice(40, 220), slice(60, 240))
results = {"pixels": nearest, "bicubic": bicubic, "srcnn": enlarged, "original": photo}
titles = {k: f"{k}: {psnr(v, photo):.2f} dB" if k != "original" else k for k, v in results.items()}
show({titles[key]: picture[face] for key, picture in results.items()}, width=3)
assert psnr(enlarged, photo) > psnr(bicubic, photo)

# %% [markdown]
# Edges are sharper. What was lost is still lost: a net that is trained for the least squared error
# gives the *mean* of all pictures that would fit, and a mean is soft. It invents nothing.
#
# ## Where it ends
#
# These nets know Gaussian noise that is independent from pixel to pixel. The grain of a real
# camera has been through its own processing and JPEG, and is not of that kind. Blotches in place
# of grain are the simplest example: noise that was blurred. The net takes it for the picture.

# %%
rng = np.random.default_rng(1)
fine = rng.normal(0, 1, photo.shape)
blurred = sum(np.roll(fine, (y, x), (0, 1)) for y in range(-2, 3) for x in range(-2, 3))
blotchy = np.rint(np.clip(photo + 25 * blurred / blurred.std(), 0, 255)).astype(np.uint8)
tried = blind(blotchy)
show({rated("blotchy", blotchy): blotchy, rated("tried", tried): tried}, width=4.5)
