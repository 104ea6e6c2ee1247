"""What there is to know of a task: a file of `zoo.tasks` answers it for one."""

import abc
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

import numpy as np
from PIL import Image

from zoo.data.sources import Pictures
from zoo.errors import ZooError
from zoo.images.pixels import to_uint8
from zoo.schema import Entry, Recipe
from zoo.spec import Spec
from zoo.tasks.functions import Function, Infer, Signature
from zoo.tasks.pipeline import P, Pipeline

if TYPE_CHECKING:
    import keras

    from zoo.tasks.evaluate import Evaluation
    from zoo.training.log import Log
    from zoo.training.methods import Method


class Task(abc.ABC, Generic[P]):
    """What nets are for, and all that follows from it; to be registered by `register_task`.

    Nothing else asks which task it is: a new one is a new subclass. TensorFlow is imported where
    it is needed, for `zoo list` imports every task.

    Attributes:
        name: as `Spec.task` has it.
        kind: the heading under which tables show its names.
        headline: the metric that exported files are compared by, and tables show first; "" where
            there is none.
        recipe: the class of its recipes, with the options of its own.
        pipeline: the class of its pipelines.
        options: what a call of the pipeline takes beside a picture, of `scale`, `ensemble`, `sigma`
            and `strength`.
        losses: the names that `Recipe.loss` may have.
        gives_pictures: whether it answers a picture with a picture.
        held_out_loss: the one of the `held_out` figures that is lowest in the best net, or None.
    """

    name: str
    kind: str
    headline: str
    recipe: type[Recipe] = Recipe
    pipeline: type[Pipeline]
    options: tuple[str, ...] = ()
    losses: tuple[str, ...] = ("mse", "charbonnier", "cross_entropy")
    gives_pictures: bool = True
    held_out_loss: str | None = None

    @abc.abstractmethod
    def signatures(self, spec: Spec) -> list[Signature]:
        """What its exported functions take and give."""

    @abc.abstractmethod
    def functions(self, pipeline: P) -> list[Function]:
        """Its exported functions, in the order of `signatures`."""

    @abc.abstractmethod
    def batches(self, entry: Entry, pictures: Pictures) -> Callable[[Any], tuple]:
        """A function of the step, an int64 tensor, that makes its batch: a tuple of tensors.

        Raises:
            ZooError: the pictures do not fit.
        """

    @abc.abstractmethod
    def evaluate(
        self, evaluation: "Evaluation[P]", infer: Infer | None = None, progress: bool = False
    ) -> dict[str, Any]:
        """What is measured of a net on a test set, or of what stands in its place.

        Args:
            evaluation: a `zoo.tasks.evaluate.Evaluation`.
            infer: takes the place of the pipeline's function, such as an exported file.
            progress: show a bar.

        Returns:
            `protocol`, in words, and `metrics`; perhaps `floor`, the same of real pictures.
        """

    @abc.abstractmethod
    def held_out(self, pipeline: P, pictures: Pictures) -> dict[str, float]:
        """The figures of a training, on the pictures that it holds out."""

    def caption(self, spec: Spec, real: bool = True) -> str:
        """What is to be seen on `preview`, with real pictures or without."""
        return ""

    def beside(self, entry: Entry) -> np.ndarray | None:
        """Real pictures for the preview on a card, uint8 `[n, h, w, c]`, where it shows any."""
        return None

    @abc.abstractmethod
    def preview(self, pipeline: P, real: np.ndarray | None = None) -> Image.Image:
        """The picture on its card.

        Args:
            pipeline: from `zoo.load`.
            real: uint8 `[n, h, w, c]` in place of the test set's.
        """

    def size_seen(self, spec: Spec) -> tuple[int | None, int | None]:
        """Height and width that the pictures of a set are measured in; None where it is theirs."""
        return None, None

    def described(self, spec: Spec) -> str:
        """What its functions take and give, in words, for the card."""
        return "; ".join(
            f"{_quoted(s.names)} to {_quoted(s.outputs)}" for s in self.signatures(spec)
        )

    def answer(self, result: Any) -> dict[str, Any]:
        """What the pipeline says of a picture, as `zoo run --json` prints it."""
        return {"answer": np.asarray(result).tolist()}

    def view(self, spec: Spec, output: np.ndarray) -> "np.ndarray | str":
        """One result as people look at it: a picture, uint8 `[h, w, c]`, or words."""
        if self.gives_pictures and output.ndim == 3 and output.shape[-1] in (1, 3):
            return to_uint8(output)
        some = ", ".join(f"{number:.4g}" for number in output.ravel()[:6])
        return some + ", ..." * (output.size > 6)

    def picture_of(self, pipeline: P, picture: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
        """The picture that the pipeline makes of one, and what `zoo run` says beside it."""
        return pipeline(picture, **options), {}

    def companions(
        self,
        pipeline: P,
        signature: Signature,
        given: Mapping[str, np.ndarray],
        count: int,
        seed: int,
    ) -> dict[str, np.ndarray]:
        """What a function takes beside `given`, its pictures or latents, by name: float32
        `[count, ...]`, as in use; the same for the same seed."""
        return {}

    def scores(self, evaluation: "Evaluation[P]", calls: Sequence[Infer] = ()) -> np.ndarray | None:
        """The `headline` of each picture `[n]`, whose mean is that of the set; None where it is of
        a whole set only, or there is none.

        Args:
            evaluation: as `evaluate` takes it.
            calls: exported functions in the net's place; by default the net itself.
        """
        return None

    def figure(self, evaluation: "Evaluation[P]", calls: Sequence[Infer] = ()) -> float:
        """The `headline` of exported functions in the net's place, or of the net itself."""
        if (scores := self.scores(evaluation, calls)) is not None:
            return float(np.mean(scores))
        infer = self.in_place(evaluation, calls[0]) if calls else None
        return self.evaluate(evaluation, infer, progress=True)["metrics"][self.headline]

    def in_place(self, evaluation: "Evaluation[P]", call: Infer) -> Infer:
        """An exported function as `evaluate` takes it for `infer`."""
        return call

    def refuse(self, entry: Entry) -> None:
        """Raises ZooError of a recipe by which the task cannot train."""
        if entry.recipe.quantization_aware:
            raise ZooError(
                "quantization_aware rounds while a net's outputs are moved towards targets, and a "
                f"net to {self.name} learns otherwise; leave it out: classifiers and restorers "
                "have it"
            )

    def method(self, entry: Entry, net: "keras.Model", strategy: Any) -> "Method":
        """How its nets are trained, a `zoo.training.methods.Method`: outputs towards targets."""
        from zoo.training.methods import supervised

        return supervised(entry.recipe, net, strategy)

    def adapted(self, entry: Entry, pictures: Pictures) -> Entry:
        """The entry as it will be trained on these pictures."""
        return entry

    def shaped(self, entry: Entry) -> Entry:
        """The entry for pictures as its recipe has them, where these are others."""
        return entry

    def begin(
        self, pipeline: P, training: Pictures, held_out: Pictures, run: Path
    ) -> dict[str, Any]:
        """Done before the first step, and again where a training goes on: the same each time.

        Returns:
            What `run.json` is to say of it.
        """
        return {}

    def start_from(self, given: "keras.Model", net: "keras.Model") -> "keras.Model":
        """A net whose weights are those of `given` and fit those of `net`, which begins so."""
        return given

    def finish(self, pipeline: P, held_out: Pictures, run: Path) -> dict[str, Any]:
        """Done once with what was trained; what `run.json` is to say of it."""
        return {}

    def watch(self, pipeline: P, run: Path, log: "Log", progress: float) -> None:
        """Called at each report of a training.

        Args:
            pipeline: with what was learnt so far.
            run: the run directory.
            log: a `zoo.training.log.Log`; its last row is that of now.
            progress: share of the steps taken.
        """


def _quoted(names: Sequence[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)
