"""A trained net as a folder that stands by itself: to be given away, or put on a server."""

import shutil
from pathlib import Path, PureWindowsPath
from typing import Any

from zoo import index, loading
from zoo.errors import ZooError
from zoo.export.probes import kept_pixels
from zoo.export.signature import static_side
from zoo.report import card
from zoo.storage import files, run_json, runs, sheets, weights
from zoo.storage.golden import compute
from zoo.training.publish import count_macs
from zoo.wrapping.entry import EXAMPLES

_PRIVATE = ("command", "host")
PICTURES = (weights.CALIBRATION, EXAMPLES)


def release(run: str | Path, folder: str | Path, pictures: bool = True) -> str:
    """Writes weights, spec, golden, card and licences of a training.

    Args:
        run: a run directory that `zoo train` finished, or a folder of `Pipeline.save`.
        folder: new or empty. `zoo.load` takes it, or its address on a server.
        pictures: with a few of its training pictures, which int8 files are calibrated on; without
            them such files need a set. Paths of this machine are left out in any case.

    Returns:
        The SHA-256 of its `run.json`, which has those of all other files.

    Raises:
        ZooError: the run is not finished or was changed; the folder holds something else, or
            cannot be written.
    """
    source, target = Path(run), Path(folder).resolve()
    facts = _finished(source)
    if target.is_dir() and any(target.iterdir()):
        raise ZooError(f"{folder} holds something else: expected a new or an empty folder")
    told = _told(facts) | {"called": _called(source, facts)}
    with files.whole(target) as partial:
        partial.mkdir()
        kept = [n for n in facts["sha256"] if pictures or n not in PICTURES]
        for path in [*(source / name for name in kept), *_licences(facts)]:
            shutil.copy(path, partial)
        _seal(partial, told)
        pipeline = loading.found(partial)
        golden = compute(pipeline, lambda: kept_pixels(pipeline, static_side(pipeline.spec), None))
        sheets.save(partial / weights.GOLDEN, **golden)
        about = told | {"macs": count_macs(pipeline)}
        files.write_text(partial / weights.CARD, card.of_run(pipeline.entry, about))
        return _seal(partial, told)


def _finished(run: Path) -> dict[str, Any]:
    facts = run_json.read(run / run_json.RUN)
    if "name" not in facts or not facts.get("sha256"):
        raise ZooError(f"{run} is not finished: expected a training that has come to its end")
    for name in facts["sha256"]:
        weights.read_checked(run / name)
    return facts


def _called(run: Path, facts: dict[str, Any]) -> str:
    """Its own name; of a net of the index that one."""
    if "net" in facts:
        return facts["name"]
    return runs.as_trained(index.entry(facts["name"]), run).full_name


def _seal(folder: Path, told: dict[str, Any]) -> str:
    """Writes `run.json` with the SHA-256 of all other files, and returns its own."""
    others = sorted(p for p in folder.iterdir() if p.name != run_json.RUN)
    digests = {path.name: files.sha256(path.read_bytes()) for path in others}
    files.write_json(folder / run_json.RUN, told | {"sha256": digests})
    return files.sha256((folder / run_json.RUN).read_bytes())


def _licences(facts: dict[str, Any]) -> list[Path]:
    """Those of weights that it began with, where these came from elsewhere."""
    *_, first = facts, *run_json.earlier(facts)
    if not index.is_name(str(first.get("name"))):
        return []
    folder = weights.pretrained_folder(index.entry(first["name"]))
    return [path for n in (weights.LICENCE, weights.NOTICE) if (path := folder / n).is_file()]


def _told(facts: dict[str, Any]) -> dict[str, Any]:
    """What a `run.json` says, without the paths of the machine that it was written on."""
    told = {key: value for key, value in facts.items() if key not in _PRIVATE}
    if "recipe" in told:
        told["recipe"] = {key: _short(value) for key, value in told["recipe"].items()}
    return told | ({"start": _told(told["start"])} if "start" in told else {})


def _short(value: Any) -> Any:
    """Of a path its end."""
    if not isinstance(value, str) or not {"/", "\\"} & {*value}:
        return value
    kind = "folder:" if value.startswith("folder:") else ""
    return kind + PureWindowsPath(value.removeprefix(kind)).name
