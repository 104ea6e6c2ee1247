"""Several machines: who this process is by TF_CONFIG, where it writes, what all must agree on.

Every process trains; the chief alone writes the run directory, the others a copy of it, which they
throw away.
"""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypedDict

from zoo.errors import ZooError, warn
from zoo.storage import files, json_types, weights
from zoo.storage.processes import locked

CONFIG = "TF_CONFIG"
_EXPECTED = (
    f'{CONFIG}: expected {{"cluster": {{"worker": ["HOST:PORT", ...]}}, '
    '"task": {"type": "worker", "index": 0}}'
)
_AGAIN = "give the same commands again on all machines: the training goes on from its checkpoint"
_NOT_COPIED = ("tensorboard", "samples")


class _Task(TypedDict):
    type: str
    index: int


Cluster = dict[str, list[str]]


def from_environment() -> Any:
    """The strategy that TF_CONFIG asks for, once all workers are there; None where it is not set.

    Raises:
        ZooError: it is not as TensorFlow takes it; the workers did not meet; TensorFlow was used in
            this process before.
    """
    if (asked := _read()) is None:
        return None
    import tensorflow as tf

    from zoo.tasks.fitting import say

    cluster, task = asked
    here = cluster[task["type"]][task["index"]]
    others = [place for places in cluster.values() for place in places if place != here]
    try:
        with _interruptible():
            say(
                f"This is {_called(task)} at {here}; it waits for {', '.join(others) or 'no other'}"
            )
            return tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError as error:
        raise ZooError(f"the workers did not meet: {_first_line(error)}; {_AGAIN}") from error
    except RuntimeError as error:
        raise ZooError(
            f"{CONFIG} is set, and TensorFlow was used in this process before: {error}; call "
            "zoo.train first, or give it a strategy that was made first"
        ) from error


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Control-C ends the process: TensorFlow waits for an hour, and Python does not hear it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def follows() -> bool:
    """Whether TF_CONFIG makes this process a worker that is not the chief."""
    asked = _read()
    return asked is not None and not _is_chief(*asked)


@contextlib.contextmanager
def writing(run: Path, strategy: Any, training: str) -> Iterator[Path]:
    """The folder that this process may write: `run`, locked, or another worker's copy of it.

    Args:
        run: the run directory, which all workers see.
        strategy: a `tf.distribute.Strategy`, or None.
        training: what is trained, in words that differ where the training does.

    Raises:
        ZooError: another process writes there; the workers train different things; one has gone.

    Warns:
        ZooWarning: the workers' weights differ in the end.
    """
    if not _several(strategy):
        with locked(run):
            yield run
        return
    with _meeting(strategy), contextlib.ExitStack() as stack:
        chief = _is_chief(*_of(strategy))
        if chief:
            stack.enter_context(locked(run))
        agree(strategy, {"training": training})  # from here on nobody changes the run directory
        folder = run if chief else _copy(run, stack.enter_context(files.scratch()))
        agree(strategy, {"checkpoint": _state(folder)})  # and from here on the chief does
        yield folder
        ended = files.sha256((folder / weights.WEIGHTS).read_bytes())
        if _unlike(strategy, {"weights": ended}):
            warn(
                "the workers ended with weights that differ, as processors of different kinds "
                f"round differently: {run} has those of the chief"
            )


def agree(strategy: Any, said: Mapping[str, object]) -> None:
    """Waits for all workers. Raises ZooError where they differ in one of some things."""
    if odd := _unlike(strategy, said):
        raise ZooError(
            f"expected the same {odd[0]} on every machine, got {said[odd[0]]!r} here and another "
            "elsewhere: give the same command on each, and folders that all of them see"
        )


def _unlike(strategy: Any, said: Mapping[str, object]) -> list[str]:
    """Which of some things are not the same for all workers, who wait for one another here."""
    if not _several(strategy):
        return []
    import tensorflow as tf

    marks = [int(hashlib.sha256(repr(one).encode()).hexdigest()[:8], 16) for one in said.values()]
    ours = tf.constant(marks, tf.int64)
    total = strategy.reduce("SUM", strategy.run(tf.function(lambda: ours)), axis=None).numpy()
    count = strategy.num_replicas_in_sync
    return [key for key, mark, all_ in zip(said, marks, total, strict=True) if mark * count != all_]


@contextlib.contextmanager
def _meeting(strategy: Any) -> Iterator[None]:
    """What TensorFlow says where another worker has gone, as one line."""
    import tensorflow as tf

    gone = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.InternalError,
            tf.errors.DeadlineExceededError, tf.errors.CancelledError)  # fmt: skip
    try:
        yield
    except gone as error:
        raise ZooError(f"another worker has gone; {_AGAIN} ({_first_line(error)})") from error


def _first_line(error: Any) -> str:
    return error.message.partition("\n")[0].rpartition("}}")[2].strip()


def _copy(run: Path, scratch: Path) -> Path:
    folder = scratch / run.name
    if run.is_dir():
        shutil.copytree(run, folder, ignore=shutil.ignore_patterns(*_NOT_COPIED))
    return folder


def _state(run: Path) -> list[str]:
    """How far a training is: the checkpoints of it and of its cycles, by their names."""
    return sorted(str(path.relative_to(run)) for path in run.glob("**/checkpoints/*"))


def _several(strategy: Any) -> bool:
    if strategy is None:
        return False
    import tensorflow as tf

    made_for_it = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
    return made_for_it and strategy.cluster_resolver.task_type is not None


def _of(strategy: Any) -> tuple[Cluster, _Task]:
    resolver = strategy.cluster_resolver
    task: _Task = {"type": resolver.task_type, "index": resolver.task_id}
    return resolver.cluster_spec().as_dict(), task


def _is_chief(cluster: Cluster, task: _Task) -> bool:
    return task["type"] == "chief" or ("chief" not in cluster and task["index"] == 0)


def _called(task: _Task) -> str:
    return f"{task['type']} {task['index']}"


def _read() -> tuple[Cluster, _Task] | None:
    """The cluster that TF_CONFIG names, and this process's place in it; None where it is not set.

    Raises ZooError where it is anything else.
    """
    if not (text := os.environ.get(CONFIG)):
        return None
    try:
        said: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ZooError(f"{_EXPECTED}, got {text[:80]!r}, which is no JSON: {error}") from None
    known = said if isinstance(said, dict) else {}
    cluster: Any
    cluster, task = known.get("cluster"), known.get("task")
    kind: Any
    index: Any
    kind, index = (task.get(key) if isinstance(task, dict) else None for key in ("type", "index"))
    why = json_types.fields_flaw(
        [(cluster, Cluster, "cluster"), (kind, str, "type"), (index, int, "index")]
    ) or _odd_place(cluster, kind, index)
    if why:
        raise ZooError(f"{_EXPECTED}, got {text[:200]}: {why}")
    return cluster, {"type": kind, "index": index}


def _odd_place(cluster: Any, kind: Any, index: Any) -> str:
    if kind not in ("chief", "worker"):
        return f"a task of type {kind}"
    known = 0 <= index < len(cluster.get(kind, ()))
    return "" if known else f"no {kind} {index} in the cluster"
