"""Distances between sets of vectors, where the answer is known or can be counted out."""

import itertools
import tracemalloc

import numpy as np
import pytest

import zoo
from zoo.metrics import distances


def normal(n, d=4, seed=0, mean=0.0, scale=1.0):
    return np.random.default_rng(seed).normal(mean, scale, (n, d))


def exactly(mean, covariance, n=50, seed=0):
    """Vectors whose sample mean and unbiased covariance are those given."""
    white = normal(n, len(mean), seed)
    white -= white.mean(0)
    white @= np.linalg.inv(np.linalg.cholesky(np.cov(white.T))).T
    return white @ np.linalg.cholesky(covariance).T + mean


def lengths(first, second):
    """All Euclidean distances, from the differences."""
    return np.sqrt(((first[:, None] - second) ** 2).sum(-1))


def counted(real, generated, k):
    """`distances.neighbours`, from its definitions."""
    own, fake = lengths(real, real), lengths(generated, generated)
    radii = [np.sort(np.delete(row, i))[k - 1] for i, row in enumerate(own)]
    fake_radii = [np.sort(np.delete(row, i))[k - 1] for i, row in enumerate(fake)]
    across = lengths(real, generated)
    pairs = list(itertools.product(range(len(real)), range(len(generated))))
    inside = {(i, j) for i, j in pairs if across[i, j] <= radii[i]}
    recalled = {i for i, j in pairs if across[i, j] <= fake_radii[j]}
    return {
        "precision": len({j for _, j in inside}) / len(generated),
        "recall": len(recalled) / len(real),
        "density": len(inside) / len(generated) / k,
        "coverage": len({i for i, _ in inside}) / len(real),
    }


# Frechet


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_frechet_of_two_planes_is_its_formula(seed):
    factors = normal(2, 4, seed).reshape(2, 2, 2)
    first, second = factors @ factors.swapaxes(1, 2) + 0.1 * np.eye(2)
    product = first @ second  # the trace of the root of a 2 x 2 matrix has a closed form
    root = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    expected = 3**2 + 4**2 + np.trace(first) + np.trace(second) - 2 * root
    real, generated = exactly([1, 2], first, seed=seed), exactly([4, -2], second, 70, seed + 9)
    assert distances.frechet(real, generated) == pytest.approx(expected, abs=1e-9)


def test_frechet_of_normal_samples_is_near_that_of_their_distributions():
    scales = np.array([1, 2, 0.5])
    real, generated = normal(20000, 3, 1), 1 + scales * normal(20000, 3, 2)
    assert distances.frechet(real, generated) == pytest.approx(3 + ((scales - 1) ** 2).sum(), 0.03)


@pytest.mark.parametrize(("n", "d"), [(500, 1), (500, 16), (20, 60)])
def test_frechet_of_equal_sets_is_zero_and_of_shifted_ones_the_squared_shift(n, d):
    real = normal(n, d, scale=3)
    assert 0 <= distances.frechet(real, real[::-1]) < 1e-9
    assert distances.frechet(real, real + 2) == pytest.approx(4 * d, abs=1e-8)


def test_frechet_of_too_few_vectors_for_their_length_is_that_of_the_plane_they_span():
    real, generated = normal(12, 5, 1), normal(15, 5, 2, mean=0.3)
    turn = np.linalg.qr(normal(40, 40, 3))[0][:5]
    expected = distances.frechet(real, generated)
    assert distances.frechet(real @ turn, generated @ turn) == pytest.approx(expected, abs=1e-5)


def test_frechet_has_squared_units_and_no_order():
    real, generated = normal(200, 6, 1), normal(300, 6, 2, mean=1, scale=2)
    value = distances.frechet(real, generated)
    assert distances.frechet(generated, real) == pytest.approx(value)
    assert distances.frechet(10 * real, 10 * generated) == pytest.approx(100 * value)


# Kernel


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_kernel_is_its_sums_over_pairs(seed):
    real, generated = normal(13, 3, seed), normal(9, 3, seed + 50, mean=0.5)

    def mean(pairs):
        return np.mean([(x @ y / 3 + 1) ** 3 for x, y in pairs])

    within = [mean(itertools.permutations(vectors, 2)) for vectors in (real, generated)]
    expected = sum(within) - 2 * mean(itertools.product(real, generated))
    assert distances.kernel(real, generated) == pytest.approx(expected, abs=1e-12)


def test_kernel_of_normal_samples_compares_their_first_three_moments():
    real, generated = normal(8000, 1, 1), normal(8000, 1, 2, mean=1)
    expected = (4 - 0) ** 2 + 3 * (2 - 1) ** 2 + 3 * (1 - 0) ** 2
    assert distances.kernel(real, generated) == pytest.approx(expected, rel=0.15)


def test_kernel_of_one_distribution_is_zero_on_average():
    values = [distances.kernel(normal(20, 4, i), normal(20, 4, 1000 + i)) for i in range(400)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(len(values))
    biased = np.mean([((x**2).sum() / 4 + 1) ** 3 for x in normal(2000, 4)]) / 20
    assert 4 * np.std(values) / np.sqrt(len(values)) < biased  # so that a biased one would fail


# Neighbours


@pytest.mark.parametrize(("n", "m", "seed"), [(60, 47, 0), (47, 60, 1), (60, 60, 2), (700, 500, 3)])
@pytest.mark.parametrize("k", [1, 3, 5])
def test_neighbours_are_their_definitions(n, m, seed, k):
    real, generated = normal(n, 3, seed), normal(m, 3, seed + 50, mean=1, scale=0.8)
    expected = counted(real, generated, k)
    assert distances.neighbours(real, generated, k) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("offset", [0, 1 / 3, 1e4 / 3])
def test_a_vector_on_the_edge_of_a_ball_is_inside(offset):
    random = np.random.default_rng(5)
    real, generated = random.integers(0, 5, (70, 2)), random.integers(1, 7, (60, 2))
    expected = counted(real, generated, 3)
    assert distances.neighbours(real + offset, generated + offset, 3) == pytest.approx(expected)


def test_each_ball_of_a_set_holds_itself_and_its_k_neighbours():
    vectors = normal(300, 8)
    figures = distances.neighbours(vectors, vectors, k=4, block=70)
    assert figures == {"precision": 1, "recall": 1, "density": 5 / 4, "coverage": 1}


def test_balls_of_no_size_hold_their_copies():
    figures = distances.neighbours(np.zeros((10, 2)), np.zeros((8, 2)), k=4)
    assert figures == {"precision": 1, "recall": 1, "density": 10 / 4, "coverage": 1}


def test_neighbours_of_one_distribution_have_the_density_and_coverage_of_the_paper():
    n, m, k = 1500, 1000, 5
    missed = np.prod([(n - i) / (n + m - i) for i in range(1, k + 1)])
    figures = distances.neighbours(normal(n, 8, 1), normal(m, 8, 2), k)
    assert figures["density"] == pytest.approx(1, abs=0.05)
    assert figures["coverage"] == pytest.approx(1 - missed, abs=0.03)


def test_sets_far_apart_share_nothing():
    figures = distances.neighbours(normal(50), normal(40, mean=100))
    assert figures == {"precision": 0, "recall": 0, "density": 0, "coverage": 0}


def test_a_forgotten_mode_costs_recall_and_coverage_and_not_precision():
    modes = np.repeat([[0.0] * 4, [50.0] * 4], 300, axis=0)
    real, full, half = normal(600, 4, 1) + modes, normal(600, 4, 2) + modes, normal(600, 4, 3)
    whole, collapsed = distances.neighbours(real, full), distances.neighbours(real, half)
    assert collapsed["precision"] == pytest.approx(whole["precision"], abs=0.05)
    assert min(whole["precision"], whole["recall"], whole["coverage"]) > 0.85
    assert 0.4 < collapsed["recall"] <= 0.5 and 0.4 < collapsed["coverage"] <= 0.5


def test_one_picture_over_and_over_is_precise_and_covers_almost_nothing():
    real = normal(200)
    figures = distances.neighbours(real, np.repeat(real[7:8], 200, axis=0))
    holders = np.count_nonzero(np.sort(lengths(real, real))[:, 5] >= lengths(real, real[7:8])[:, 0])
    expected = {"precision": 1, "recall": 1 / 200, "density": holders / 5}
    assert figures == pytest.approx(expected | {"coverage": holders / 200})


# Nearest


def test_nearest_finds_copies_at_zero_and_others_at_their_distance():
    gallery = normal(500, 16, 1).astype(np.float32) + 1000
    queries = np.concatenate([gallery[[3, 444, 100]], normal(20, 16, 2) + 1000])
    index, distance = distances.nearest(queries, gallery, block=99)
    everything = lengths(queries, gallery.astype(float))
    assert index.tolist() == everything.argmin(1).tolist()
    assert index[:3].tolist() == [3, 444, 100] and distance[:3].tolist() == [0, 0, 0]
    assert distance == pytest.approx(everything.min(1), rel=1e-12)


def test_nearest_takes_a_single_query_and_a_single_gallery_vector():
    index, distance = distances.nearest([[3, 4]], [[0, 0]])
    assert index.tolist() == [0] and distance.tolist() == [5]


# All


@pytest.mark.parametrize("block", [1, 7, 60, 1000])
def test_the_size_of_blocks_changes_nothing(block):
    real, generated = normal(60, 3, 1), normal(47, 3, 2, mean=0.5)
    figures = distances.neighbours(real, generated, 3, block)
    assert figures == distances.neighbours(real, generated, 3, 30)
    value = distances.kernel(real, generated, block)
    assert value == pytest.approx(distances.kernel(real, generated, 30), abs=1e-12)
    found, expected = (distances.nearest(generated, real, b) for b in (block, 30))
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("measure", [distances.neighbours, distances.kernel, distances.nearest])
def test_memory_stays_below_a_matrix_of_all_pairs(measure):
    real, generated = normal(2000, 4, 1), normal(2000, 4, 2)
    tracemalloc.start()
    try:
        measure(real, generated, block=200)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2000 * 2000 * 8 / 10


def test_compared_gives_every_figure():
    real, generated = normal(90, 4, 1), normal(80, 4, 2, mean=0.5)
    assert distances.compared(real, generated) == {
        "frechet": distances.frechet(real, generated),
        "kernel": distances.kernel(real, generated),
        **distances.neighbours(real, generated, k=5),
    }


def test_floor_is_below_what_differs():
    real, other = normal(1000, 8, 1), normal(500, 8, 2, mean=0.5)
    floor = distances.compared(real[::2], real[1::2])
    figures = distances.compared(real[::2], other)
    assert floor["frechet"] < figures["frechet"] / 5 and floor["kernel"] < figures["kernel"] / 5
    assert floor["coverage"] > figures["coverage"] and floor["precision"] > 0.8


def test_single_precision_is_computed_in_double():
    real, generated = (normal(300, 4, i).astype(np.float32) + 1000 for i in (1, 2))
    doubled = distances.compared(real.astype(float), generated.astype(float))
    assert distances.compared(real, generated) == doubled


PAIRED = [distances.frechet, distances.kernel, distances.neighbours, distances.compared]


@pytest.mark.parametrize("measure", [*PAIRED, distances.nearest])
@pytest.mark.parametrize(
    ("real", "generated", "message"),
    [
        (np.zeros(20), np.zeros((20, 3)), r"shape \(20,\); expected feature vectors \[n, d\]"),
        (np.zeros((20, 3)), np.zeros((20, 3, 1)), r"shape \(20, 3, 1\); expected feature"),
        (np.zeros((20, 0)), np.zeros((20, 0)), r"shape \(20, 0\); expected feature"),
        (np.zeros((20, 3)), np.zeros((20, 4)), "3 and 4; expected .* equal length"),
        (np.zeros((20, 3)), np.full((20, 3), np.nan), "20 of 20 vectors are not finite"),
        (np.diag([np.inf, 0, 0]), np.zeros((20, 3)), "of 3 vectors are not finite|has 3 vectors"),
        (np.zeros((20, 3)), np.zeros((0, 3)), "has 0 vectors; expected at least"),
    ],
)
def test_what_is_no_pair_of_sets_is_refused(measure, real, generated, message):
    with pytest.raises(zoo.ZooError, match=message):
        measure(real, generated)


@pytest.mark.parametrize(
    ("measure", "least"), [(distances.frechet, 2), (distances.kernel, 2), (distances.compared, 6)]
)
def test_too_few_vectors_are_refused_in_either_set(measure, least):
    enough = normal(least)
    measure(enough, enough)
    for name, pair in {"real": (enough[1:], enough), "generated": (enough, enough[1:])}.items():
        message = f"{name} has {least - 1} vectors; expected at least {least}"
        with pytest.raises(zoo.ZooError, match=message):
            measure(*pair)


def test_k_neighbours_need_one_vector_more():
    distances.neighbours(normal(4), normal(4), k=3)
    with pytest.raises(zoo.ZooError, match="generated has 3 vectors; expected at least 4"):
        distances.neighbours(normal(4), normal(3), k=3)


@pytest.mark.parametrize(("option", "value"), [("k", 0), ("k", -2), ("block", 0), ("block", -5)])
def test_neighbours_and_blocks_are_counted_from_one(option, value):
    with pytest.raises(zoo.ZooError, match=f"{option} is {value}; expected .* from 1"):
        distances.neighbours(normal(20), normal(20), **{option: value})
