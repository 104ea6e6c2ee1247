"""What is written down of a user's own net, in an export and in a saved pipeline: its spec."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError
from zoo.schema import Entry, Recipe
from zoo.spec import Input, Spec
from zoo.storage import run_json
from zoo.storage.json_types import is_of

if TYPE_CHECKING:
    import keras

TASKS = ("classify", "restore", "denoise", "upscale", "autoencode", "generate", "predict")
"""Those that a net of one's own can have."""
MODEL, EXAMPLES = "model.keras", "examples.npz"
"""What the net, and tensors that it will meet, are called beside `run.json`."""


def entry_of(name: str, facts: Any, net: "keras.Model | None" = None) -> Entry:
    """The entry of a user's net, which no index has.

    Args:
        name: of the net.
        facts: as an export and a saved pipeline hold them: `parameters`, `licence`, `spec`.
        net: which a build begins from; without it there is none.

    Raises:
        ZooError: these are no such facts.
    """

    def build() -> "keras.Model":
        import keras

        if net is None:
            raise ZooError(f"{name} was brought by a user: the net itself is not here")
        return keras.models.clone_model(net)

    if not is_of(facts, dict[str, object]) or not _known(facts):
        raise ZooError(f"{name}: expected parameters, licence and spec of a net, got {facts!r}")
    return Entry(
        name=name, tag="", family=name, summary="a net of your own", paper="none", build=build,
        spec=spec_of(facts["spec"]), recipe=Recipe(data="", steps=0, batch=1, learning_rate=0.0),
        parameters=facts["parameters"], data_licence=facts["licence"], pretrained=False, own=True,
    )  # fmt: skip


def is_saved(folder: str | Path) -> bool:
    """Whether a folder is one that `Pipeline.save` wrote of a user's own net."""
    record = Path(folder) / run_json.RUN
    return record.is_file() and "net" in run_json.read(record)


def facts_of_entry(entry: Entry) -> dict[str, Any]:
    """The inverse of `entry_of`, as JSON has it."""
    return {
        "parameters": entry.parameters,
        "licence": entry.data_licence,
        "spec": facts_of(entry.spec),
    }


def facts_of(spec: Spec) -> dict[str, Any]:
    """What a spec says beyond its defaults, as JSON has it."""
    told = {f.name: getattr(spec, f.name) for f in dataclasses.fields(spec)}
    usual = {f.name: f.default for f in dataclasses.fields(spec)}
    return {key: _plain(value) for key, value in told.items() if value != usual[key]}


def spec_of(facts: Any) -> Spec:
    """The inverse of `facts_of`. Raises ZooError where these are none."""
    kinds = {f.name: f.type for f in dataclasses.fields(Spec)}
    kinds |= {"inputs": list[dict[str, object]], "outputs": list[dict[str, object]]}
    kinds["value_range"] = list[float | list[float]]
    fits = is_of(facts, dict[str, object]) and all(
        key in kinds and is_of(value, kinds[key]) for key, value in facts.items()
    )
    try:
        if not fits:
            raise ValueError(f"{facts}")
        ends = {key: _ends(facts.get(key, [])) for key in ("inputs", "outputs")}
        spec = Spec(**{key: _frozen(value) for key, value in facts.items()} | ends)
        _refuse_inconsistent(spec)
    except (KeyError, TypeError, ValueError) as error:
        raise ZooError(f"expected the spec of a net, got one with {error}; save it again") from None
    return spec


def _refuse_inconsistent(spec: Spec) -> None:
    sizes = [len(end) for end in spec.value_range if isinstance(end, tuple)]
    wrong = (
        spec.task not in TASKS
        or len(spec.shape) != 3
        or not isinstance(spec.shape[-1], int)
        or any(side is not None and side < 1 for side in spec.shape)
        or len(spec.value_range) != 2
        or set(sizes) - {spec.shape[-1]}
        or not spec.scales
        or min(spec.multiple, *spec.scales) < 1
        or min(spec.latent, spec.border, spec.receptive_radius) < 0
        or spec.head not in ("softmax", "logits", "sigmoid")
        or (spec.task == "predict" and not (spec.inputs and spec.outputs))
        or (spec.task == "classify" and not spec.labels)
        or spec.noise_level  # of which no net of one's own is told
    )
    if wrong:
        raise ValueError(f"{facts_of(spec)}")
    _ = spec.degradations


def _known(facts: Mapping[str, Any]) -> bool:
    kinds = {"parameters": int, "licence": str, "spec": dict}
    return facts.keys() == kinds.keys() and all(type(facts[k]) is t for k, t in kinds.items())


def _plain(value: Any) -> Any:
    if isinstance(value, Input):
        return {"name": value.name, "shape": list(value.shape)}
    return list(map(_plain, value)) if isinstance(value, tuple) else value


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _ends(given: list[dict[str, Any]]) -> tuple[Input, ...]:
    for one in given:
        name, shape = one["name"], one["shape"]
        if not isinstance(name, str) or not is_of(shape, list[int | None]) or not shape:
            raise ValueError(f"{one}")
    return tuple(Input(one["name"], tuple(one["shape"])) for one in given)
