# %% [markdown]
# # Your photographs to a file for the phone
#
# A few dozen photographs of each class are enough for a classifier of your own: the net has already
# learnt to see, on a million others. Its layers stay, its last one is new, and in the end the last
# blocks are trained a little further. Here: from a folder to a verified int8 file.
#
# Your photographs: one folder a class, such as `photos/cat/1.jpg`, with any picture files in it, in
# any sizes. In Colab, make a `.zip` of that folder; the next cell asks for it (*Cancel* goes on
# with a demonstration). Anywhere else, set `FOLDER` to the folder, or to the `.zip`.

# %%
import contextlib
import csv
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from skimage import data

import zoo
from zoo.data import folders, sources
from zoo.export.assess import assess
from zoo.metrics.recognition import probabilities
from zoo.tasks import mistakes

QUICK = os.environ.get("ZOO_QUICK") == "1"  # fewer steps
WORK = Path(tempfile.mkdtemp(prefix="zoo_"))  # all files of this notebook go here
FOLDER = os.environ.get("ZOO_PHOTOS")  # such as "photos", or "photos.zip"
IN_COLAB = "google.colab" in sys.modules
if IN_COLAB and not FOLDER:
    from google.colab import files as colab

    FOLDER = next(iter(colab.upload()), None)

# %% [markdown]
# ## The pictures
#
# Without a folder of yours, pieces are cut from four photographs of surfaces.


# %%
def demonstration(folder):
    """Pieces of 64x64 pixels that do not overlap, a folder a photograph."""
    for name in ("brick", "coins", "grass", "gravel"):
        photograph, side = getattr(data, name)(), 64
        rows, columns = (length // side for length in photograph.shape[:2])
        (folder / name).mkdir(parents=True)
        for number in range(min(rows * columns, 24)):
            top, left = (side * place for place in divmod(number, columns))
            piece = photograph[top : top + side, left : left + side]
            Image.fromarray(piece).save(folder / name / f"{number:02}.png")
    return folder


def opened(path):
    """The folder that has the classes: a `.zip` may have it inside another."""
    if Path(path).suffix.lower() == ".zip":
        shutil.unpack_archive(path, WORK / "unpacked")
        shutil.rmtree(WORK / "unpacked" / "__MACOSX", ignore_errors=True)
        path = WORK / "unpacked"
    inside = [p for p in Path(path).iterdir() if p.is_dir() and not p.name.startswith(".")]
    return opened(inside[0]) if len(inside) == 1 else Path(path)


folder = opened(FOLDER) if FOLDER else demonstration(WORK / "surfaces")
parts = {name: folders.part(folder, name) for name in ("train", "test")}  # if you made such folders
classes = sorted(path.name for path in (parts["train"] or folder).iterdir() if path.is_dir())
print(f"{len(classes)} classes: {', '.join(classes)}")

# %% [markdown]
# Every fifth picture of a class is **held out**: nothing is learnt from it, nothing is chosen by
# it, so in the end it can tell how good the net is. Photographs of one scene, seconds apart, should
# be on one side alone: make folders `train` and `test` yourself, in each a folder a class, if you
# have such.

# %%
lists = {"train": [], "test": []}
for name in classes:
    for number, path in enumerate(folders.pictures_in((parts["train"] or folder) / name)):
        held_out = number % 5 == 0 and not parts["test"]
        lists["test" if held_out else "train"].append((path.resolve(), name))
    if parts["test"]:
        lists["test"] += [
            (path.resolve(), name) for path in folders.pictures_in(parts["test"] / name)
        ]
for part, rows in lists.items():
    with (WORK / f"{part}.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
train, test = (f"folder:{WORK / part}.csv" for part in lists)
print({part: len(rows) for part, rows in lists.items()})

figure, axes = plt.subplots(1, 8, figsize=(12, 2))
for ax, number in zip(axes, np.linspace(0, len(lists["train"]) - 1, 8).astype(int), strict=True):
    path, name = lists["train"][number]
    with contextlib.suppress(OSError):  # a damaged one, which the training leaves out, too
        ax.imshow(Image.open(path), cmap="gray")
    ax.set_title(name, fontsize=8)
    ax.axis("off")
plt.show()

# %% [markdown]
# ## Train
#
# First the net looks at each picture once, and a last layer is fitted to what it sees: that takes
# seconds, and is most of the way. Then its last blocks are trained, as long as the loss on some
# more pictures that are held out falls. The same on the command line:
# `zoo train efficientnet_lite0 --data folder:photos --run runs/mine`

# %%
run = zoo.train("efficientnet_lite0", WORK / "mine", data=train, **{"steps": 2} if QUICK else {})
facts = json.loads((run / "run.json").read_text(encoding="utf-8"))
if "held_out" in facts:
    print(f"{facts['held_out']['accuracy']:.1f} % right of {facts['held_out']['count']} held out")

# %% [markdown]
# ## Use it
#
# A picture in, your classes out, the most probable first.

# %%
classify = zoo.load(run)
path, name = lists["test"][0]
print(f"a picture of {name}:")
for label, probability in classify(path)[:3]:
    print(f"{label:12} {probability:.1%}")

# %% [markdown]
# ## Files for the phone
#
# In three precisions; preprocessing and labels are inside, and int8 ranges are measured on your own
# training pictures. Each file is run in another process beside the net and checked; then **each is
# measured on the photographs that were held out**: its accuracy, the difference from the net, and
# the interval that this lies in.

# %%
folder = zoo.export(
    classify, WORK / "files", formats=("float32_static", "float16", "dynamic_range", "int8")
)
found = assess(classify, folder, test)
print(found)
assert found.passed

# %% [markdown]
# ## Look at the mistakes
#
# To the left what each class (a row) was taken for, in percent; to the right the pictures that the
# net was most sure of, and wrong. Often they teach more about the *pictures* than about the net:
# wrong labels, cut-off pictures, two classes that even you would confuse.

# %%
pictures = sources.load(test, 3, size=classify.spec.size)
seen = probabilities(classify.infer, pictures)
plt.figure(figsize=(12, 5))
plt.imshow(mistakes.sheet_of(seen, pictures, classify.spec.labels))
plt.axis("off")
plt.show()

# %% [markdown]
# ## Take it with you
#
# The int8 file is the one for a phone; `export.json` beside it says all that an app has to know.
# For Android and iOS there is code in `export/android` and `export/ios` of the repository;
# [`ship_to_a_phone`](ship_to_a_phone.ipynb) tells all about the files.

# %%
phone = next(folder.glob("*int8.tflite"))
print(f"{phone.name}: {phone.stat().st_size / 1e6:.1f} MB")
if IN_COLAB:
    colab.download(str(phone))
    colab.download(str(folder / "export.json"))
