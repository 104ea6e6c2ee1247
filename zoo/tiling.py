"""Large pictures in bounded memory: tiles that overlap by the net's reach, equal to the whole."""

from collections.abc import Callable

import numpy as np
from tqdm import tqdm

TILE = 512


def tiled(
    run: Callable[[np.ndarray], np.ndarray],
    values: np.ndarray,
    reach: int,
    tile: int = TILE,
    progress: bool = False,
) -> np.ndarray:
    """Applies a net of free size to pictures that may be too large for it at once.

    Each tile is computed with `reach` pixels around it, cut off where the picture ends, so that
    the net's zero padding acts at the picture's border and nowhere else.

    Args:
        run: `[b, h, w, c]` to the same shape.
        values: `[b, h, w, c]`.
        reach: how far an input pixel acts.
        tile: side of a tile; smaller pictures go through at once.
        progress: show a bar where it takes more than two seconds.
    """
    _, height, width, _ = values.shape
    if max(height, width) <= tile:
        return run(values)
    result = np.empty_like(values)
    corners = [(y, x) for y in range(0, height, tile) for x in range(0, width, tile)]
    for y, x in tqdm(corners, "tiles", disable=not progress, unit="tile", delay=2):
        top, left = max(y - reach, 0), max(x - reach, 0)
        around = values[:, top : y + tile + reach, left : x + tile + reach]
        inner = run(around)[:, y - top :, x - left :][:, :tile, :tile]
        result[:, y : y + tile, x : x + tile] = inner
    return result
