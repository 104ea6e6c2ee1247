"""What the index is made of: frozen records. They know no net and import no Keras."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic

from zoo.data.degradation import Degradation
from zoo.errors import ZooError
from zoo.recipe import R
from zoo.recipe import Recipe as Recipe
from zoo.spec import Input as Input
from zoo.spec import Spec as Spec

if TYPE_CHECKING:
    import keras


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
class FeatureExtractor:
    """The classifier whose features generated pictures are compared by.

    Attributes:
        name: a classifier of this index.
        sha256: of its weights: figures by other features are other figures.
        classes: whether its classes are those of the pictures, so that one that is lost shows.
        split: of the set, whose halves are what generated pictures are compared with, and the
            floor of that.
    """

    name: str
    sha256: str
    classes: bool = True
    split: str = "test"


@dataclass(frozen=True)
class Origin:
    """Where weights come from that were trained elsewhere, and are only converted here.

    Attributes:
        package: that has the file of weights, with its version.
        sha256: of that file, or how it begins.
        notice: who made them, and what was changed, as the licence asks to be told.
    """

    package: str
    sha256: str
    notice: str


@dataclass(frozen=True)
class Entry(Generic[R]):
    """All that is known of a name before it is trained.

    Attributes:
        name: `family_variant`.
        tag: the data that this training of the net was made with; the first one registered is the
            default. Once released, its weights never change.
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
        origin: of weights that were not trained here; the recipe then says how they are fine-tuned.
        weights_licence: of the weights, where it is not the zoo's own.
        feature_extractor: by whose features generated pictures are measured (generation).
        refused: forms of exported files that it cannot have within their bounds -> why.
        pretrained: whether weights are published. The tests' tiny variants have none.
        own: a user's net (`zoo.wrap`), which no index has.
        base: of a run directory with a name of its own (`zoo.storage.runs`), the full name in the
            index of the net that it is.
    """

    name: str
    tag: str
    family: str
    summary: str
    paper: str
    build: Callable[[], "keras.Model"] = field(repr=False)
    spec: Spec
    recipe: R
    parameters: int
    data_licence: str
    benchmarks: tuple[Benchmark, ...] = ()
    limits: tuple[str, ...] = ()
    pretrained: bool = True
    own: bool = False
    base: str = ""
    critic: Callable[[], "keras.Model"] | None = field(default=None, repr=False)
    feature_extractor: FeatureExtractor | None = None
    origin: Origin | None = None
    weights_licence: str = ""
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        return f"{self.name}.{self.tag}" if self.tag else self.name

    @property
    def index_name(self) -> str:
        """By which the index finds it, or what it was made of."""
        return self.base or self.full_name

    def test_set(
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
        wanted = degrade or usual
        if wanted is None:
            return data, self.spec.degradations[0].middle
        damage = Degradation.parse(wanted)
        if damage.low != damage.high:
            raise ZooError(
                f"degradation {degrade!r}: a measurement needs one strength, as {damage.middle}"
            )
        return data, damage

    def as_dict(self) -> dict[str, Any]:
        """The entry as plain data, for JSON; without the builders."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        del fields["build"], fields["critic"]
        nested = ("spec", "recipe", "feature_extractor", "origin")
        fields |= {key: dataclasses.asdict(fields[key]) for key in nested if fields[key]}
        fields["benchmarks"] = [dataclasses.asdict(b) for b in self.benchmarks]
        return fields
