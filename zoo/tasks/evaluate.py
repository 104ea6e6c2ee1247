"""Benchmark = a set of pictures + a task's protocol -> one row of the table."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from zoo import index
from zoo.data import sources
from zoo.data.degradation import PAIRED, Degradation
from zoo.errors import ZooError
from zoo.tasks.functions import Infer
from zoo.tasks.pipeline import P, Pipeline

T = TypeVar("T")


def evaluate(
    pipeline: Pipeline,
    data: str | None = None,
    degrade: str | None = None,
    infer: Infer | None = None,
    progress: bool = False,
) -> dict[str, Any]:
    """Measures a pipeline by its task's protocol; see `zoo.evaluate`."""
    size = index.task_of(pipeline.entry).size_seen(pipeline.spec)
    return Evaluation(pipeline, data, degrade, size=size).row(infer, progress)


class Evaluation(Generic[P]):
    """A net on a test set, by its task's protocol; and all that can stand in the net's place.

    Attributes:
        pipeline: whose task and benchmarks are meant.
        pictures: the set, read once; in the size that it is measured in, where that is asked for.
        damage: what is done to it (restoration), or None.
    """

    def __init__(
        self,
        pipeline: P,
        data: str | None = None,
        degrade: str | None = None,
        pictures: sources.Pictures | None = None,
        size: tuple[int | None, int | None] = (None, None),
    ):
        """As `evaluate`; of pictures that were read already, where these come."""
        named = pictures.name if pictures else data
        data, self.damage = pipeline.entry.test_set(named, degrade)
        spec, self.pipeline = pipeline.spec, pipeline
        if pictures is None:
            pictures = sources.load(data, spec.channels, "test", spec.background, size)
        self.pictures = pictures.of_size(size)
        self._known: dict[str, Any] = {}
        if self.pictures.given is not None and self.damage is not None:
            self.damage = self._of_pairs(degrade)

    def _of_pairs(self, degrade: str | None) -> Degradation:
        if degrade not in (None, str(PAIRED)):
            raise ZooError(
                f"{self.pictures.name} has its pictures as they were taken beside the clean ones: "
                f"expected no degradation, got {degrade}"
            )
        return PAIRED

    @property
    def known_damage(self) -> Degradation:
        """`damage`, of what restores. Raises ZooError where that is nothing."""
        if self.damage is None:
            raise ZooError(f"{self.pipeline.entry.name}: expected a degradation in its spec")
        return self.damage

    def row(self, infer: Infer | None = None, progress: bool = False) -> dict[str, Any]:
        """What `evaluate` returns."""
        entry, pictures = self.pipeline.entry, self.pictures
        row: dict[str, Any] = {
            "name": entry.name,
            "tag": entry.tag,
            "data": pictures.name,
            "count": len(pictures),
        }
        row |= {"degrade": str(self.damage) if self.damage else None}
        row |= index.task_of(entry).evaluate(self, infer, progress)
        return row | {"protocol": row["protocol"] + self._warned()}

    def _warned(self) -> str:
        """What a net says of its own training pictures says too much."""
        from zoo.training.pictures import seen

        source = Path(self.pipeline.source or "")
        known = seen(source, self.pictures) if source.is_dir() else 0
        return f"; {known} of them are of its own training, which says too much" * bool(known)

    def once(self, name: str, find: Callable[[], T]) -> T:
        """What is found the first time, and known from then on."""
        if name not in self._known:
            self._known[name] = find()
        return self._known[name]
