"""Made-up pictures that nets are compared on."""

import numpy as np

_SIGMA = 25.0


def pictures(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Smooth random fields of different brightness and contrast, with noise: `[b, h, w, c]`."""
    fields = np.stack([_field(rng, shape[1:]) for _ in range(shape[0])])
    noise = rng.normal(size=shape) * _SIGMA / 255
    return np.clip(fields + noise, 0, 1).astype(np.float32)


def patterns(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Plain colours, stripes and noise, each over the whole range: what nets react to that smooth
    fields all look alike to."""
    count, height, width, channels = shape
    colours = rng.random((2, count, 1, 1, channels)) > rng.random((2, count, 1, 1, 1))
    across = np.arange(width)[None, None, :, None] // rng.integers(1, 9, (count, 1, 1, 1)) % 2
    down = np.arange(height)[None, :, None, None] // rng.integers(1, 9, (count, 1, 1, 1)) % 2
    kind = np.arange(count)[:, None, None, None] % 4
    which = np.select([kind == 0, kind == 1, kind == 2], [0, across, down], across ^ down)
    made = np.where(which > 0, colours[1], colours[0]).astype(np.float32)
    noise = rng.random(shape, np.float32)
    share = rng.random((count, 1, 1, 1), np.float32) * (kind > 1) / 2
    made = np.broadcast_to(made, shape)
    return (made * (1 - share) + noise * share).astype(np.float32)


def _field(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A sum of a few slow waves across `[h, w, c]`, between two random grey levels."""
    height, width, channels = shape
    y, x = np.mgrid[:height, :width, :1][:2]
    total = np.zeros(shape)
    for _ in range(4):
        down, across = rng.uniform(-3, 3, size=(2, channels)) * 2 * np.pi
        phase = rng.uniform(0, 2 * np.pi, size=channels)
        total += np.sin(down * y / height + across * x / width + phase)
    low, high = rng.uniform(0, 0.3), rng.uniform(0.7, 1)
    return low + (high - low) * (total + 4) / 8
