"""What every name becomes when it is loaded: a net with the preprocessing of its weights."""

import dataclasses
import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from zoo import index
from zoo.data.pictures import Pictures
from zoo.errors import ZooError
from zoo.images.pixels import fit_channels, read
from zoo.schema import Entry
from zoo.storage import files, keras_files, run_json, runs, sheets, weights
from zoo.tasks.functions import Function, Values, functions, groups, named, side_by_side
from zoo.tasks.heads import with_classes, with_shape
from zoo.wrapping import entry as own

if TYPE_CHECKING:
    import keras


class Pipeline:
    """A net with the preprocessing that belongs to its weights; one subclass a kind of task.

    It can be pickled, for other processes; these are to be spawned: TensorFlow, once it computed,
    hangs in a process that is forked (`multiprocessing.get_context("spawn")`).

    Attributes:
        entry: what the index says of it.
        spec: what goes in and comes out.
        source: where the weights came from: "pretrained", an absolute path, or None.
        executor: what computes: the name of a function and what it takes (its input `[b, ...]`, or
            several by their names) -> its outputs, see `zoo.tasks.functions.side_by_side`. The net,
            or a file in another runtime.
        examples: of what it will meet (`zoo.wrap`), or None: its files are calibrated and compared
            on these.
    """

    def __init__(
        self,
        entry: Entry,
        net: "keras.Model | None" = None,
        source: str | None = None,
        executor: Callable[[str, Any], np.ndarray] | None = None,
    ):
        self.entry, self.spec, self.source = entry, entry.spec, source
        self._net = net
        self.examples: Pictures | dict[str, np.ndarray] | None = None
        self.executor = executor or _InKeras(self)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.entry.own:
            facts = own.facts_of_entry(self.entry)
            return _rebuilt_own, (self.entry.name, facts, self.source, self.net, self.examples)
        name, spec, told = self.entry.index_name, self.spec, runs.facts_of(self.entry)
        run = (self.entry.name, told["licence"], self.spec.degrade) if told else None
        return _rebuilt, (name, spec.shape, spec.labels, self.source, self.net.get_weights(), run)

    def __repr__(self) -> str:
        return f"<{self.entry.full_name}: {self.entry.summary}>"

    @property
    def net(self) -> "keras.Model":
        """The plain Keras model; change it, fine-tune it with `compile` and `fit`.

        Raises:
            ZooError: the pipeline was loaded for another runtime, which has no net.
        """
        if self._net is None:
            raise ZooError(
                f"{self.entry.name} runs from an exported file here, which has no net to look into "
                'or to train: load it with runtime="keras"'
            )
        return self._net

    def __call__(self, *given: Any, **options: Any) -> Any:
        """What its task makes of a picture, or of numbers: see the subclass."""
        raise NotImplementedError(f"{type(self).__name__} has no __call__")

    def infer(self, *given: Any, **options: Any) -> np.ndarray:
        """The same from array to array, `[b, ...]`: what files and protocols are compared by."""
        raise NotImplementedError(f"{type(self).__name__} has no infer")

    def compute(self, name: str, values: Values) -> np.ndarray:
        """One function of the pipeline, however many examples: memory stays bounded.

        Args:
            name: of the function, see `zoo.tasks.functions`.
            values: its input `[b, ...]`, or several by their names.

        Returns:
            Its outputs, see `zoo.tasks.functions.side_by_side`.
        """
        return np.concatenate([self.executor(name, some) for some in groups(values, _AT_ONCE)])

    def preprocess(self, images: Any) -> Any:
        """What the net takes of pictures: what a call of the pipeline gives it, for `fit`.

        Args:
            images: `[b, h, w, c]` or `[h, w, c]`, uint8 or float in [0, 1]; also a tensor of
                tf.data, as in `dataset.map(lambda x, y: (pipeline.preprocess(x), y))`.

        Returns:
            float32, in the net's channels, size and value range; of the kind that came.

        Raises:
            ZooError: these are no such pictures.
        """
        if not _is_symbolic(images):
            pixels = read(np.asarray(images))
            values = self.spec.normalize(self.fitted(pixels.over(self.spec.background))).astype(
                np.float32
            )
            return values[0] if pixels.single else values
        import tensorflow as tf

        values = tf.numpy_function(self.preprocess, [images], tf.float32, stateful=False)
        return tf.ensure_shape(values, [*images.shape[:-3], *self.spec.shape])

    def fitted(self, values: np.ndarray) -> np.ndarray:
        """Pixels `[b, h, w, c]` in the net's channels, and of its size where it has one."""
        return fit_channels(values, self.spec.channels)

    def save(self, folder: str | Path) -> Path:
        """Writes the net with all that `zoo.load(folder)` needs: weights, labels, preprocessing;
        of a net of one's own the `.keras` file, and the sample of its examples.

        Args:
            folder: new, empty, or one that was saved before, which is replaced.

        Returns:
            The folder; it appears whole or not at all.

        Raises:
            ZooError: it holds something else, or cannot be written; the net has a Lambda, or a
                layer that is not registered, so that nothing could load it again.
        """
        target = Path(folder).resolve()
        foreign = [p for p in target.iterdir() if p.name not in _SAVED] if target.is_dir() else []
        if foreign or (target.exists() and not target.is_dir()):
            raise ZooError(f"{folder} holds something else: expected a new or an empty folder")
        facts = {"name": self.entry.index_name} | run_json.of_labels(self.spec.labels)
        facts |= runs.facts_of(self.entry)
        if self.entry.own:
            facts |= {"net": own.facts_of_entry(self.entry)}
        with files.whole(target) as partial:
            partial.mkdir()
            digests = self._write(partial)
            files.write_json(partial / weights.RUN, facts | {"sha256": digests})
        return Path(folder)

    def _write(self, folder: Path) -> dict[str, str]:
        """The files beside `run.json`, and their SHA-256."""
        if not self.entry.own:
            return {weights.WEIGHTS: weights.save(self.net, folder / weights.WEIGHTS)}
        path = folder / own.MODEL
        self.net.save(path)
        keras_files.refuse(path)  # what `load` would refuse
        found = {own.MODEL: files.sha256(path.read_bytes())}
        if isinstance(self.examples, dict):
            sheets.save(folder / own.EXAMPLES, **self.examples)
            found[own.EXAMPLES] = files.sha256((folder / own.EXAMPLES).read_bytes())
        if isinstance(self.examples, Pictures):
            from zoo.data import calibration

            sample = calibration.write(folder / weights.CALIBRATION, self.examples, self.spec)
            found[weights.CALIBRATION] = sample
        return found


P = TypeVar("P", bound=Pipeline)
_SAVED = (weights.WEIGHTS, weights.RUN, weights.CALIBRATION, own.MODEL, own.EXAMPLES)
_AT_ONCE = 500  # pictures


def _rebuilt(
    name: str,
    shape: tuple[int | None, int | None, int],
    labels: tuple[str, ...],
    source: str | None,
    arrays: list,
    run: tuple[str, dict[str, str], tuple[str, ...]] | None = None,
) -> Pipeline:
    entry = with_shape(index.entry(name), shape)
    if labels != entry.spec.labels:
        entry = with_classes(entry, labels)
    net = entry.build()
    net.set_weights(arrays)
    if run:
        entry = dataclasses.replace(
            runs.own(index.entry(name), run[0], labels, shape, *run[1:]),
            build=entry.build, parameters=entry.parameters,
        )  # fmt: skip
    return index.task_of(entry).pipeline(entry, net, source)


def _rebuilt_own(
    name: str,
    facts: dict[str, Any],
    source: str | None,
    net: "keras.Model",
    examples: Pictures | dict[str, np.ndarray] | None,
) -> Pipeline:
    entry = own.entry_of(name, facts, net)
    made = index.task_of(entry).pipeline(entry, net, source)
    made.examples = examples
    return made


def _is_symbolic(images: Any) -> bool:
    tf = sys.modules.get("tensorflow")  # without it there is no tensor
    return tf is not None and tf.is_symbolic_tensor(images)


class _InKeras:
    """Runs the parts of a pipeline as they are exported, each compiled once for all sizes."""

    def __init__(self, pipeline: Pipeline):
        self.pipeline = pipeline
        self.compiled: dict[str, tuple[Function, Callable[..., Any]]] = {}

    def __call__(self, name: str, values: Values) -> np.ndarray:
        if name not in self.compiled:
            self.compiled[name] = self._compile(name)
        function, call = self.compiled[name]
        made = call(*named(function, values).values())
        return side_by_side([np.asarray(made[output]) for output in function.outputs])

    def _compile(self, name: str) -> tuple[Function, Callable[..., Any]]:
        import tensorflow as tf

        (function,) = (function for function in functions(self.pipeline) if function.name == name)
        taken = [tf.TensorSpec(one.shape, tf.float32) for one in function.inputs]
        # a partial, not a lambda: TensorFlow would count the traces of all nets as those of one
        serve = functools.partial(_served, function)
        return function, tf.function(serve, taken, autograph=False)


def _served(function: Function, *tensors: Any) -> dict[str, Any]:
    return function.serve(*tensors)
