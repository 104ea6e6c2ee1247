"""The index: what every name is, as frozen data. It knows no net and imports no Keras."""

import dataclasses
import difflib
import fnmatch
import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo.data.degradation import Degradation
from zoo.errors import ZooError

TASKS = {
    "classify": "recognition",
    "denoise": "restoration",
    "restore": "restoration",
    "upscale": "restoration",
    "generate": "generation",
    "autoencode": "generation",
}
"""Task -> its kind, which says what is measured, and how."""

OUTPUTS = {"denoise": "restored", "restore": "restored", "upscale": "enlarged"}
"""Task of restoration -> the name of what an exported file gives."""

LABELS = {
    "mnist": tuple("0123456789"),
    "fashion_mnist": ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt",
                      "Sneaker", "Bag", "Ankle boot"),
}  # fmt: skip
"""Data set -> its classes, in the order of their numbers."""

LICENCES = {
    "mnist": "MNIST: CC BY-SA 3.0 (as Keras states it)",
    "fashion_mnist": "Fashion-MNIST: MIT",
}
"""Data set -> the licence of its pictures."""


@dataclass(frozen=True)
class Spec:
    """What goes into a net and what comes out of it.

    Attributes:
        task: a key of `TASKS`.
        shape: of one picture, `(h, w, c)`; `None` where the net takes any size.
        value_range: what stands in the net for black and for white.
        labels: the classes in the order of the net's outputs (classify), or those that a picture
            can be asked of (generate).
        latent: how many normal numbers a picture is made from (generate, autoencode).
        binary: pixels are black or white; those of grey pictures are drawn, white as often as
            their grey says (autoencode).
        degrade: what it undoes, each as `Degradation.parse` reads it (restoration).
        scales: by which factors it can enlarge; the first unless another is asked for.
        luma: of colour pictures, only the luma Y (BT.601, 16..235) goes through the net; chroma
            is enlarged at most. Otherwise a grey net restores each colour channel by itself.
        margin: so many pixels less at each side has the net's output (convolutions without
            padding); the picture is mirrored at its border first, so that none are lost.
        reach: how many pixels away an input pixel can change an output pixel; the
            overlap of tiles. Meaningful where the size is free.
    """

    task: str
    shape: tuple[int | None, int | None, int]
    value_range: tuple[float, float] = (0.0, 1.0)
    labels: tuple[str, ...] = ()
    latent: int = 0
    binary: bool = False
    degrade: tuple[str, ...] = ()
    scales: tuple[int, ...] = (1,)
    luma: bool = False
    margin: int = 0
    reach: int = 0

    @property
    def free_size(self) -> bool:
        return self.shape[0] is None

    @property
    def kind(self) -> str:
        """`recognition`, `restoration` or `generation`."""
        return TASKS[self.task]

    @property
    def restores(self) -> bool:
        return self.kind == "restoration"

    @property
    def code(self) -> int:
        """Length of what a picture is made from: the latent, and the class as one-hot."""
        return self.latent + (len(self.labels) if self.task == "generate" else 0)

    @property
    def channels(self) -> int | str:
        """What a data set is read as: 1 (grey), 3 (colour) or "Y" (luma)."""
        return "Y" if self.luma else self.shape[-1]

    @property
    def degradations(self) -> tuple[Degradation, ...]:
        return tuple(map(Degradation.parse, self.degrade))

    def encode(self, pixels, scale: int = 1):
        """Pixels in [0, 1] -> the net's value range. Any array or tensor, any shape.

        With a scale, `[b, h, w, c]` is enlarged by it first (bicubic).
        """
        if scale != 1:
            from zoo.images.resize import enlarge

            pixels = enlarge(pixels, scale)
        low, high = self.value_range
        return pixels * (high - low) + low

    def decode(self, values):
        """The net's value range -> pixels in [0, 1], not clipped. The inverse of `encode`."""
        low, high = self.value_range
        return (values - low) / (high - low)


@dataclass(frozen=True)
class Recipe:
    """How a name is trained. Everything that changes the resulting bytes is here.

    Attributes:
        data: a set of tensorflow-datasets, a restoration set, or `folder:PATH`; several are
            joined by `+`.
        start: the name whose weights it starts from, or None: fresh ones.
        steps: optimizer steps; the learning rate falls to zero over them (half a cosine).
        batch: pictures, or patches, a step.
        learning_rate: its peak, after `warmup` steps of linear rise.
        optimizer: a key of `zoo.training.optimizers.OPTIMIZERS`.
        weight_decay: decoupled.
        loss: a key of `zoo.training.steps.LOSSES` (of the net's output) or its `GAN_LOSSES`
            (generate), or of `zoo.metrics.likelihood.PICTURE_LOSSES` (autoencode).
        label_smoothing: share of the target spread over all classes (classify).
        patch: side of the square crops that train a net of free size.
        rescale: factors below 1; smaller copies of the pictures are used, too.
        augment: keys of `zoo.data.augment.AUGMENTATIONS`, applied in this order, and, for whole
            batches after them, of its `MIXTURES` (classify).
        ema: decay of the averaged weights that are delivered in place of the last, or None.
        holdout: how many training pictures are kept out for choices; never a test set.
        every: steps between two checkpoints, log lines and held-out figures.
        seed: of the initial weights, the batches and the noise.
        precision: "float32" or "mixed_bfloat16": what the layers compute in while training.
            Weights, and the net that is delivered, are float32.
        fixed_norm: batch normalisation uses the averages that it starts with, as it does in the
            delivered net, and never those of the batch. For a net that goes on from a trained
            one: the averages of fresh weights are no normalisation.
        rounded: convolutions round their inputs and kernels as an int8 file does (the last one its
            inputs, a small first one nothing), inputs in wider steps, so that the file loses less
            (restore).
        penalty: weight of the critic's squared gradient at real and at made pictures, R1 and R2
            (generate).
        steady_critic: the critic's learning rate stays at its peak: of a critic that comes to rest
            the generator learns only what it happens to look at then (generate).
        beta: weight of the KL divergence; it rises to this over `beta_steps` (autoencode).
        beta_steps: 0 for its full weight from the start.
        draws: latents drawn a picture; with more than one the bound is IWAE's (autoencode).
    """

    data: str
    steps: int
    batch: int
    learning_rate: float
    warmup: int = 0
    optimizer: str = "adam"
    weight_decay: float = 0.0
    loss: str = "mse"
    label_smoothing: float = 0.0
    patch: int | None = None
    augment: tuple[str, ...] = ()
    ema: float | None = None
    holdout: int = 0
    every: int = 250
    seed: int = 1
    precision: str = "float32"
    fixed_norm: bool = False
    rounded: bool = False
    start: str | None = None
    rescale: tuple[float, ...] = ()
    penalty: float = 0.0
    steady_critic: bool = False
    beta: float = 1.0
    beta_steps: int = 0
    draws: int = 1


@dataclass(frozen=True)
class Benchmark:
    """A test set of record, with figures that others published for it.

    Attributes:
        data: the set, as in `zoo evaluate --data`.
        degrade: what is done to its pictures, as `Degradation.parse` reads it (restoration).
        published: label -> metric -> figure, such as `{"paper": {"psnr": 29.23}}`.
    """

    data: str
    published: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    degrade: str | None = None


@dataclass(frozen=True)
class Judge:
    """The classifier whose features generated pictures are compared by.

    Attributes:
        name: a classifier of this index.
        sha256: of its weights: figures by other features are other figures.
    """

    name: str
    sha256: str


JUDGES = {
    "mnist": Judge("cnn_mnist", "525a8abd1775f5e7086d35d957ab701c822f8fb9984667fc41b4ff771e6e1c8e"),
    "fashion_mnist": Judge(
        "cnn_fashion", "e25c3c8f07a6d748cdf233da8f20349c631567854f6afe91576de07b557e3826"
    ),
}
"""Data set -> who judges pictures like those in it."""


@dataclass(frozen=True)
class Entry:
    """All that is known of a name before it is trained.

    Attributes:
        name: `family_variant`.
        tag: which training of that net this is; the first one registered is the default.
        family: the file in `zoo/models` that the name comes from.
        summary: one line.
        paper: authors, title, year, address.
        build: makes the plain Keras net with fresh weights.
        critic: makes the net that a generator is trained against (generate).
        spec: what goes in and comes out.
        recipe: how it is trained.
        parameters: number of weights of the net, trained or not.
        data_licence: of the training pictures, or "not stated".
        benchmarks: the test sets of record.
        limits: what a user must not expect.
        judge: by whose features made pictures are measured (generation).
        refused: forms of exported files that it cannot have within their bounds -> why.
        pretrained: whether weights are published. The tests' tiny variants have none.
        superseded: whether a later training of the name went on from this one, whose recipe alone
            is kept: it has no weights, either.
    """

    name: str
    tag: str
    family: str
    summary: str
    paper: str
    build: Callable[[], Any] = field(repr=False)
    spec: Spec
    recipe: Recipe
    parameters: int
    data_licence: str
    benchmarks: tuple[Benchmark, ...] = ()
    limits: tuple[str, ...] = ()
    pretrained: bool = True
    superseded: bool = False
    critic: Callable[[], Any] | None = field(default=None, repr=False)
    judge: Judge | None = None
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        return f"{self.name}.{self.tag}"

    def trial(
        self, data: str | None = None, degrade: str | None = None
    ) -> tuple[str, Degradation | None]:
        """What it is measured on: a set, and what is done to its pictures (where it restores).

        Args:
            data: the set; by default that of the first benchmark.
            degrade: such as `noise:25`; by default what the benchmark of that set says, or else
                what the net was made for, at half strength.

        Raises:
            ZooError: it has no benchmark; `degrade` is none, or of more than one strength.
        """
        if not data and not self.benchmarks:
            raise ZooError(f"{self.name} has no benchmark of its own: name a set with --data")
        data = data or self.benchmarks[0].data
        if not self.spec.restores:
            return data, None
        usual = next((b.degrade for b in self.benchmarks if b.data == data), None)
        if degrade is None and usual is None:
            return data, self.spec.degradations[0].middle
        damage = Degradation.parse(degrade or usual)
        if damage.low != damage.high:
            raise ZooError(
                f"degradation {degrade!r}: a measurement needs one strength, as {damage.middle}"
            )
        return data, damage

    def as_dict(self) -> dict:
        """The entry as plain data, for JSON; without the builders."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        del fields["build"], fields["critic"]
        nested = ("spec", "recipe", "judge")
        fields |= {key: dataclasses.asdict(fields[key]) for key in nested if fields[key]}
        fields["benchmarks"] = [dataclasses.asdict(b) for b in self.benchmarks]
        return fields


_FIXTURE = "_tiny"
_entries: dict[str, Entry] = {}


def register(entry: Entry) -> Entry:
    """Adds an entry. Raises ZooError where the name is taken or not of its family."""
    if not entry.name.startswith(entry.family + "_"):
        raise ZooError(f"the name {entry.name!r} must begin with its family, {entry.family!r}")
    if entry.spec.task not in TASKS:
        raise ZooError(f"{entry.name}: task {entry.spec.task!r} is none of {sorted(TASKS)}")
    if entry.full_name in _entries:
        raise ZooError(f"the name {entry.full_name!r} is registered twice")
    _entries[entry.full_name] = entry
    return entry


def register_lineage(*trainings: Entry) -> None:
    """Adds the trainings of one name, each of which went on from the one before.

    The name stands for the last; of the others the recipe is kept, the weights are not.
    """
    *earlier, last = trainings
    register(last)
    for entry in reversed(earlier):
        what = f"an earlier training of `{entry.name}`, from which it went on"
        register(dataclasses.replace(entry, summary=what, pretrained=False, superseded=True))


def names(pattern: str = "*", task: str | None = None, superseded: bool = False) -> list[str]:
    """The names that match a shell pattern, sorted.

    The tests' small nets, `*_tiny`, are named only by a pattern that ends so.

    Args:
        pattern: such as `"dncnn*"`.
        task: only names of this task, such as `"denoise"`.
        superseded: all that are registered: also the tests' nets, and the earlier trainings,
            without weights, that names went on from.

    Raises:
        ZooError: the task is unknown.
    """
    if task is not None and task not in TASKS:
        raise ZooError(f"unknown task {task!r}; there are {', '.join(sorted(TASKS))}")
    found = [
        short_name(e)
        for e in _registered().values()
        if task in (None, e.spec.task) and (superseded or not _hidden(e, pattern))
    ]
    return sorted(name for name in found if fnmatch.fnmatchcase(name, pattern))


def _hidden(one: Entry, pattern: str) -> bool:
    return one.superseded or (one.name.endswith(_FIXTURE) and not pattern.endswith(_FIXTURE))


def first_of_families() -> list[Entry]:
    """Of each family the first name that it registers with published weights."""
    first = {}
    for one in _registered().values():
        if one.pretrained:
            first.setdefault(one.family, one)
    return list(first.values())


def short_name(of: Entry) -> str:
    """The shortest name that finds an entry: without the tag, if it is the first of its name."""
    return of.name if entry(of.name) is of else of.full_name


def entry(name: str) -> Entry:
    """The entry of `family_variant` or `family_variant.tag`.

    Raises:
        ZooError: no such name; the message suggests the nearest ones.
    """
    if found := _found(name):
        return found[0]
    known = sorted(_registered()) + names()
    near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "`zoo list` shows all names"
    raise ZooError(f"unknown name {name!r}: {hint}")


def is_name(text: str) -> bool:
    """Whether `entry` finds one of this name."""
    return bool(_found(text))


def _found(name: str) -> list[Entry]:
    return [e for e in _registered().values() if name in (e.name, e.full_name)]


@functools.cache
def _import_families() -> None:
    from zoo import models

    for module in pkgutil.iter_modules(models.__path__):
        importlib.import_module(f"zoo.models.{module.name}")


def _registered() -> dict[str, Entry]:
    _import_families()
    return _entries
