"""PSNR against milliseconds: every denoiser and enlarger of the zoo that has weights, in one run.

    ZOO_DATA=... python benchmarks/frontier.py
    python benchmarks/frontier.py --draw-only  # the picture again, of the figures that are there

Files in float32 and int8 run in LiteRT, beside a bicubic and BM3D (or, where the package bm3d is
not installed, non-local means). Contestants take turns, since a shared machine drifts.
"""

import argparse
import functools
import importlib.util
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import machine
import numpy as np
from rounds import stopwatch
from tqdm import tqdm

import zoo
from zoo import index, loading
from zoo.data import sources
from zoo.data.degradation import Degradation
from zoo.export.artifacts import artifacts
from zoo.export.benchmark import cores
from zoo.export.describe import weights_sha256
from zoo.export.runtimes import litert
from zoo.export.write import export
from zoo.images.probes import pictures as made_up
from zoo.metrics import baselines, restoration
from zoo.storage import files

DAMAGES = ("noise:15", "noise:25", "noise:50", "bicubic:2", "bicubic:3", "bicubic:4")
SETS = {"noise": ("CBSD68", 3), "bicubic": ("Set14", "Y")}
"""What is restored, and read as: all three channels, or the luma."""
FORMS = {"float32_free": "float32", "int8": "int8"}
QUICK = {"pictures": 1, "rounds": 1, "laps": 1, "size": 48}
JSON = Path(__file__).with_name("results") / "frontier.json"
PICTURE = Path(__file__).parents[1] / "docs" / "frontier.png"

Restore = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    from frontier_picture import draw

    options = arguments()
    if not options.draw_only:
        files.write_json(options.json, measured(options))
    draw(files.read_json(options.json), options.picture)
    print(f"{options.json}\n{options.picture}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--threads", type=int, default=cores(), help="for all, default all cores")
    add("--damages", nargs="+", default=DAMAGES, metavar="KIND:STRENGTH", help="a panel each")
    add("--names", nargs="+", default=["*"], help="of the zoo, or patterns")
    add("--data", help="in place of CBSD68 and Set14, such as folder:PATH")
    add("--pictures", type=int, default=20, help="of a set, at most")
    add("--size", type=int, default=256, help="of the result that is timed")
    add("--rounds", type=int, default=5, help="turns of each contestant")
    add("--laps", type=int, default=3, help="timed laps of a turn")
    add("--quick", action="store_true", help=f"to see whether it runs: {QUICK}")
    add("--json", type=Path, default=JSON, metavar="FILE", help="the figures")
    add("--picture", type=Path, default=PICTURE, metavar="FILE", help="what is drawn of them")
    add("--draw-only", action="store_true", help="draw what the file holds")
    if parser.parse_args().quick:
        parser.set_defaults(**QUICK)
    return parser.parse_args()


def measured(options: argparse.Namespace) -> dict:
    facts = machine.facts(options.threads) | {"bm3d": machine.version("bm3d")}
    machine.use_threads(options.threads, spin=False)
    settings = {k: v for k, v in vars(options).items() if k not in ("json", "picture")}
    with tempfile.TemporaryDirectory() as folder:
        open_files = functools.cache(lambda name: opened(name, Path(folder), options.threads))
        found = [panel(Degradation.parse(one), options, open_files) for one in options.damages]
    return {"machine": facts, "settings": settings, "panels": found}


def panel(damage: Degradation, options: argparse.Namespace, open_files: Callable) -> dict:
    """All that undo one damage: PSNR on a set, and milliseconds for one picture."""
    data, channels = SETS[damage.kind]
    pictures = sources.load(options.data or data, channels, "test").subset(slice(options.pictures))
    side, rng = options.size // damage.scale, np.random.default_rng(0)
    one = made_up(rng, (1, side, side, 3 if channels == 3 else 1))
    rows, turns = [], []
    for about, restore in contestants(damage, options.names, open_files):
        figure = restoration.measured(restore, pictures, damage)["psnr"]
        rows.append(about | {"psnr": figure})
        turns.append(stopwatch(functools.partial(restore, one)))
        print(f"{damage}: {about['name']} {about['form']} {figure:.2f} dB", flush=True)
    seconds: list[list] = [[] for _ in turns]
    for _ in tqdm(range(options.rounds), f"{damage}, timed", unit="round", leave=False):
        for turn, laps in zip(turns, seconds, strict=True):
            time.sleep(0.1)
            laps.append(turn(options.laps)[0])
    for row, laps in zip(rows, seconds, strict=True):
        row["median_ms"] = 1e3 * float(np.median(laps))
        row["laps_ms"] = np.round(np.multiply(laps, 1e3), 3).tolist()
    about = {"damage": str(damage), "data": pictures.name, "count": len(pictures)}
    return about | {"input": list(one.shape), "rows": rows}


def contestants(
    damage: Degradation, patterns: list[str], open_files: Callable
) -> Iterator[tuple[dict, Restore]]:
    yield classical(damage)
    for entry in [e for e in map(index.entry, sorted(names(patterns))) if undoes(e, damage)]:
        for form, pipeline, facts in open_files(entry.name):
            about = {"name": entry.name, "form": form} | facts
            yield about, pipeline.undo(damage)


def names(patterns: list[str]) -> set[str]:
    return {name for pattern in patterns for name in zoo.names(pattern)}


def undoes(entry: Any, damage: Degradation) -> bool:
    ranges = [d for d in entry.spec.degradations if d.kind == damage.kind]
    within = any(d.low <= damage.low <= d.high for d in ranges)
    return entry.pretrained and within and damage.scale in entry.spec.scales


def opened(name: str, folder: Path, threads: int) -> list[tuple[str, Any, dict]]:
    """A name's files, each in its net's place; and what they are."""
    net = zoo.load(name)
    export(net, folder / name, formats=tuple(FORMS))
    found = []
    for artifact in artifacts(net, tuple(FORMS)):
        path = folder / name / artifact.path
        call = litert.open(path, artifact.function, threads)
        served = loading.pipeline(net.entry, None, net.source, in_place(call))
        facts = {"bytes": path.stat().st_size, "weights": weights_sha256(net.net)[:12]}
        found.append((FORMS[artifact.form], served, facts))
    return found


def in_place(call: Callable) -> Callable:
    return lambda name, values: call(values)


def classical(damage: Degradation) -> tuple[dict, Restore]:
    """Bicubic, or BM3D; non-local means where that is not installed."""
    if damage.kind == "noise" and importlib.util.find_spec("bm3d"):
        return {"name": "BM3D", "form": ""}, functools.partial(bm3d, sigma=damage.low / 255)
    label = baselines.LABELS[damage.kind]
    return {"name": label, "form": ""}, functools.partial(baselines.baseline, damage=damage)


def bm3d(values: np.ndarray, sigma: float) -> np.ndarray:
    """Colour `[1, h, w, 3]` (Dabov, Foi, Katkovnik, Egiazarian 2007), of the authors' package."""
    from bm3d import bm3d_rgb

    return np.clip(bm3d_rgb(values[0].astype(np.float64), sigma)[None], 0, 1).astype(np.float32)


if __name__ == "__main__":
    main()
