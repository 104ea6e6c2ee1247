# %% [markdown]
# # A classifier for your own classes
#
# A few hundred pictures are too few to train a net from nothing. They are enough for one that has
# already learnt to see: its layers stay, the last one is new. That is *fine-tuning*, in two phases:
#
# 1. **frozen**: only the new last layer learns;
# 2. **unfrozen**: all layers learn, in small steps.
#
# A pipeline's net is a plain Keras model, so all of this is `compile` and `fit`. In the end you
# look at the mistakes, and export the net for a phone.
#
# Your pictures: one folder for each class, with any picture files in it. In Colab, upload such a
# folder and set `FOLDER` below. Without one, shapes are drawn.

# %%
import json
import os
import tempfile
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageDraw

import zoo
from zoo.export import report
from zoo.export.artifacts import export
from zoo.export.verify import verify

QUICK = os.environ.get("ZOO_QUICK") == "1"  # fewer pictures and epochs
WORK = Path(tempfile.mkdtemp(prefix="zoo_"))  # all files of this notebook go here
FOLDER = None  # such as "my_pictures", with my_pictures/cat/1.jpg and so on
keras.utils.set_random_seed(1)

# %% [markdown]
# ## Pictures in folders
#
# Drawn shapes, of any size, place, angle and brightness, with noise: easy for you, and not what
# the net was trained on, which is garments.

# %%
CORNERS = {"circle": 40, "square": 4, "star": 10, "triangle": 3}


def shape(kind, rng):
    """A light shape on a dark ground with noise, uint8 `[48, 48]`."""
    corners = CORNERS[kind]
    radius, turn = rng.uniform(10, 20), rng.uniform(0, 2 * np.pi)
    radii = radius * (np.where(np.arange(corners) % 2, 0.45, 1) if kind == "star" else 1)
    angles = turn + 2 * np.pi * np.arange(corners) / corners
    middle = 24 + rng.uniform(-4, 4, 2)
    points = middle + np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.c_[radii]
    sheet = Image.new("L", (48, 48), int(rng.integers(0, 40)))
    ImageDraw.Draw(sheet).polygon([tuple(p) for p in points], fill=int(rng.integers(90, 255)))
    return np.uint8(np.clip(np.asarray(sheet) + rng.normal(0, 12, (48, 48)), 0, 255))


def draw_folder(folder, count):
    """`count` pictures of each kind, in a folder each."""
    rng = np.random.default_rng(0)
    for kind in CORNERS:
        (folder / kind).mkdir(parents=True)
        for number in range(count):
            Image.fromarray(shape(kind, rng)).save(folder / kind / f"{number:03}.png")
    return folder


folder = Path(FOLDER) if FOLDER else draw_folder(WORK / "shapes", 60 if QUICK else 150)
classes = sorted(path.name for path in folder.iterdir() if path.is_dir())
print(classes)

# %% [markdown]
# ## The net, with a new head
#
# `classes=` keeps all weights but those of the last layer, which is made anew with as many outputs
# as there are classes. The same call with `weights=None` gives a net that has never seen anything;
# we train it beside ours, to know what the old weights are worth.

# %%
own = zoo.load("cnn_fashion", classes=classes)
fresh = zoo.load("cnn_fashion", weights=None, classes=classes)
print(own.spec.labels, own.net.output_shape)

# %% [markdown]
# Keras reads the folders. The net wants grey pictures of 28x28, and pixels in the range that
# `spec.encode` gives. A quarter of the pictures is kept out: nothing is learnt from it, so it can
# tell how good the net is.


# %%
def arrays(dataset):
    """All of a data set in memory: what the net takes, and the numbers of the classes."""
    batches = [(own.spec.encode(x / 255).numpy(), y.numpy()) for x, y in dataset]
    return tuple(np.concatenate(part) for part in zip(*batches, strict=True))


height, width, _ = own.spec.shape
learnt, kept = keras.utils.image_dataset_from_directory(
    folder,
    class_names=classes,
    color_mode="grayscale",
    image_size=(height, width),
    crop_to_aspect_ratio=True,
    validation_split=0.25,
    subset="both",
    seed=1,
)
(x, y), (x_kept, y_kept) = arrays(learnt), arrays(kept)


def show(pictures, titles, columns=8):
    """Small pictures with titles."""
    rows = -(-len(pictures) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(1.35 * columns, 1.6 * rows), squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for ax, picture, title in zip(axes.flat, pictures, titles, strict=False):
        ax.imshow(own.spec.decode(picture)[..., 0], cmap="gray", vmin=0, vmax=1)
        ax.set_title(title, fontsize=8)
    figure.tight_layout()
    plt.show()


print(f"{len(x)} pictures to learn from, {len(x_kept)} kept out")
show(x[:16], [classes[label] for label in y[:16]])

# %% [markdown]
# ## First the head, then all of it
#
# The new layer begins with random weights, and its first gradients are large and mean nothing. Let
# through, they would shake the layers before it out of what they know. So these are **frozen** at
# first; `zoo.tasks.heads.freeze` sets `trainable = False` on all but the last, and batch
# normalisation then keeps its statistics.
#
# After that, everything learns, at a tenth of the rate. (`compile` again after changing
# `trainable`: otherwise Keras goes on as before.)


# %%
def fit(net, rate, epochs):
    """Adam and cross entropy; returns the accuracy on the pictures kept out after each epoch."""
    optimizer, loss = keras.optimizers.Adam(rate), "sparse_categorical_crossentropy"
    net.compile(optimizer, loss, metrics=["accuracy"])
    options = {"validation_data": (x_kept, y_kept), "batch_size": 32, "verbose": 0}
    return net.fit(x, y, epochs=epochs, **options).history["val_accuracy"]


head, whole = (4, 6) if QUICK else (10, 15)  # epochs of each phase
zoo.tasks.heads.freeze(own.net)
curve = fit(own.net, rate=1e-2, epochs=head)
for layer in own.net.layers:
    layer.trainable = True
curve += fit(own.net, rate=1e-3, epochs=whole)
from_nothing = fit(fresh.net, rate=1e-3, epochs=head + whole)
print(f"fine-tuned {curve[-1]:.1%}, from nothing {from_nothing[-1]:.1%}")

# %%
plt.figure(figsize=(6, 3))
epochs = range(1, head + whole + 1)
plt.plot(epochs, curve, "o-", label="fine-tuned")
plt.plot(epochs, from_nothing, "o-", label="from nothing")
plt.axvline(head + 0.5, color="gray", ls=":", label="unfrozen")
plt.axhline(1 / len(classes), color="gray", ls="--", label="guessing")
plt.xlabel("epoch")
plt.ylabel("right, of those kept out")
plt.legend(loc="upper left")
plt.show()
assert curve[-1] > 1.5 / len(classes)

# %% [markdown]
# If the frozen phase alone is good enough, your pictures resemble what the net knew. If unfreezing
# adds much, as here, they do not: shapes are no garments. And if *from nothing* catches up, you
# have more pictures than you thought.
#
# ## Look at the mistakes
#
# One figure hides what matters. Which class is taken for which? And which pictures? Sorted by the
# probability that the right class got, the worst come first. Often they teach more about the *data*
# than about the net: wrong labels, cut-off pictures, two classes that even you would confuse.

# %%
probabilities = own.net.predict(x_kept, verbose=0)
answers = probabilities.argmax(axis=1)
table = np.zeros((len(classes), len(classes)), int)
np.add.at(table, (y_kept, answers), 1)

figure, ax = plt.subplots(figsize=(4, 3.6))
ax.imshow(table, cmap="Blues")
for (row, column), count in np.ndenumerate(table):
    colour = "white" if 2 * count > table.max() else "black"
    ax.text(column, row, count, ha="center", va="center", color=colour)
places = range(len(classes))
ax.set_xticks(places, classes, rotation=45)
ax.set_yticks(places, classes)
ax.set(xlabel="answer", ylabel="right")
plt.show()

# %%
right = probabilities[np.arange(len(y_kept)), y_kept]
worst = right.argsort()[:8]
titles = [f"{classes[y_kept[i]]} {right[i]:.0%}\nanswer: {classes[answers[i]]}" for i in worst]
show(x_kept[worst], titles)

# %% [markdown]
# ## It is a pipeline like any other
#
# It takes pictures of any size, colour or grey, and gives your labels.

# %%
picture = next(p for p in sorted((folder / classes[0]).iterdir()))
for label, probability in own(picture):
    print(f"{label:10} {probability:.1%}")

# %% [markdown]
# ## To the phone
#
# The files have the preprocessing inside, and `export.json` has the labels. `verify` compares them
# with the net in memory, as these weights exist nowhere else.

# %%
files = export(own, WORK / "files")
result = verify(files, own)
print(report.text(result))
assert result["passed"]

# %%
manifest = json.loads((files / "export.json").read_text(encoding="utf-8"))
path = files / manifest["artifacts"]["float32_static"]["path"]
runner = Interpreter(str(path)).get_signature_runner(manifest["signature"])
pixels = own.spec.decode(x_kept[:1])
probs = runner(image=pixels)["probs"][0]
print(f"in LiteRT: {manifest['labels'][probs.argmax()]}; it is a {classes[y_kept[0]]}")
assert np.allclose(probs, probabilities[0], atol=1e-4)

# %% [markdown]
# ## The same in one line
#
# The zoo's own training does this too, resumable and with the recipe's augmentation:
#
# ```sh
# zoo train cnn_fashion --from cnn_fashion --data folder:my_pictures --run runs/mine
# zoo run cnn_fashion --weights runs/mine picture.jpg
# zoo export cnn_fashion --weights runs/mine --to files
# ```
#
# To keep what you have just trained: `own.net.save("mine.keras")`.
