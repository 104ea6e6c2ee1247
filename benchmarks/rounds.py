"""Contestants that take turns in rounds, because a shared machine drifts, and what comes of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from zoo.errors import MissingExtra
from zoo.export.benchmark import ratio

PEERS = {"ai_edge_litert", "onnxruntime", "openvino", "tf2onnx", "torch"}
PAUSE = 0.1  # seconds; the threads of the contestant before spin a little while after their work
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Contest:
    """The same work for all; ratios refer to the first contestant that is installed.

    Attributes:
        title: as printed.
        flops: floating-point operations of a lap.
        reference: the answer of a lap.
        tolerance: the largest absolute difference from it that still counts as the same work.
        contestants: name -> a function that imports and prepares what it needs, and returns
            turns as `stopwatch` does.
    """

    title: str
    flops: int
    reference: np.ndarray
    tolerance: float
    contestants: dict[str, Callable[[], Callable]]


def stopwatch(step: Callable, read: Callable = np.asarray) -> Callable:
    """A contestant's turns: `count` timed laps of `step` after one that is not timed.

    Args:
        step: a lap; returns its answer.
        read: makes a NumPy array of the answer, outside the timed laps.

    Returns:
        A function of `count` that returns the seconds of each lap and the first lap's answer.
    """

    def turn(count):
        ends, answers = [], []
        for _ in range(count + 1):
            answers.append(step())
            ends.append(time.perf_counter())
        return np.diff(ends), read(answers[0])

    return turn


def race(contest: Contest, rounds: int, laps: int) -> dict:
    """All contestants, one turn each a round. Returns plain data; None for who is not installed."""
    turns = {name: installed(prepare) for name, prepare in contest.contestants.items()}
    ready = {name: turn for name, turn in turns.items() if turn}
    checks = {name: check(contest, turn) for name, turn in ready.items()}
    seconds = {name: [] for name in ready}
    for _ in tqdm(range(rounds), contest.title, unit="round", leave=False):
        for name, turn in ready.items():
            time.sleep(PAUSE)
            seconds[name].append(turn(laps)[0])
    first, rows = seconds[next(iter(ready))], dict.fromkeys(turns)
    for name in ready:
        rows[name] = figures(contest.flops, seconds[name], first) | checks[name]
    return {"title": contest.title, "flops": contest.flops, "rows": rows}


def installed(prepare: Callable) -> Callable | None:
    """The turns, or None where a peer is missing; anything else that fails is an error."""
    try:
        return prepare()
    except MissingExtra:  # LiteRT, which the zoo's export needs
        return None
    except ModuleNotFoundError as error:
        if error.name.partition(".")[0] not in PEERS:
            raise
        return None


def check(contest: Contest, turn: Callable) -> dict:
    """How far the first answer of a contestant is from the reference."""
    _, answer = turn(1)
    apart = float("inf")
    if np.shape(answer) == np.shape(contest.reference):
        apart = float(np.max(np.abs(answer - contest.reference)))
    return {"difference": apart, "same": bool(apart <= contest.tolerance)}


def figures(flops: int, seconds: list[np.ndarray], first: list[np.ndarray]) -> dict:
    """A contestant's laps, one array a round, summed up beside those of the first contestant."""
    median = float(np.median(seconds))
    return {
        "median_ms": 1e3 * median,
        "min_ms": 1e3 * float(np.min(seconds)),
        "max_ms": 1e3 * float(np.max(seconds)),
        "gflops": flops / median / 1e9,
        "ratio": ratio(seconds, first),
        "laps_ms": np.round(np.multiply(seconds, 1e3), 3).tolist(),
    }
