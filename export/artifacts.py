"""What an export consists of: a file for each function of a net and each form."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from zoo.errors import ZooError
from zoo.export import metadata
from zoo.export.forms import FORMS, QUICK
from zoo.index import Entry
from zoo.tasks.functions import Function, Signature, functions, signatures
from zoo.tasks.pipeline import Pipeline

S = TypeVar("S", bound=Signature)
Formats = str | Sequence[str] | None
"""Names of forms, "all", or None for `zoo.export.forms.QUICK`."""


@dataclass(frozen=True)
class Artifact(Generic[S]):
    """One file, or one SavedModel, of an export.

    Attributes:
        name: of the net.
        function: what it does; one that takes colour, in the forms for MediaPipe.
        form: a key of `zoo.export.forms.FORMS`.
        key: the form, with the part's name before it where there are several.
        path: where it lies in the folder.
    """

    name: str
    function: S
    form: str

    @property
    def key(self) -> str:
        return key_of(self.function, self.form)

    @property
    def path(self) -> str:
        suffix = FORMS[self.form].suffix
        return f"{self.name}_{self.key}{suffix}" if suffix else self.key

    @property
    def lite(self) -> bool:
        """Whether it is a TFLite file."""
        return self.path.endswith(".tflite")


def key_of(function: Signature, form: str) -> str:
    """What an artifact is called in `export.json`: its form, after the function's name if any."""
    return "_".join(filter(None, (function.name, form)))


def artifacts(pipeline: Pipeline, formats: Formats = None) -> list[Artifact[Function]]:
    """All that `zoo.export.write.export` writes of a pipeline, but for what describes it.

    Raises:
        ZooError: as `zoo.export.write.export` does of formats.
    """
    artifacts = _planned(pipeline.entry, functions(pipeline), formats)
    return [_coloured(artifact, metadata.coloured) for artifact in artifacts]


def planned(entry: Entry, formats: Formats = None) -> list[Artifact[Signature]]:
    """The same of an entry, without its net: with signatures in place of functions."""
    artifacts = _planned(entry, signatures(entry.spec), formats)
    return [_coloured(artifact, metadata.coloured_signature) for artifact in artifacts]


def forms_of(entry: Entry, formats: Formats = None) -> list[str]:
    """The forms that are written of an entry; raises as `artifacts`, and takes no TensorFlow."""
    return list(dict.fromkeys(a.form for a in _planned(entry, signatures(entry.spec), formats)))


def _planned(entry: Entry, signatures: Sequence[S], formats: Formats) -> list[Artifact[S]]:
    forms = _chosen(formats)
    wanted = [Artifact(entry.name, signature, form) for signature in signatures for form in forms]
    refused = {a: why for a in wanted if (why := entry.refused.get(a.form) or _impossible(a))}
    if refused and formats != "all":
        first, why = next(iter(refused.items()))
        raise ZooError(f"{entry.name} has no {first.key} file: {why}")
    return [artifact for artifact in wanted if artifact not in refused]


def _coloured(artifact: Artifact[S], colour: Callable[[S], S]) -> Artifact[S]:
    if not FORMS[artifact.form].mediapipe:
        return artifact
    return replace(artifact, function=colour(artifact.function))


def _impossible(artifact: Artifact) -> str:
    """Why a form cannot be had of a function, as far as that is known beforehand, or ""."""
    form, function = FORMS[artifact.form], artifact.function
    if form.classifiers and function.outputs != ("probs",):
        other = "float32_static" if form.mediapipe else "int8, which has the same inside"
        return f"only classifiers have one; use {other}"
    return ""


def _chosen(formats: Formats) -> tuple[str, ...]:
    if formats is None:
        return QUICK
    if formats == "all":
        return tuple(FORMS)
    wanted = (formats,) if isinstance(formats, str) else tuple(formats)
    unknown = [form for form in wanted if form not in FORMS]
    if unknown or not wanted:
        got = repr(unknown[0]) if unknown else "none"
        raise ZooError(f"format {got}: expected {', '.join(FORMS)}, or all")
    return tuple(form for form in FORMS if form in wanted)
