# %% [markdown]
# # Quickstart
#
# A name gives you a model with its weights and its preprocessing. Here you load three of them, run
# them on photographs, look at what they do, and take one to a file that runs on a phone. Ten cells
# of code, a minute or two on a processor; nothing is downloaded but the package itself.

# %%
import os
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageDraw
from skimage import data

import zoo
from zoo.export import report
from zoo.export.verify import verify_folder
from zoo.export.write import export
from zoo.images.pixels import to_uint8
from zoo.images.resize import reduce
from zoo.metrics.quality import psnr

QUICK = os.environ.get("ZOO_QUICK") == "1"  # smaller pictures
WORK = Path(tempfile.mkdtemp(prefix="zoo_"))  # all files of this notebook go here
print(f"zoo {zoo.__version__}; files go to {WORK}")

# %% [markdown]
# Every model has a name. The index knows what it does, how it was trained, and on what it was
# measured. Asking it loads no TensorFlow yet.

# %%
for task in ("classify", "denoise", "upscale", "generate", "autoencode"):
    print(f"{task:10}  {', '.join(zoo.names(task=task))}")
entry = zoo.entry("dncnn_s25")
print(f"\n{entry.name} {entry.summary}\n{entry.parameters:,} weights; {entry.paper}")

# %% [markdown]
# ## A photograph without its noise
#
# A photograph from scikit-image gets Gaussian noise with a standard deviation of 25 grey levels.
# `dncnn_s25` was trained for exactly that. A pipeline takes paths, Pillow images and arrays, of any
# size, and gives back the kind of thing that came.

# %%
side = 160 if QUICK else 300
photo = data.chelsea()[:side, 90 : 90 + side]
noise = np.random.default_rng(0).normal(0, 25, photo.shape)
noisy = np.rint(np.clip(photo + noise, 0, 255)).astype(np.uint8)

denoise = zoo.load("dncnn_s25")
restored = denoise(noisy)
print(denoise, restored.shape, restored.dtype, sep="\n")
assert psnr(restored, photo) > psnr(noisy, photo) + 5

# %% [markdown]
# PSNR, the peak signal-to-noise ratio, says in decibels how near a picture is to the original. Six
# decibels halve the error.


# %%
def show(**pictures):
    """Pictures in a row, each under its name."""
    figure, axes = plt.subplots(1, len(pictures), figsize=(3.4 * len(pictures), 3.7))
    for ax, (title, picture) in zip(np.atleast_1d(axes), pictures.items(), strict=True):
        ax.imshow(picture, cmap="gray", vmin=0, vmax=255)
        ax.set_title(title.replace("_", " "))
        ax.axis("off")
    figure.tight_layout()
    plt.show()


print(f"noisy {psnr(noisy, photo):.1f} dB, restored {psnr(restored, photo):.1f} dB")
show(original=photo, noisy=noisy, restored=restored)

# %% [markdown]
# ## A picture three times as large
#
# `srcnn_x3` enlarges. We make the small picture from the large one (with the zoo's own bicubic), so
# that we know what it should look like; beside it is what Pillow's bicubic gives.

# %%
large = data.astronaut()[:180, 140:320]
small = to_uint8(reduce(large[None] / np.float32(255), 3).numpy()[0])
bicubic = np.asarray(Image.fromarray(small).resize(large.shape[1::-1], Image.Resampling.BICUBIC))
enlarged = zoo.load("srcnn_x3")(small)
print(f"bicubic {psnr(bicubic, large):.1f} dB, srcnn_x3 {psnr(enlarged, large):.1f} dB")
show(small=small, bicubic=bicubic, srcnn_x3=enlarged, original=large)
assert psnr(enlarged, large) > psnr(bicubic, large)

# %% [markdown]
# ## What is this?
#
# `cnn_fashion` tells ten kinds of garments apart, as in Fashion-MNIST: light on black, centred,
# 28x28 (other sizes are resized). Here are three garments, drawn with Pillow. For each picture the
# answer is a list of all classes, the most probable first.

# %%
OUTLINES = {  # corners on a sheet of 28x28
    "trousers": [(9, 1), (19, 1), (21, 27), (16, 27), (14, 9), (12, 27), (7, 27)],
    "T-shirt": [(9, 3), (12, 5), (16, 5), (19, 3), (26, 9), (23, 13), (20, 11), (20, 26), (8, 26),
                (8, 11), (5, 13), (2, 9)],
    "boot": [(15, 2), (22, 2), (23, 26), (20, 26), (19, 23), (16, 26), (3, 26), (4, 21), (14, 16)],
}  # fmt: skip
classify = zoo.load("cnn_fashion")
drawn = {}
for name, corners in OUTLINES.items():
    sheet = Image.new("L", (112, 112))
    ImageDraw.Draw(sheet).polygon([(4 * x, 4 * y) for x, y in corners], fill=200)
    drawn[name] = np.asarray(sheet)
    best = ", ".join(f"{label} {share:.0%}" for label, share in classify(drawn[name])[:3])
    print(f"{name:9} -> {best}")
show(**drawn)

# %% [markdown]
# It has seen photographs of garments only, and yet flat drawings of them are mostly clear to it. It
# **always** names one of its ten classes: of a photograph of a cat, too.
#
# ## To a file for the phone
#
# `export` writes a SavedModel and two TFLite files, one for pictures of any size and one for a
# fixed size, with the preprocessing inside. On the command line: `zoo export dncnn_s25 --to
# files`.

# %%
folder = export(denoise, WORK / "files", static_size=64)
for path in sorted(folder.iterdir()):
    print(f"{path.name:34} {path.stat().st_size:>12,} bytes" if path.is_file() else f"{path.name}/")

# %% [markdown]
# `verify` runs each file in another process or runtime, on published inputs and on fresh ones, and
# compares with the net: no file should be shipped on trust. On the command line: `zoo verify
# files`.

# %%
result = verify_folder(folder)
print(report.text(result))
assert result["passed"]

# %% [markdown]
# Last, the TFLite file by itself, as an app would run it: LiteRT, and no zoo. Pixels are float32 in
# [0, 1], `[b, h, w, c]`. The net is a grey one, so the three colour channels go in as a batch.

# %%
runner = Interpreter(str(folder / "dncnn_s25_float32_free.tflite")).get_signature_runner("serve")
channels = np.moveaxis(noisy, -1, 0)[..., None].astype(np.float32) / 255
answer = np.moveaxis(runner(image=channels)["restored"][..., 0], 0, -1)
on_phone = np.rint(answer * 255).astype(np.uint8)
difference = np.abs(on_phone.astype(int) - restored)
print(f"largest difference from Python: {difference.max()} of 255")
show(noisy=noisy, from_the_file=on_phone)
assert difference.max() <= 1

# %% [markdown]
# ## Where to go on
#
# * [`denoise_and_enlarge`](denoise_and_enlarge.ipynb): your own photographs.
# * [`fine_tune_your_photos`](fine_tune_your_photos.ipynb): your own classes.
# * [`train_dcgan`](train_dcgan.ipynb) and [`vae_latent_space`](vae_latent_space.ipynb): nets that
#   make pictures.
# * [`ship_to_a_phone`](ship_to_a_phone.ipynb): all about the files.
# * [`backpropagation_by_hand`](backpropagation_by_hand.ipynb): how any of this can learn.
