# %% [markdown]
# # Ship a model to a phone
#
# From a name to a file in an app: what is exported, what the app has to know about it, how it runs
# in LiteRT (the runtime that used to be called TensorFlow Lite), how a large photograph goes
# through a small file, and what it looks like when something is wrong.

# %%
import hashlib
import json
import math
import os
import tempfile
import textwrap
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from skimage import data

import zoo
from zoo.export.write import export

QUICK = os.environ.get("ZOO_QUICK") == "1"  # smaller pictures
WORK = Path(tempfile.mkdtemp(prefix="zoo_"))  # all files of this notebook go here

# %% [markdown]
# ## Export
#
# Each model becomes a SavedModel, for servers, and TFLite files, for phones. Of the latter, *free*
# takes pictures of any size, and *static* one size only, here with a side of `SIDE`. Accelerators
# (GPU, NPU) want the static one. The preprocessing is inside in either case: pixels in, pixels
# out.

# %%
SIDE = 96 if QUICK else 256
pipeline = zoo.load("dncnn_s25")
folder = export(pipeline, WORK / "files", static_size=SIDE)
for path in sorted(folder.glob("*.*")):
    print(f"{path.name:36} {path.stat().st_size:>10,} bytes")

# %% [markdown]
# ## What the app has to know
#
# It is in `export.json`, written for programs. Do not copy these things by hand into an app:
# generate them, as below, and a new export cannot silently disagree with old code.

# %%
manifest = json.loads((folder / "export.json").read_text(encoding="utf-8"))
static = manifest["artifacts"]["float32_static"]
print(json.dumps(static, indent=2))
for key in ("name", "task", "signature", "scale", "receptive_radius"):
    print(f"{key:10} {manifest[key]}")

# %% [markdown]
# * `inputs`, `outputs`: the names, shapes and ranges of the tensors. `null` is a free side, and the
#   order is `[batch, height, width, channels]`. Address tensors **by name**: their order is the
#   converter's affair.
# * `signature`: the name of the function in the file.
# * `scale`: by how much the result is larger. `receptive_radius`: how far away an input pixel can
#   change an output pixel; we need it for tiles.
# * `files`: size and SHA-256 of each, so that an app can check what it downloaded:

# %%
model_file = folder / static["path"]
recorded = manifest["files"][static["path"]]
actual = hashlib.sha256(model_file.read_bytes()).hexdigest()
print(f"{recorded['bytes']:,} bytes, {actual[:16]}...")
assert actual == recorded["sha256"]

# %% [markdown]
# ## Run it
#
# LiteRT in Python is the same runtime as on the phone, so here you can find out nearly all that
# could go wrong there. An app gets a photograph as bytes; the file takes float32 in [0, 1].

# %%
photo = data.camera()[96 : 96 + 2 * SIDE + 37, 150 : 150 + 2 * SIDE + 11]  # no multiple of a tile
noise = np.random.default_rng(0).normal(0, 25, photo.shape)
noisy = np.rint(np.clip(photo + noise, 0, 255)).astype(np.uint8)
pixels = noisy[None, ..., None].astype(np.float32) / 255

interpreter = Interpreter(str(model_file), num_threads=2)
runner = interpreter.get_signature_runner(manifest["signature"])
given, gives = static["inputs"][0]["name"], static["outputs"][0]["name"]


def run(tile):
    """The static file on one tile, float32 `[1, SIDE, SIDE, 1]`."""
    return runner(**{given: tile})[gives]


tile = pixels[:, :SIDE, :SIDE]
run(tile)  # the first run also allocates memory: do not time it
began = time.perf_counter()
answer = run(tile)
print(f"{SIDE}x{SIDE} in {1000 * (time.perf_counter() - began):.0f} ms on this machine")
print(f"{given} {tile.shape} -> {gives} {answer.shape}, {answer.min():.2f}..{answer.max():.2f}")

# %% [markdown]
# ## A large picture through a small file
#
# Cut the picture into tiles, run each, put them together: the seams will show, as a convolution at
# the border of a tile sees zeros where there was picture. Two rules give **exactly** what the
# whole picture would give:
#
# 1. Tiles overlap. Of each, `receptive_radius` pixels at an inner side are thrown away; nothing
#    that is kept could have seen beyond the tile.
# 2. At the border of the picture nothing is thrown away, and the tile ends **where the picture
#    ends**: there the net saw zeros while it was trained. So the last tile is moved back, not
#    padded.


# %%
def spans(length, side, receptive_radius):
    """For one axis: where each tile starts, and from where to where it is kept."""
    if length < side:
        raise ValueError(f"{length} pixels are less than a tile of {side}: use the free file")
    count = 1 + max(0, math.ceil((length - side) / (side - 2 * receptive_radius)))
    starts = [min(number * (side - 2 * receptive_radius), length - side) for number in range(count)]
    for start in starts:
        first = start + receptive_radius if start else 0
        last = start + side - receptive_radius if start + side < length else length
        yield start, first, last


def in_tiles(run, picture, side, receptive_radius):
    """A file for tiles of one size, on a picture `[1, h, w, c]` that is at least as large."""
    result = np.empty_like(picture)
    for y, top, bottom in spans(picture.shape[1], side, receptive_radius):
        for x, left, right in spans(picture.shape[2], side, receptive_radius):
            made = run(picture[:, y : y + side, x : x + side])
            kept = made[:, top - y : bottom - y, left - x : right - x]
            result[:, top:bottom, left:right] = kept
    return result


receptive_radius = manifest["receptive_radius"]
tiled = in_tiles(run, pixels, SIDE, receptive_radius)
careless = in_tiles(run, pixels, SIDE, receptive_radius=0)
whole = pipeline.infer(pixels)
error = np.abs(tiled - whole).max()
print(f"tiles with a radius of {receptive_radius}: {error:.1e} from the whole picture")
print(f"tiles with a radius of 0:  {np.abs(careless - whole).max():.1e}")
assert np.abs(tiled - whole).max() < 1e-5 < 1e-2 < np.abs(careless - whole).max()


# %%
def show(pictures, width=3.4, **options):
    """Pictures in a row, each under its title."""
    figure, axes = plt.subplots(1, len(pictures), figsize=(width * len(pictures), width + 0.5))
    for ax, (title, picture) in zip(np.atleast_1d(axes), pictures.items(), strict=True):
        ax.imshow(np.squeeze(picture), **({"cmap": "gray", "vmin": 0, "vmax": 1} | options))
        ax.set_title(title, fontsize=9)
        ax.axis("off")
    figure.tight_layout()
    plt.show()


show(
    {
        "in": pixels,
        "out, in tiles": tiled,
        "seams, tiles that just touch, x 10": 10 * abs(careless - whole),
    }
)
tiles = len(list(spans(photo.shape[0], SIDE, receptive_radius))) * len(
    list(spans(photo.shape[1], SIDE, receptive_radius))
)
cost = tiles * SIDE**2 / photo.size
print(f"{tiles} tiles, {cost:.1f} times the pixels of the picture")

# %% [markdown]
# The overlap costs time: with tiles of side $s$ and a receptive radius of $r$ about
# $\big(s / (s - 2r)\big)^2$ times the work of the whole. Larger tiles waste less, and take more
# memory.
#
# ## The app's side
#
# Constants first, generated from `export.json`. Let the build of your app run this cell.


# %%
def words(name):
    """`dncnn_s25` to `DncnnS25`."""
    return "".join(part.capitalize() for part in name.split(".")[0].split("_"))


facts = {
    "file": static["path"],
    "sha256": recorded["sha256"],
    "signature": manifest["signature"],
    "input": static["inputs"][0]["name"],
    "output": static["outputs"][0]["name"],
    "side": static["inputs"][0]["shape"][1],
    "channels": static["inputs"][0]["shape"][3],
    "receptive_radius": manifest["receptive_radius"],
}
name = words(manifest["name"])
kotlin = [f"    const val {key.upper()} = {json.dumps(value)}" for key, value in facts.items()]
swift = [f"    static let {key} = {json.dumps(value)}" for key, value in facts.items()]
print("// Kotlin", f"object {name} {{", *kotlin, "}", sep="\n")
print("\n// Swift", f"enum {name} {{", *swift, "}", sep="\n")

# %% [markdown]
# Then the call. Both snippets do what `run` above does, for one tile: bytes of float32 in, bytes of
# float32 out. They are made from the names in `export.json`, and were **not compiled here**; the
# libraries are `com.google.ai.edge.litert:litert` (Android) and `TensorFlowLiteSwift` (iOS).

# %%
print(
    textwrap.dedent(f"""\
    // Kotlin
    import java.nio.ByteBuffer
    import java.nio.ByteOrder
    import org.tensorflow.lite.Interpreter

    class Restorer(model: ByteBuffer) : AutoCloseable {{
        private val interpreter = Interpreter(model)

        /** One tile: SIDE * SIDE * CHANNELS floats in [0, 1], row by row. */
        fun run(tile: FloatArray): FloatArray {{
            val bytes = 4 * tile.size
            val given = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())
            val made = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())
            given.asFloatBuffer().put(tile)
            interpreter.runSignature(
                mapOf({name}.INPUT to given), mapOf({name}.OUTPUT to made), {name}.SIGNATURE)
            made.rewind()
            return FloatArray(tile.size).also {{ made.asFloatBuffer().get(it) }}
        }}

        override fun close() = interpreter.close()
    }}
    """)
)

# %%
print(
    textwrap.dedent(f"""\
    // Swift
    import Foundation
    import TensorFlowLite

    final class Restorer {{
        private let interpreter: Interpreter
        private let runner: SignatureRunner

        init(modelPath: String) throws {{
            interpreter = try Interpreter(modelPath: modelPath)
            runner = try interpreter.signatureRunner(with: {name}.signature)
            try runner.allocateTensors()
        }}

        /// One tile: side * side * channels floats in [0, 1], row by row.
        func run(_ tile: [Float]) throws -> [Float] {{
            let given = tile.withUnsafeBytes {{ Data($0) }}
            try runner.copy(given, toInputNamed: {name}.input)
            try runner.invoke()
            let made = try runner.output(named: {name}.output).data
            return made.withUnsafeBytes {{ Array($0.bindMemory(to: Float.self)) }}
        }}
    }}
    """)
)

# %% [markdown]
# ## What mistakes look like
#
# Nothing crashes when the numbers are wrong. Learn to recognise it by eye: here is the right result
# beside three common mistakes.

# %%
stride = photo.shape[1] - 1  # a row is one pixel longer than this
slanted = pixels.ravel()[np.arange(SIDE)[:, None] * stride + np.arange(SIDE)]
side_by_side = {
    "right": run(tile),
    "pixels 0..255, not divided": run(tile * 255),
    "pixels in [-1, 1]": run(2 * tile - 1),
    "a row's length is wrong": run(slanted[None, ..., None]),
}
show(side_by_side, width=2.7)

# %% [markdown]
# The list to go through, when a picture looks wrong in the app and right here:
#
# | what you see | what it is |
# | --- | --- |
# | white with black specks | pixels not divided by 255 |
# | dark parts black, hardly any greys | pixels in [-1, 1] |
# | slanted, or in stripes | a row's length (*stride*) is wrong, or width is taken for height |
# | red and blue exchanged | BGR in place of RGB |
# | a grid of faint lines | tiles that do not overlap by `receptive_radius` |
# | lying on its side | EXIF rotation ignored |
# | noise, or all zeros | byte order, or a buffer that was not rewound |
#
# Save one input and its result as a file, ship it with the app's tests, and compare on the device:
# that test finds all of these at once.

# %%
np.savez(WORK / "golden_tile.npz", **{given: tile, gives: run(tile)})
with np.load(WORK / "golden_tile.npz") as golden:
    print({key: golden[key].shape for key in golden.files})

# %% [markdown]
# ## A classifier differs in one thing
#
# Its `export.json` has `labels`, in the order of the output's numbers. `zoo export cnn_fashion --to
# files` and then, in the app, the label at the place of the largest number in `probs`. Nothing else
# changes.
