"""Small made-up data and nets with random weights, for tests that train or need no meaning."""

import dataclasses
from pathlib import Path

import keras
import numpy as np
from PIL import Image

import zoo
from zoo.index import Entry
from zoo.models.dcgan import critic, dcgan
from zoo.tasks.pipeline import Pipeline


def data_for(entry: Entry, folder: Path, each: int = 12) -> str:
    """Writes pictures that a name can be trained on and returns them as a data set's name."""
    rng = np.random.default_rng(0)
    size = () if entry.spec.free_size else entry.spec.shape[:2]
    for number, label in enumerate(entry.spec.labels or [""]):
        below = folder / str(number) if label else folder
        below.mkdir(parents=True, exist_ok=True)
        for count in range(each):
            pixels = labelled(entry, number, rng) if label else scene(rng, *size)
            Image.fromarray(pixels).save(below / f"{count:03}.png")
    return f"folder:{folder}"


def labelled(entry: Entry, number: int, rng) -> np.ndarray:
    """A noisy picture with a bright bar whose place tells its class."""
    height, width, _ = entry.spec.shape
    pixels = rng.integers(0, 60, (height, width))
    step = width // len(entry.spec.labels)
    pixels[:, number * step : (number + 1) * step] += 150
    return pixels.astype(np.uint8)


def by_plain_gradients(name: str) -> Entry:
    """A generator without classes, a VAE of logistic pixels or a restorer, whose step is the
    gradient of its loss alone."""
    entry = zoo.entry(name)
    loss = {"loss": "logistic"} if entry.spec.task == "autoencode" else {}
    plain = {"optimizer": "sgd", "precision": "float32", "weight_decay": 0.0, "ema": None}
    recipe = dataclasses.replace(entry.recipe, **plain, **loss)
    if entry.spec.task != "generate":
        return dataclasses.replace(entry, recipe=recipe)
    return dataclasses.replace(
        entry,
        recipe=dataclasses.replace(recipe, penalty=0.7),
        spec=dataclasses.replace(entry.spec, labels=()),
        build=lambda: dcgan((12, 12, 1), code=5, width=4),
        critic=lambda: critic((12, 12, 1), width=4),
    )


def scene(rng, height: int = 40, width: int = 48) -> np.ndarray:
    """A smooth grey picture with an edge."""
    y, x = np.mgrid[:height, :width]
    wave = 90 + 50 * np.sin(x / rng.uniform(3, 9)) + 40 * np.cos(y / rng.uniform(3, 9))
    return (wave + 40 * (x + y > rng.integers(20, 60))).clip(0, 255).astype(np.uint8)


def smoothed(noise: np.ndarray) -> np.ndarray:
    """White noise `[h, w, c]` as demosaicing smooths it, as strong as before."""
    for axis in (0, 1):
        noise = sum(np.roll(noise, by, axis) for by in (-1, 0, 0, 1)) / 6**0.5
    return noise


def with_random_weights(name: str, seed: int = 0) -> Pipeline:
    """A pipeline none of whose weights are zero, of a size that keeps values in range."""
    pipeline = zoo.load(name, weights=None)
    rng = np.random.default_rng(seed)
    for variable in pipeline.net.weights:
        if variable.name == "kernel":
            scale = np.sqrt(2 / np.prod(variable.shape[:-1]))
            variable.assign(rng.normal(0, scale, variable.shape))
        elif variable.name in ("gamma", "moving_variance"):
            variable.assign(rng.uniform(0.8, 1.2, variable.shape))
        else:
            variable.assign(rng.normal(0, 0.05, variable.shape))
    return pipeline


def without_dropout(net):
    """The same net, whose training is no longer random."""
    for layer in net.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    return net
