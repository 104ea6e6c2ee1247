"""Large pictures in bounded memory: tiles that overlap by the receptive radius equal the whole."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from zoo.images.resize import CUBIC_REACH

TILE = 512


class Span(NamedTuple):
    """Along one side: where a tile starts, and from where to where its result is kept."""

    start: int
    begin: int
    end: int


def tiled(
    run: Callable[..., np.ndarray],
    values: np.ndarray,
    receptive_radius: int,
    tile: int = TILE,
    progress: bool = False,
    scale: int = 1,
    multiple: int = 1,
    beside: Sequence[np.ndarray] = (),
) -> np.ndarray:
    """Applies a net of free size to pictures that may be too large for it at once.

    Tiles overlap so far that what is kept of each depends on nothing beyond it. The first begins
    and the last ends with the picture, so that the net's padding acts at the picture's border and
    nowhere else. All are of one size, for which a runtime makes its plans once.

    Args:
        run: `[b, h, w, c]`, and what is beside it, to `[b, h * scale, w * scale, d]`.
        values: `[b, h, w, c]`.
        receptive_radius: how far a pixel acts, in pixels of the result.
        tile: side of what is kept of a tile, at most, in pixels of the result; smaller pictures
            go through at once.
        progress: show a bar where it takes more than two seconds.
        scale: by how much `run` enlarges, bicubic first.
        multiple: of which the sides are multiples; tiles start at such, and are so long.
        beside: arrays `[b, h, w, d]` that are cut in the same way.
    """
    batch, height, width, _ = values.shape
    overlap = receptive_radius if scale == 1 else -(-receptive_radius // scale) + CUBIC_REACH
    tall, rows = spans(height, max(tile // scale, 1), overlap, multiple)
    wide, columns = spans(width, max(tile // scale, 1), overlap, multiple)
    result = np.empty(0)
    corners = [(y, x) for y in rows for x in columns]
    for y, x in _with_bar(corners) if progress and len(corners) > 1 else corners:
        part = slice(None), slice(y.start, y.start + tall), slice(x.start, x.start + wide)
        output = run(*(one[part] for one in (values, *beside)))
        if not result.size:
            size = (batch, height * scale, width * scale, output.shape[-1])
            result = np.empty(size, values.dtype)
        inner = output[:, _kept(y, y.start, scale), _kept(x, x.start, scale)]
        result[:, _kept(y, 0, scale), _kept(x, 0, scale)] = inner
    return result


def spans(side: int, tile: int, overlap: int, multiple: int = 1) -> tuple[int, list[Span]]:
    """The length of the tiles of a side, `tile + 2 * overlap` at most, and where they are.

    What is kept of a tile lies at least `overlap` from its ends, but for those of the side. All are
    multiples of one number, if the side is; the overlap is then as much more.
    """
    if multiple > 1:
        whole = side // multiple, max(tile // multiple, 1), -(-overlap // multiple)
        length, found = spans(*whole)
        return length * multiple, [Span(*(place * multiple for place in one)) for one in found]
    count = -(-max(side - 2 * overlap, 1) // tile)
    if count == 1:
        return side, [Span(0, 0, side)]
    length = -(-(side + 2 * overlap * (count - 1)) // count)
    starts = [number * (side - length) // (count - 1) for number in range(count)]
    cuts = [0, *(start + overlap for start in starts[1:]), side]
    return length, [Span(*one) for one in zip(starts, cuts[:-1], cuts[1:], strict=True)]


def _kept(span: Span, origin: int, scale: int) -> slice:
    return slice((span.begin - origin) * scale, (span.end - origin) * scale)


def _with_bar(corners: list):
    from tqdm import tqdm  # which takes longer to import than a small net to run

    return tqdm(corners, "tiles", unit="tile", delay=2)
