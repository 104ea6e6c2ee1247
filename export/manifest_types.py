"""`export.json`: its fields and their types."""

from typing import TypedDict


class _Tensor(TypedDict):
    name: str
    shape: list[int | None]
    dtype: str


class Tensor(_Tensor, total=False):
    """An input or output of a file."""

    range: list[float]
    unit: str
    scale: float
    zero_point: int


class Constants(TypedDict):
    """How many of a type are in a file."""

    tensors: int
    bytes: int


class _ArtifactFacts(TypedDict):
    part: str
    form: str
    path: str
    inputs: list[Tensor]
    outputs: list[Tensor]


class ArtifactFacts(_ArtifactFacts, total=False):
    """A file of an export, or a folder of some."""

    constants: dict[str, Constants]
    in_float: list[str]


class WeightFacts(TypedDict):
    """Where the weights came from."""

    source: str | None
    sha256: str


class FileFacts(TypedDict):
    """What a file is known again by."""

    sha256: str
    bytes: int


class _Manifest(TypedDict):
    name: str
    task: str
    weights: WeightFacts
    licence: dict[str, str]
    signature: str
    formats: list[str]
    artifacts: dict[str, ArtifactFacts]
    files: dict[str, FileFacts]
    versions: dict[str, str]
    digest: str


class Manifest(_Manifest, total=False):
    """`export.json`: all that may stand in it."""

    degrade: list[str]
    scale: int
    scales: list[int]
    receptive_radius: int
    border: int
    multiple: int
    luma: bool
    calibration: str
    latent: int
    labels: list[str]
    base: str
    shape: list[int | None]
    background: float
    net: object
