"""A classifier's last layer, fitted to what the net before it makes of pictures.

The trunk sees each picture once, as it is and mirrored, and what it makes of them is kept on disk:
a last layer then takes seconds, and its penalty is chosen on pictures that are held out.
"""

import dataclasses
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from zoo.data.pictures import Pictures
from zoo.errors import ZooError
from zoo.recipe import R, Recipe
from zoo.storage import files

if TYPE_CHECKING:
    import keras

FEATURES = "features"
"""The folder of a run directory that features are kept in."""
PENALTIES, _USUAL, _ENOUGH = (1e-3, 1e-2, 3e-2, 1e-1, 3e-1), 3e-2, 50
"""Of the squared weights, of features of variance 1 in all; and the one that is taken where fewer
pictures are held out, which say too little."""
_AT_ONCE, _BATCH = 256, 32  # pictures in a file, and in memory
_BAR: dict[str, Any] = {"desc": "features", "unit": "picture", "leave": False}
_STEPS, _RATE, _MOST = 300, 0.05, 4096  # of the fit; pictures a step


def fit(
    net: "keras.Model",
    training: tuple[Pictures, np.ndarray],
    held_out: tuple[Pictures, np.ndarray],
    normalize: Any,
    weights: np.ndarray,
    run: Path,
) -> dict[str, float]:
    """Sets the last layer of a net.

    Args:
        net: whose last layer is dense, with softmax.
        training: pictures of the net's size, and their classes `[n]`.
        held_out: likewise; the penalty is chosen on them. Perhaps none.
        normalize: pixels in [0, 1] to the net's range.
        weights: how much a picture of each class counts, `[classes]`.
        run: the run directory, which keeps the features.

    Returns:
        The `penalty`, and `held_out_nll` and `held_out_accuracy` (in percent) with it.

    Raises:
        ZooError: the features cannot be written.
    """
    folder, trunk = run / FEATURES, _trunk(net)
    sets = (
        (training[0], "plain", False),
        (training[0], "mirrored", True),
        (held_out[0], "held_out", False),
    )
    say("The net looks at each picture, as it is and mirrored, and what it sees is kept")
    with tqdm(total=sum(len(pictures) for pictures, *_ in sets), **_BAR) as bar:
        plain, mirrored, out = (
            features(trunk, pictures, normalize, folder / name, turned, bar)
            for pictures, name, turned in sets
        )
    given = np.concatenate([plain, mirrored])
    right = np.concatenate([training[1], training[1]])
    mean, spread = given.mean(0), given.std()
    chosen: dict[str, Any] = {}
    for penalty in PENALTIES if len(out) >= _ENOUGH else (_USUAL,):
        kernel, bias = _solved((given - mean) / spread, right, weights, penalty)
        kernel = kernel / spread
        bias = bias - mean @ kernel
        found = {"penalty": penalty} | _figures(out @ kernel + bias, held_out[1])
        if not chosen or found["held_out_nll"] < chosen["held_out_nll"]:
            chosen = found
            net.layers[-1].set_weights([kernel, bias])
    accuracy = chosen.get("held_out_accuracy")
    so_far = "" if accuracy is None else f": {accuracy:.1f} % of {len(out)} held out are right"
    say(f"The last layer is fitted to that{so_far}")
    return chosen


def say(line: str) -> None:
    """Tells on stderr what a training does now; a bar stays below it."""
    tqdm.write(line, file=sys.stderr)


def say_sets(training: Pictures, held_out: Pictures, labels: tuple[str, ...]) -> None:
    """How much there is to learn from."""
    counts = f"{len(training)} pictures to train on, {len(held_out)} held out"
    say(f"{counts}, of {len(labels)} classes")


def announced(recipe: Recipe, first: str | None) -> str:
    """What the steps do to the layers from `first` on (or to all), before they are taken."""
    if not recipe.steps:
        return "No steps: that is all"
    layers = f"the layers from {first} on" if first else "all layers"
    until = ", fewer where the held-out loss falls no further" * bool(recipe.patience)
    return f"Now {layers} are trained: {recipe.steps} steps of {recipe.batch} pictures{until}"


def weights_of(labels: np.ndarray, classes: int, balanced: bool) -> np.ndarray:
    """How much a picture of each class counts, float32 `[classes]`; 1 in the mean over the
    pictures, whose labels `[n]` these are."""
    counts = np.bincount(labels, minlength=classes)
    if not balanced:
        return np.ones(classes, np.float32)
    return (len(labels) / np.count_nonzero(counts) / np.maximum(counts, 1)).astype(np.float32)


def of_few(recipe: R, count: int, epochs: int = 0) -> R:
    """For so many pictures: a batch is not more than half of them, and each is seen `epochs` times
    at most (0: however often). Where a held-out loss is watched, a report comes each time that all
    were seen, or ten times in all where that is less often."""
    batch = min(recipe.batch, max(1, count // 2))
    steps = min(recipe.steps, max(1, epochs * count // batch)) if epochs else recipe.steps
    often = max(1, count // batch, steps // 10)
    every = min(recipe.every, often) if recipe.patience else recipe.every
    warmup = min(recipe.warmup, steps // 5)
    return dataclasses.replace(recipe, batch=batch, steps=steps, every=every, warmup=warmup)


def features(
    trunk: Any, pictures: Pictures, normalize: Any, folder: Path, mirrored: bool, bar: tqdm
) -> np.ndarray:
    """What a trunk makes of pictures, float32 `[n, features]`; kept in a folder, a file a part.

    Raises:
        ZooError: a file cannot be written, or is not as it was.
    """
    found = []
    for first in range(0, len(pictures), _AT_ONCE):
        path = folder / f"{first:08}.npz"
        images = pictures.images[first : first + _AT_ONCE]
        if path.is_file():
            bar.update(len(images))
        else:
            batches = _batches(images, bar)
            made = np.concatenate([trunk(_values(b, normalize, mirrored)) for b in batches])
            with files.whole(path) as partial, partial.open("wb") as file:
                np.savez(file, features=made)
        kept = files.read_npz(files.read_bytes(path), path).get("features")
        if kept is None or len(kept) != len(images):
            raise ZooError(f"{path} was changed: remove it to go on")
        found.append(kept)
    return np.concatenate(found) if found else np.zeros((0, trunk.output_shapes[-1]), np.float32)


def _batches(images: Sequence[np.ndarray], bar: tqdm) -> Iterator[Sequence[np.ndarray]]:
    for first in range(0, len(images), _BATCH):
        batch = images[first : first + _BATCH]
        yield batch
        bar.update(len(batch))


def _values(images: Sequence[np.ndarray], normalize: Any, mirrored: bool) -> Any:
    values = normalize(np.stack(images).astype(np.float32) / 255)
    return np.ascontiguousarray(values[:, :, ::-1] if mirrored else values, np.float32)


def _trunk(net: "keras.Model") -> Any:
    """All but the last layer, compiled."""
    import keras
    import tensorflow as tf

    from zoo.training.fused import fused_twin

    twin = fused_twin(net, frozen_batch_norm=True)
    trunk = keras.Model(twin.input, twin.layers[-1].input)
    signature = tf.TensorSpec(trunk.input.shape, tf.float32)
    call = tf.function(lambda values: trunk(values, training=False), [signature], autograph=False)
    return call.get_concrete_function()


def _solved(
    given: np.ndarray, right: np.ndarray, weights: np.ndarray, penalty: float
) -> tuple[np.ndarray, np.ndarray]:
    """Multinomial logistic regression: kernel `[features, classes]` and bias."""
    import keras
    import tensorflow as tf

    rng, count = np.random.default_rng(0), len(given)
    inputs, targets = tf.constant(given), tf.constant(right)
    weighted = tf.constant(weights[right], tf.float32)
    kernel = tf.Variable(tf.zeros((given.shape[1], len(weights))))
    bias = tf.Variable(tf.zeros(len(weights)))
    schedule = keras.optimizers.schedules.CosineDecay(_RATE, _STEPS)
    optimizer = keras.optimizers.Adam(schedule)
    optimizer.build([kernel, bias])

    @tf.function(autograph=False)
    def step(some: Any) -> None:
        with tf.GradientTape() as tape:
            logits = tf.gather(inputs, some) @ kernel + bias
            lost = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.gather(targets, some), logits)
            mean = tf.reduce_mean(lost * tf.gather(weighted, some))
            loss = mean + penalty / 2 * tf.reduce_sum(tf.square(kernel))
        variables = [kernel, bias]
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    for _ in range(_STEPS):
        some = rng.permutation(count)[:_MOST] if count > _MOST else np.arange(count)
        step(tf.constant(some))
    return kernel.numpy(), bias.numpy()


def _figures(logits: np.ndarray, right: np.ndarray) -> dict[str, float]:
    """Of logits `[n, classes]`; nothing of none."""
    if not len(logits):
        return {}
    largest = logits.max(-1, keepdims=True)
    log = logits - largest - np.log(np.exp(logits - largest).sum(-1, keepdims=True))
    nll = -log[np.arange(len(right)), right].mean()
    return {
        "held_out_nll": float(nll),
        "held_out_accuracy": float(100 * (logits.argmax(-1) == right).mean()),
    }
