"""A generator in training, watched: pictures of the same latents every so often, and collapse."""

from pathlib import Path

import numpy as np
from PIL import Image

from zoo.errors import ZooError
from zoo.images.sheet import grid
from zoo.storage import weights

SAMPLES, BEST = "samples", "best.h5"
COUNT, SEED = 64, 0
LEAST = 0.1
"""A generator has collapsed where its rarest class has less than this of its share."""
_ENOUGH = 1_000  # held-out pictures; of fewer a class may be missing by chance
_PATIENCE = 0.25  # of the steps; before that classes may be missing


def look(pipeline, run: Path, log, progress: float) -> None:
    """Draws the fixed latents; keeps the best weights so far.

    Args:
        pipeline: with what was learnt so far.
        run: the run directory: gets `samples/*.png`, `samples.gif` at the end, `best.h5`.
        log: the run's; its last row is that of now.
        progress: share of the steps taken.
    """
    folder, row = run / SAMPLES, log.rows[-1]
    folder.mkdir(exist_ok=True)
    sheet = grid(pipeline.sample(COUNT, SEED))
    sheet.save(folder / f"{row['step']:08}.png")
    log.picture(row["step"], SAMPLES, np.atleast_3d(np.asarray(sheet)))
    if progress == 1:
        _animate(folder, run / f"{SAMPLES}.gif")
    distances = [r["held_out_frechet"] for r in log.rows if "held_out_frechet" in r]
    if distances and distances[-1] == min(distances):
        weights.save(pipeline.net, run / BEST)


def refuse_collapse(pipeline, run: Path, log, progress: float) -> None:
    """Stops a generator that lacks a class.

    Raises:
        ZooError: it does, a quarter of the steps after the start or later.
    """
    row = log.rows[-1]
    if pipeline.entry.recipe.holdout < _ENOUGH or progress <= _PATIENCE:
        return
    if row.get("held_out_least_class", 1) < LEAST:
        raise ZooError(
            f"the generator has collapsed at step {row['step']}: one class has "
            f"{row['held_out_least_class']:.2f} of its share; the best weights so far are in "
            f"{run / BEST}. Raise the recipe's penalty or lower --learning-rate"
        )


def _animate(folder: Path, target: Path) -> None:
    frames = [Image.open(path) for path in sorted(folder.glob("*.png"))]
    frames[0].save(target, save_all=True, append_images=frames[1:], duration=200, loop=0)
