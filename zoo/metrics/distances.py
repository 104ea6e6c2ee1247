"""Distances between two sets of feature vectors, for judging generated pictures.

A set is an array `[n, d]`, a vector a picture, in the units of the net that made them. All is
computed in float64 and in blocks of rows, so that memory grows with n and never with its square.
"""

from collections.abc import Iterator

import numpy as np

from zoo.errors import ZooError

Pair = tuple[np.ndarray, np.ndarray]
BLOCK = 1000
ROUNDING = 1e-12  # how far rounding moves a squared distance, relative to the squared lengths


def compared(real: np.ndarray, generated: np.ndarray) -> dict:
    """All figures of generated vectors `[m, d]` against real ones `[n, d]`, at least 6 of each.

    Returns:
        `frechet`, `kernel`, `precision`, `recall`, `density`, `coverage`; they raise as below.
    """
    figures = {"frechet": frechet(real, generated), "kernel": kernel(real, generated)}
    return figures | neighbours(real, generated)


def frechet(real: np.ndarray, generated: np.ndarray) -> float:
    """Squared Frechet distance of the Gaussians fitted to both sets, in squared feature units.

    Heusel et al. 2017 (FID): |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), unbiased covariances.
    The last trace sums the roots of the eigenvalues of C1^(1/2) C2 C1^(1/2), which are the
    singular values of C1^(1/2) C2^(1/2). Fewer vectors give more: compare sets of like sizes.

    Raises:
        ZooError: a set is not `[n, d]` and finite, has fewer than 2 vectors, or they differ in d.
    """
    real, generated = _pair(2, real=real, generated=generated)
    shift = np.sum((real.mean(0) - generated.mean(0)) ** 2)
    first, second = _deviation(real), _deviation(generated)
    overlap = np.linalg.svd(first @ second, compute_uv=False).sum()
    return max(0.0, float(shift + np.sum(first**2) + np.sum(second**2) - 2 * overlap))


def kernel(real: np.ndarray, generated: np.ndarray, block: int = BLOCK) -> float:
    """Unbiased squared maximum mean discrepancy, kernel (x.y / d + 1)^3; may be negative.

    Binkowski et al. 2018 (KID), on all vectors at once instead of on random subsets.

    Raises:
        ZooError: a set is not `[n, d]` and finite, has fewer than 2 vectors, or they differ in d.
    """
    real, generated = _pair(2, real=real, generated=generated)
    across = _similarity(real, generated, block) / (len(real) * len(generated))
    return float(_within(real, block) + _within(generated, block) - 2 * across)


def neighbours(real: np.ndarray, generated: np.ndarray, k: int = 5, block: int = BLOCK) -> dict:
    """Whether generated vectors are among the real ones, and the real among the generated.

    A vector's ball reaches to its k-th nearest neighbour in its own set, itself not counted, and
    holds its edge. Block: so many rows at a time.

    Returns:
        Of Kynkaanniemi et al. 2019 `precision`, the share of generated vectors in any real ball,
        and `recall`, that of real vectors in any generated ball; of Naeem et al. 2020 `density`,
        in how many real balls a generated vector lies, on average, over k (may pass 1), and
        `coverage`, the share of real balls that hold a generated vector.

    Raises:
        ZooError: a set is not `[n, d]` and finite, has k vectors or fewer, or they differ in d.
    """
    if k < 1:
        raise ZooError(f"k is {k}; expected the number of a neighbour, from 1")
    real, generated = _pair(k + 1, real=real, generated=generated)
    reach, generated_reach = _reach(real, k, block), _reach(generated, k, block)
    held, recalled = np.zeros(len(real), int), np.zeros(len(real), bool)
    holders = np.zeros(len(generated), int)
    for rows, columns, squared in _squared(real, generated, block):
        inside = squared <= reach[rows, None]
        held[rows] += inside.sum(1)
        holders[columns] += inside.sum(0)
        recalled[rows] |= (squared <= generated_reach[columns]).any(1)
    shares = {"precision": holders > 0, "recall": recalled, "density": holders / k}
    return {name: float(np.mean(of)) for name, of in (shares | {"coverage": held > 0}).items()}


def nearest(queries: np.ndarray, gallery: np.ndarray, block: int = BLOCK) -> Pair:
    """The gallery vector `[m, d]` nearest to each query `[n, d]`: is a picture a copy?

    Returns:
        Its index, int `[n]`, and its Euclidean distance, float64 `[n]`: exactly 0 for a copy.

    Raises:
        ZooError: a set is not `[n, d]` and finite, is empty, or they differ in d.
    """
    queries, gallery = _pair(1, queries=queries, gallery=gallery)
    index, best = np.zeros(len(queries), int), np.full(len(queries), np.inf)
    for rows, columns, squared in _squared(queries, gallery, block):
        closer = squared.min(1) < best[rows]
        index[rows][closer] = columns.start + squared.argmin(1)[closer]
        best[rows] = np.minimum(best[rows], squared.min(1))
    return index, np.linalg.norm(queries - gallery[index], axis=1)


def _checked(vectors: np.ndarray, name: str, least: int) -> np.ndarray:
    vectors = np.asarray(vectors, np.float64)
    if vectors.ndim != 2 or not vectors.shape[1]:
        raise ZooError(f"{name} has shape {vectors.shape}; expected feature vectors [n, d]")
    if len(vectors) < least:
        raise ZooError(f"{name} has {len(vectors)} vectors; expected at least {least}")
    if wrong := np.count_nonzero(~np.isfinite(vectors).all(1)):
        raise ZooError(f"{name}: {wrong} of {len(vectors)} vectors are not finite; expected none")
    return vectors


def _pair(least: int, **sets: np.ndarray) -> Pair:
    first, second = (_checked(vectors, name, least) for name, vectors in sets.items())
    if first.shape[1] != second.shape[1]:
        lengths = f"lengths of {' and '.join(sets)}: {first.shape[1]} and {second.shape[1]}"
        raise ZooError(f"{lengths}; expected features of one net, of equal length")
    return first, second


def _deviation(vectors: np.ndarray) -> np.ndarray:
    """The symmetric root `[d, d]` of the unbiased covariance."""
    centred = vectors - vectors.mean(0)
    values, axes = np.linalg.eigh(centred.T @ centred / (len(vectors) - 1))
    return (axes * np.sqrt(values.clip(0))) @ axes.T


def _blocks(rows: int, columns: int, block: int) -> Iterator[tuple[slice, slice]]:
    if block < 1:
        raise ZooError(f"block is {block}; expected a number of rows, from 1")
    for top in range(0, rows, block):
        for left in range(0, columns, block):
            yield slice(top, top + block), slice(left, left + block)


def _squared(first, second, block: int) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Squared distances of `[n, d]` and `[m, d]`, a block of rows and columns at a time."""
    centre = first.mean(0)  # a common offset would cost digits
    first, second = first - centre, second - centre
    lengths, others = np.sum(first**2, 1), np.sum(second**2, 1)
    for rows, columns in _blocks(len(first), len(second), block):
        products = first[rows] @ second[columns].T
        yield rows, columns, (lengths[rows, None] + others[columns] - 2 * products).clip(0)


def _reach(vectors: np.ndarray, k: int, block: int) -> np.ndarray:
    """Squared radii `[n]` of the balls; a hair wider, so that rounding leaves the edge inside."""
    near = np.full((len(vectors), k + 1), np.inf)  # the vector itself, at 0, and k others
    for rows, _, squared in _squared(vectors, vectors, block):
        both = np.concatenate([near[rows], squared], 1)
        near[rows] = np.partition(both, k, axis=1)[:, : k + 1]
    radii = near.max(1)
    return radii + ROUNDING * (radii + np.sum((vectors - vectors.mean(0)) ** 2, 1))


def _similarity(first: np.ndarray, second: np.ndarray, block: int) -> float:
    """The sum of the kernel over all pairs."""
    pairs = ((first[r], second[c]) for r, c in _blocks(len(first), len(second), block))
    bases = (x @ y.T / x.shape[1] + 1 for x, y in pairs)
    return sum(np.sum(base * base * base) for base in bases)  # base**3 is far slower


def _within(vectors: np.ndarray, block: int) -> float:
    """The kernel's mean over the pairs of different vectors."""
    itself = np.sum((np.sum(vectors**2, 1) / vectors.shape[1] + 1) ** 3)
    return (_similarity(vectors, vectors, block) - itself) / (len(vectors) * (len(vectors) - 1))
