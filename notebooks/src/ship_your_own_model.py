# %% [markdown]
# # Ship your own Keras model
#
# You have a Keras 3 model that works. This takes it to files for a phone, tells on **your
# pictures** what each precision costs, finds the layers that int8 hurts, and trains the model to
# bear it.
#
# The model here is small and made on the spot: it tells from which photograph a piece of 32x32
# pixels was cut. Put your own in its place: everything below takes any functional or Sequential
# model, or a `.keras` file.

# %%
import os
import tempfile
from pathlib import Path

import keras
import numpy as np
from PIL import Image
from skimage import data

import zoo
from zoo.export.assess import assess
from zoo.export.calibration import inputs
from zoo.export.mixed import losses
from zoo.quantization.aware import calibrate, deliver
from zoo.tasks.functions import functions

QUICK = os.environ.get("ZOO_QUICK") == "1"  # fewer steps
WORK = Path(tempfile.mkdtemp(prefix="zoo_"))  # all files of this notebook go here
SIDE, SEED = 32, 0
keras.utils.set_random_seed(SEED)

# %% [markdown]
# ## Pictures in folders
#
# One folder a class, as everybody has them. `train` and `test` are cut from different halves.

# %%
PHOTOGRAPHS = {"astronaut": data.astronaut, "cat": data.chelsea, "coffee": data.coffee,
               "retina": data.retina, "rocket": data.rocket}  # fmt: skip
rng = np.random.default_rng(SEED)
for label, read in PHOTOGRAPHS.items():
    photograph = read()
    middle = photograph.shape[1] // 2
    for part, half, count in (("train", photograph[:, :middle], 120),
                              ("test", photograph[:, middle:], 60)):  # fmt: skip
        folder = WORK / part / label
        folder.mkdir(parents=True)
        for number in range(count):
            top, left = (rng.integers(0, side - SIDE) for side in half.shape[:2])
            Image.fromarray(half[top : top + SIDE, left : left + SIDE]).save(
                folder / f"{number}.png"
            )
print(sum(1 for _ in WORK.rglob("*.png")), "pictures")

# %% [markdown]
# ## A model, as you may have one
#
# Nothing in it knows the zoo. It takes pixels in -1..1, as MobileNet does, and gives logits.

# %%
layers = keras.layers


def block(x, channels, stride=1):
    """A depthwise convolution and a pointwise one."""
    x = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(x)
    x = layers.ReLU(6)(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Conv2D(channels, 1, use_bias=False)(x)
    return layers.ReLU(6)(layers.BatchNormalization(momentum=0.9)(x))


image = keras.Input((SIDE, SIDE, 3))
x = layers.Conv2D(16, 3, 2, padding="same", use_bias=False)(image)
x = layers.ReLU(6)(layers.BatchNormalization(momentum=0.9)(x))
for channels, stride in ((32, 1), (48, 2), (48, 1), (64, 2)):
    x = block(x, channels, stride)
x = layers.GlobalAveragePooling2D()(x)
net = keras.Model(image, layers.Dense(len(PHOTOGRAPHS))(x), name="pieces")

pictures = keras.utils.image_dataset_from_directory(
    WORK / "train", image_size=(SIDE, SIDE), batch_size=32, seed=SEED, verbose=False
)
labels = pictures.class_names
net.compile(
    keras.optimizers.Adam(3e-3),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
scaled = pictures.map(lambda pixels, label: (pixels / 127.5 - 1, label))
net.fit(scaled, epochs=6 if QUICK else 12, verbose=0)
net.save(WORK / "pieces.keras")

# %% [markdown]
# ## Wrap it
#
# `pixels` is the range that the model takes: the conversion goes **into** the files, which all take
# 0..1. `examples` are pictures as it will meet them: int8 ranges are measured on them.

# %%
pipeline = zoo.wrap(
    WORK / "pieces.keras",
    labels=labels,
    pixels="-1..1",
    examples=f"folder:{WORK / 'train'}",
)
example = sorted((WORK / "test" / "cat").glob("*.png"))[0]
print(pipeline(example)[0])

# %% [markdown]
# ## Export, verify, measure
#
# Every file is run beside the model, in another process: the largest and the mean difference, the
# accuracy on your test pictures, the interval that the difference lies in (95 %), and a time. On
# the command line the same is
# `zoo export pieces.keras --labels labels.txt --pixels -1..1 --to files --format all
# --calibration folder:train --data folder:test`.

# %%
folder = zoo.export(pipeline, WORK / "files", formats="all")
test = f"folder:{WORK / 'test'}"
found = assess(pipeline, folder, test)

print(found)

# %% [markdown]
# ## Where int8 loses
#
# Each layer is rounded by itself, on your pictures. What loses most can stay in float32:
# `zoo.export(..., keep_float=[...])`, or `mixed="auto"`, which keeps the fewest that meet the
# bound.

# %%
(function,) = functions(pipeline)
float_file = (folder / "pieces_float32_free.tflite").read_bytes()
for loss in losses(float_file, function, "pieces", inputs(pipeline, function))[:5]:
    print(f"{loss.layer:24} {loss.error:.4f}")

# %% [markdown]
# ## Train it to bear int8
#
# `zoo.quantize_aware` gives a twin that computes as the int8 file will: some hundred steps of
# `fit` at a small rate. `deliver` gives the plain model back. In one command:
# `zoo train pieces.keras --quantize-aware --labels labels.txt --pixels -1..1 --data folder:train`.

# %%
twin = zoo.quantize_aware(net)
calibrate(twin, np.concatenate([given.numpy() for given, _ in scaled]))
twin.compile(
    keras.optimizers.Adam(1e-4),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
)
twin.fit(scaled, epochs=1 if QUICK else 10, verbose=0)
tuned = zoo.wrap(
    deliver(twin), labels=labels, pixels="-1..1", name="tuned", examples=f"folder:{WORK / 'train'}"
)
files = zoo.export(tuned, WORK / "tuned", formats=["float32_free", "int8"])
print(assess(tuned, files, test))

# %% [markdown]
# ## Keep it
#
# `save` writes the `.keras` file with labels, preprocessing and a sample of the examples;
# `zoo.load(folder)` gives the pipeline back, and every command takes the folder in a name's place.

# %%
tuned.save(WORK / "mine")
again = zoo.load(WORK / "mine")
assert again(example)[0].label == tuned(example)[0].label
print(again)
