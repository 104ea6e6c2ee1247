"""How a name is trained, as frozen data."""

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from typing_extensions import Self


OPTIMIZERS = ("adam", "adam_half", "muon", "muon_first", "muon_late", "sgd")
"""Those of `zoo.training.optimizers`, which imports Keras."""
PRECISIONS = ("float32", "mixed_bfloat16")
KEPT_IN = ("float32", "float16")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a name is trained. Everything that changes the resulting bytes is here.

    Each task has a subclass with the options of its own, such as `zoo.tasks.restore.Recipe`.

    Attributes:
        data: a set of tensorflow-datasets, a restoration set, or `folder:PATH`; several are
            joined by `+`.
        start: whose weights it starts from, or None: fresh ones. A name, or `NAME@K`: that name
            after the first K cycles of its training.
        cycles: earlier cycles of the learning rate, in their order. Each goes on from the weights
            of the one before, and this recipe from those of the last.
        steps: optimizer steps; the learning rate falls to zero over them (half a cosine).
        batch: pictures, or patches, a step.
        learning_rate: its peak, after `warmup` steps of linear rise.
        optimizer: a key of `zoo.training.optimizers.OPTIMIZERS`.
        weight_decay: decoupled.
        loss: the name of one that the task knows.
        augment: keys of `zoo.data.augment.AUGMENTATIONS`, applied in this order, and, for whole
            batches after them, of its `MIXTURES` (classify).
        ema: decay of the averaged weights that are delivered in place of the last, or None.
        holdout: how many training pictures are kept out for choices, below 1 the share of each
            class; never a test set.
        patience: so many reports without a lower held-out loss end the training, and the weights of
            the lowest are delivered; 0: all steps are taken, and the last weights are.
        every: steps between two checkpoints, log lines and held-out figures.
        seed: of the initial weights, the batches and the noise.
        precision: "float32" or "mixed_bfloat16": what the layers compute in while training.
            Weights, and the net that is delivered, are float32.
        frozen_batch_norm: batch normalisation uses its moving averages while training, as it does
            in the delivered net. For a net that goes on from a trained one: the averages of fresh
            weights are no normalisation.
        quantization_aware: the net is trained as its int8 file will round, so that the file loses
            less: a classifier from trained weights on, in float32 at any `precision`, as
            `zoo.quantize_aware` has it; a restorer as `zoo.tasks.restore.Recipe` says.
        kept_in: "float32" or "float16": what the kernels of the delivered net are rounded to. In
            float16 their file has half the bytes; what is measured is the rounded net, which
            computes in float32 all the same.
    """

    data: str
    steps: int
    batch: int
    learning_rate: float
    warmup: int = 0
    optimizer: str = "adam"
    weight_decay: float = 0.0
    loss: str = "mse"
    augment: tuple[str, ...] = ()
    ema: float | None = None
    holdout: int | float = 0
    every: int = 250
    patience: int = 0
    seed: int = 1
    precision: str = "float32"
    frozen_batch_norm: bool = False
    quantization_aware: bool = False
    kept_in: str = "float32"
    start: str | None = None
    cycles: "tuple[Self, ...]" = ()

    def chain(self) -> "list[Self]":
        """All cycles from the first to this one, each by itself."""
        return [*self.cycles, dataclasses.replace(self, cycles=())]


R = TypeVar("R", bound=Recipe)


def in_cycles(*recipes: R) -> R:
    """One recipe of several cycles; the inverse of `Recipe.chain`."""
    *earlier, last = recipes
    return dataclasses.replace(last, cycles=tuple(earlier))
