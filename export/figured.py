"""What a file is worth on real pictures: its task's figure, and how far from the net it is."""

import dataclasses
import functools
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo import index
from zoo.data import sources
from zoo.data.pictures import Pictures
from zoo.errors import ZooError
from zoo.export import isolated
from zoo.export.artifacts import Artifact
from zoo.export.compared import Row
from zoo.export.forms import FORMS, Form
from zoo.export.on_pictures import Comparison, Figures, UsersMetric, checked
from zoo.export.runtimes import RUNTIMES
from zoo.metrics.metric import LOWER, Metric, metric_of
from zoo.tasks.evaluate import Evaluation
from zoo.tasks.functions import Infer, Values, coloured, functions, groups

MOST, _AT_ONCE = 500, 100
"""Pictures that files are judged on, and at once: memory stays bounded."""


class Judged:
    """The figure of a net and of its files on the same pictures.

    Args:
        pipeline: whose task it is.
        pictures: with classes, or clean ones, as the task takes them.
        metric: takes the place of the task's figure.
        known: whether what is right of the pictures is known: without it there is no figure.
        allow: by how much a file may be worse than the net, in the figure's unit; by default as
            the form's bound says, and nothing bounds a metric of the user's own.
    """

    def __init__(
        self,
        pipeline: Any,
        pictures: Pictures,
        metric: UsersMetric | None = None,
        known: bool = True,
        allow: float | None = None,
    ):
        self.pipeline, self._users, self._known, self._allow = pipeline, metric, known, allow
        self.task = index.task_of(pipeline.entry)
        self.evaluation = Evaluation(pipeline, pictures=pictures)
        self._scratch = tempfile.TemporaryDirectory(prefix="zoo-")
        self._found: dict[tuple[Path, str], Figures] = {}

    @property
    def metric(self) -> Metric:
        """Of the figure."""
        name = getattr(self._users, "__name__", "metric") if self._users else self.task.headline
        return metric_of(name)

    @functools.cached_property
    def net(self) -> Figures:
        """Of the net itself; what it gives is kept on the disk, for its files."""
        return self._measured([f.infer for f in functions(self.pipeline)], self._keep)

    def of(self, folder: Path, artifacts: Sequence[Artifact]) -> Figures:
        """Of one form: the files of all functions of the net.

        Raises:
            ZooError: they do not run.
        """
        key = folder, artifacts[-1].form
        if key not in self._found:
            _ = self.net
            compare = Comparison(Path(self._scratch.name))
            found = self._measured([_call(folder, a) for a in artifacts], compare)
            self._found[key] = compare.filled(found)
        return self._found[key]

    def row(self, folder: Path, artifacts: Sequence[Artifact]) -> Row:
        """The check of one form by the task's figure."""
        form = FORMS[artifacts[-1].form]
        key, count = form.runtimes[0], len(self.evaluation.pictures)
        row = Row(
            artifacts[-1].key, RUNTIMES[key].engine.version(), f"{self.metric.name} x{count}",
            error_metric="loss",
            bound=self._allow,
        )  # fmt: skip
        try:
            found, net = self.of(folder, artifacts).value, self.net.value
        except ZooError as error:
            return dataclasses.replace(row, reason=str(error))
        assert found is not None and net is not None
        row = dataclasses.replace(row, bound=self._bound(form, count, net))
        published = self.pipeline.source == "pretrained" and self._allow is None
        loss = abs(found - net) if published else max(0.0, self.worse(found))
        if row.bound is None or loss <= row.bound:
            return dataclasses.replace(row, loss=loss, passed=True)
        return dataclasses.replace(row, loss=loss, reason=self.missed(found, row.bound))

    @property
    def judges(self) -> bool:
        """Whether files have a figure here, and a bound on it."""
        bounded = self._allow is not None or not self._users
        return self.has_figure and bounded

    @property
    def has_figure(self) -> bool:
        """Whether the net and its files have a figure on these pictures."""
        return self._known and bool(self._users or self.task.headline)

    def worse(self, value: float) -> float:
        """By how much a figure is worse than the net's; negative where it is better."""
        assert self.net.value is not None
        return (value - self.net.value) * (1 if self.metric.better == LOWER else -1)

    def missed(self, value: float, bound: float) -> str:
        """Why a figure beyond a bound is refused."""
        assert self.net.value is not None
        net = self.metric.phrase(self.net.value)
        return f"{self.metric.named(value)}, the net {net}: expected {bound:g} worse at most"

    def _bound(self, form: Form, count: int, net: float) -> float | None:
        """A picture more or less is allowed, where that is more."""
        if self._allow is not None or self._users:
            return self._allow
        bound = self.metric.bound(form.precision, net)
        return max(bound, 100 / count) if self.task.headline == "accuracy" else bound

    def _measured(self, calls: Sequence[Infer], sink: Callable[[int, np.ndarray], None]) -> Figures:
        """What calls give of each picture goes to a sink."""
        outputs: list[np.ndarray] = []
        count = 0

        def last(values: Values) -> np.ndarray:
            nonlocal count
            made = calls[-1](values)
            for one in made:
                sink(count, one)
                count += 1
            if self._users:
                outputs.extend(made)
            return made

        recorded = [*calls[:-1], last]
        if not self._known:
            infer = recorded[0]
            for image in self.evaluation.pictures.images:
                infer(image[None].astype(np.float32) / 255)
            return Figures()
        if self._users:
            self.task.scores(self.evaluation, recorded)
            found = checked(self._users, outputs, self._truth())
            return Figures(float(found.mean()), found if found.ndim else None)
        scores = self.task.scores(self.evaluation, recorded)
        if scores is not None:
            return Figures(float(scores.mean()), scores)
        return Figures(self.task.figure(self.evaluation, recorded) if self.task.headline else None)

    def _truth(self) -> Any:
        pictures = self.evaluation.pictures
        if pictures.labels is not None and self.pipeline.spec.labels:
            return pictures.labels_among(self.pipeline.spec.labels)
        return pictures.images

    def _keep(self, number: int, made: np.ndarray) -> None:
        np.save(Path(self._scratch.name) / f"{number}.npy", made)


def judged(pipeline: Any, data: str | None = None) -> Judged | None:
    """What files are judged by: a set, or the examples of `zoo.wrap`, if its task has a figure of
    such pictures; else None.

    Raises:
        ZooError: the set is not there, or has none of the net's classes.
    """
    spec, found = pipeline.spec, pipeline.examples
    if data:
        if not index.task_of(pipeline.entry).headline:
            raise ZooError(
                f"{pipeline.entry.name}: {data} came, and tensors have no figure of merit"
            )
        return Judged(pipeline, read(pipeline, data).subset(slice(MOST)))
    if not isinstance(found, Pictures):
        return None
    known = found.labels is not None and found.known_among(spec.labels)
    return Judged(pipeline, found.subset(slice(MOST))) if known or spec.restores else None


def read(pipeline: Any, data: str) -> Pictures:
    """A set as a net takes it. Raises ZooError where it is not there."""
    spec = pipeline.spec
    return sources.load(data, spec.channels, "test", spec.background).of_size(spec.shape[:2])


def _call(folder: Path, artifact: Artifact) -> Infer:
    key, path = FORMS[artifact.form].runtimes[0], folder / artifact.path

    def call(values: Values) -> np.ndarray:
        given = groups(coloured(values, artifact.function), _AT_ONCE)
        return np.concatenate(isolated.run(key, path, artifact.function, given).results)

    return call
