"""Which pictures of a set are held out for choices, and what is odd about them."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from zoo.data.pictures import Pictures
from zoo.errors import ZooError, warn
from zoo.images.resize import to_size

_SIDE, _NEAR = 16, 10
"""Of the small pictures that are compared, and how many of their brighter and darker steps differ
at most in two that are called near."""
_NAMED = 3


def split(pictures: Pictures, holdout: float) -> tuple[Pictures, Pictures]:
    """The training pictures, and those held out.

    Args:
        pictures: well mixed.
        holdout: how many, the last ones of the set; below 1 the share of each class, at least one
            picture of it.

    Raises:
        ZooError: none would be left to train on.
    """
    count = len(pictures)
    if not 0 < holdout < 1:
        if count - holdout < 1:
            raise ZooError(
                f"{pictures.name} has {count} pictures and the recipe holds out {holdout}: add "
                "pictures or lower --holdout"
            )
        kept = count - int(holdout)
        return pictures.subset(slice(kept)), pictures.subset(slice(kept, None))
    labels = np.zeros(count, np.int64) if pictures.labels is None else pictures.labels
    out = np.zeros(count, bool)
    for label in np.unique(labels):
        (of_class,) = np.nonzero(labels == label)
        if len(of_class) < 2:
            named = f" of {pictures.classes[label]}" if pictures.classes else ""
            raise ZooError(
                f"{pictures.name} has one picture{named}: expected two or more, one to train on "
                "and one that is held out"
            )
        out[of_class[-max(1, round(holdout * len(of_class))) :]] = True
    return pictures.subset(np.flatnonzero(~out)), pictures.subset(np.flatnonzero(out))


def warn_of_likes(training: Pictures, held_out: Pictures) -> None:
    """Names pictures that are held out and were trained on all the same, or nearly; and pictures
    that are in two classes.

    Warns:
        ZooWarning: there are some.
    """
    if not training.paths or not held_out.paths:
        return
    ours, theirs = _steps(training), _steps(held_out)
    pairs = list(_near(ours, theirs))
    if pairs:
        told = "; ".join(f"{held_out.paths[j]} and {training.paths[i]}" for i, j in pairs[:_NAMED])
        warn(
            f"{len({j for _, j in pairs})} of {len(held_out)} pictures that are held out are the "
            f"same as some that are trained on, or nearly: {told}{'; ...' * (len(pairs) > _NAMED)}."
            " What is measured on them says too much: keep one of each"
        )
    labels = np.concatenate([training.labels, held_out.labels])
    paths, steps = training.paths + held_out.paths, np.concatenate([ours, theirs])
    _, first, which = np.unique(steps, axis=0, return_index=True, return_inverse=True)
    other = np.flatnonzero(labels != labels[first[which.ravel()]])
    twice = [(i, first[which.ravel()[i]]) for i in other]

    def image(place: Any) -> np.ndarray:
        ahead = len(training)
        return training.images[place] if place < ahead else held_out.images[place - ahead]

    twice = [(i, j) for i, j in twice if np.array_equal(image(i), image(j))]
    if twice:
        told = "; ".join(f"{paths[i]} and {paths[j]}" for i, j in twice[:_NAMED])
        warn(
            f"{len(twice)} pictures are in two classes: {told}{'; ...' * (len(twice) > _NAMED)}. "
            "Remove the wrong one of each"
        )


def _steps(pictures: Pictures) -> np.ndarray:
    """Of each picture, made small and grey, where it gets brighter to the right: `[n, bytes]`."""
    found = [np.zeros((0, _SIDE * _SIDE // 8), np.uint8)]
    for image in pictures.images:
        grey = to_size(image[None].astype(np.float32), _SIDE, _SIDE + 1).mean(-1)
        found.append(np.packbits(np.diff(grey, axis=2) > 0)[None])
    return np.concatenate(found)


def _near(ours: np.ndarray, theirs: np.ndarray) -> Iterator[tuple[int, int]]:
    for j, one in enumerate(theirs):
        differ = np.unpackbits(ours ^ one, axis=1).sum(1)
        for i in np.flatnonzero(differ <= _NEAR):
            yield int(i), j
