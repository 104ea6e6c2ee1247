"""Weights that another program trained by a recipe -> a training of the zoo at its last step.

On an accelerator there may be no TensorFlow: `benchmarks/on_jax.py` trains there.
"""

import dataclasses
from pathlib import Path
from typing import Any

from zoo import index
from zoo.errors import ZooError
from zoo.storage import files, weights
from zoo.training import record, workers
from zoo.training.run import CYCLES, ended, leaving_nothing


def adopt(
    name: str,
    learnt: Path,
    run: Path,
    figures: dict[str, float],
    facts: dict[str, Any],
    cycle: int,
    start: str | None = None,
) -> Path:
    """Leaves in a run directory what `zoo train` leaves there of a cycle.

    Args:
        name: of the index.
        learnt: a file of weights, as Keras saves them.
        run: the run directory; the cycles before are in its folder `cycles`.
        figures: of the last step: losses, and the `seconds` of the training.
        facts: for `run.json`: `command`, `host` and `versions`.
        cycle: which, from 1 on.
        start: the SHA-256 of the weights that it went on from.

    Returns:
        The folder of the cycle.

    Raises:
        ZooError: it is there; the weights are not of this net; the cycle before is missing, or is
            not what it went on from.
    """
    entry = index.entry(name)
    chain = entry.recipe.chain()
    entry = dataclasses.replace(entry, recipe=chain[cycle - 1])
    folder = run if cycle == len(chain) else run / CYCLES / str(cycle)
    if (folder / weights.RUN).exists():
        raise ZooError(f"{folder} is there: choose another folder with --run, or remove it")
    facts = record.of(entry, cycle if len(chain) > 1 else None) | facts
    if cycle > 1:
        donor = run / CYCLES / str(cycle - 1) / weights.WEIGHTS
        facts |= record.of_donor(donor)
        if (there := files.sha256(donor.read_bytes())) != start:
            raise ZooError(f"{donor}: expected what {learnt} went on from, {start}, got {there}")
    with leaving_nothing(folder):
        files.write_json(folder / weights.RUN, facts)
        return ended(entry, folder, facts, (name, learnt), workers.from_environment(), figures)
