"""The nets of a site for the browser: their files, and what its page has to know of each."""

import io
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zoo import index, loading
from zoo.errors import ZooError, warn
from zoo.export.manifest import facts_of_file, read_manifest
from zoo.export.write import export
from zoo.index import Entry, short_name
from zoo.report import figures
from zoo.spec import Spec
from zoo.storage import files, run_json, weights
from zoo.tasks.functions import signatures
from zoo.tasks.pipeline import Pipeline
from zoo.wrapping import entry as own

PHOTOGRAPHS = {"chelsea": "Cat", "coffee": "Coffee", "camera": "Cameraman (grey)"}
FORM = "float32_static"
_MOST_SAMPLES, _SAMPLED_PIXELS = 16, 28 * 28 * 256
_SHOWN = {
    ("classify", "image", "probs"),
    ("denoise", "image", "restored"),
    ("denoise", "image", "sigma", "restored"),
    ("restore", "image", "restored"),
    ("upscale", "image", "enlarged"),
    ("generate", "latent", "image"),
    ("autoencode", "latent", "image"),
}
"""Task, input and output, as `SIGNATURES` in web/models.js."""


@dataclass(frozen=True)
class Net:
    """One net of a site.

    Attributes:
        name: as the page calls it.
        entry: of a published name, or of the name that a run is of; what a user brought has none.
        run: the folder of `zoo train` or `Pipeline.save`; or None.
        facts: the `run.json` of the folder.
    """

    name: str
    entry: Entry | None
    run: Path | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def spec(self) -> Spec:
        return self.entry.spec if self.entry else own.spec_of(self.facts["net"].get("spec"))

    def check(self) -> None:
        """Raises ZooError where its weights are missing or changed; takes no TensorFlow."""
        if self.entry:
            weights.check(self.entry, self.run or "pretrained")
        elif self.run:
            weights.read_checked(self.run / own.MODEL)

    def load(self) -> Pipeline:
        if self.entry:
            return loading.load(self.entry.full_name, self.run or "pretrained")
        return loading.load_own(str(self.run))


def chosen(names: Iterable[str], runs: Iterable[str | Path]) -> list[Net]:
    """The nets of a site, those of runs first; without any, all published ones.

    Raises:
        ZooError: a name is unknown, a folder no run; weights are missing or changed; the page can
            show no such net; two are called the same. No TensorFlow is imported for that.

    Warns:
        ZooWarning: it cannot show some of all.
    """
    found = [_of_run(Path(run)) for run in runs]
    found += [Net(short_name(entry), entry) for entry in map(index.entry, names)]
    if not found:
        return _published()
    for net in found:
        _refuse_unknown(net)
        net.check()
    called = [net.name for net in found]
    if twice := sorted({name for name in called if called.count(name) > 1}):
        raise ZooError(
            f"expected nets of different names, got two called {twice[0]}; name each once, and "
            "rename one of two folders of the same name"
        )
    return found


def _published() -> list[Net]:
    entries = sorted(weights.chosen(), key=_is_for_reference)
    nets = [Net(short_name(entry), entry) for entry in entries]
    if hidden := [net.name for net in nets if not _is_shown(net)]:
        warn(f"left out, for the page cannot run them: {', '.join(hidden)}")
    found = [net for net in nets if _is_shown(net)]
    for net in found:
        net.check()
    return found


def _is_for_reference(entry: Entry) -> bool:
    """Whether the page offers it after the nets that are fast, or can be told the noise."""
    return entry.spec.restores and not (entry.spec.upsamples or entry.spec.noise_level)


def _of_run(folder: Path) -> Net:
    if not (folder / run_json.RUN).is_file():
        raise ZooError(
            f"--run {folder}: expected the folder of a training or of Pipeline.save, which has a "
            f"{run_json.RUN}; names of the zoo are given without --run"
        )
    name = folder.resolve().name
    facts = run_json.read(folder / run_json.RUN)
    if own.is_saved(folder):
        return Net(name, None, folder, facts)
    return Net(name, index.entry(weights.located(folder)[0]), folder, facts)


def _refuse_unknown(net: Net) -> None:
    if not _is_shown(net):
        raise ZooError(
            f"{net.name}: the page runs nets that take one picture, or latent, and give "
            f"probabilities or a picture; got one of another kind, for {net.spec.task}"
        )


def _is_shown(net: Net) -> bool:
    """Whether the page can run one of its functions."""
    ends = [(one.names, one.outputs) for one in signatures(net.spec)]
    return any((net.spec.task, *given, *made) in _SHOWN for given, made in ends)


def add(net: Net, site: Path, place: str) -> dict[str, Any]:
    """Exports a net into a site; gives what the page has to know of it.

    Args:
        net: of `chosen`.
        site: the folder.
        place: a folder's name for its file, which has to stand in an address.
    """
    pipeline = net.load()
    with files.scratch() as scratch:
        exported = export(pipeline, scratch / "out", formats=FORM)
        artifact = static(read_manifest(exported))
        path = site / "models" / place / artifact["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(exported / artifact["path"], path)
    file = {"path": path.relative_to(site).as_posix()} | facts_of_file(path)
    entry = pipeline.entry
    return _about(net, entry) | {"file": file, "samples": _samples(net, entry, site)}


def static(manifest: dict) -> dict:
    """The artifact for browsers: a TFLite file that gives one thing, with all sizes fixed."""
    for artifact in manifest["artifacts"].values():
        sides = [s for t in (*artifact["inputs"], *artifact["outputs"]) for s in t["shape"]]
        single = len(artifact["outputs"]) == 1
        if single and None not in sides and artifact["path"].endswith(".tflite"):
            return artifact
    raise ZooError(f"the export of {manifest['name']} has no TFLite file of fixed sizes")


def _about(net: Net, entry: Entry) -> dict[str, Any]:
    spec = entry.spec
    damages = [{"kind": d.kind, "low": d.low, "high": d.high} for d in spec.degradations]
    told = _told(entry) if net.run is None else _told_of_run(net.facts, entry)
    return told | {
        "name": net.name,
        "own": net.run is not None,
        "task": spec.task,
        "weights_licence": entry.weights_licence,
        "data_licence": entry.data_licence,
        "labels": list(spec.labels),
        "channels": spec.shape[-1],
        "background": spec.background,
        "degrade": damages,
        "scale": spec.scales[0],
        "scales": list(spec.scales),
        "receptive_radius": spec.receptive_radius,
        "border": spec.border,
        "luma": spec.luma,
        "multiple": spec.multiple,
        "noise_level": spec.noise_level,
        "free": spec.free_size,
    }


def _told(entry: Entry) -> dict[str, Any]:
    return {
        "summary": entry.summary,
        "headline": figures.headline(entry),
        "limits": list(entry.limits),
    }


def _told_of_run(facts: dict[str, Any], entry: Entry) -> dict[str, Any]:
    """Of a net of one's own: the figures and limits of the name it began from are not its own."""
    if entry.spec.task != "classify":
        summary = entry.summary if entry.own else f"your own: {entry.summary}"
        return {"summary": summary, "headline": "", "limits": []}
    return {
        "summary": f"your own classifier of {len(entry.spec.labels)} classes",
        "headline": _held_out(facts.get("held_out", {})),
        "limits": ["names one of its classes for pictures of anything else, too"],
    }


def _held_out(measured: dict[str, Any]) -> str:
    accuracy, count = measured.get("accuracy"), measured.get("count")
    if not isinstance(accuracy, (int, float)):
        return ""
    return f"{accuracy:.1f} % of {count} pictures held out"


def _samples(net: Net, entry: Entry, site: Path) -> list[dict[str, str]]:
    if entry.spec.restores:
        return [{"path": f"samples/{n}.jpg", "title": title} for n, title in PHOTOGRAPHS.items()]
    if entry.spec.task != "classify" or net.run:
        return []
    golden = weights.pretrained_folder(entry) / weights.GOLDEN
    pictures = files.read_npz(files.read_bytes(golden), golden)["pixels"]
    most = min(_MOST_SAMPLES, max(4, _SAMPLED_PIXELS // pictures[0].size))
    paths = [f"samples/{entry.name}_{number}.png" for number in range(1, len(pictures[:most]) + 1)]
    for path, pixels in zip(paths, pictures, strict=False):
        (site / path).write_bytes(_png(pixels))
    return [{"path": path, "title": f"Picture {n}"} for n, path in enumerate(paths, 1)]


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG")
    return buffer.getvalue()
