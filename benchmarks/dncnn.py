"""DnCNN beside its peers, on the CPU, in one run: matrix product, training step, inference.

Contestants take turns in rounds, because a shared machine drifts; each answer is compared with a
reference before its time counts. `README.md` beside this file explains the columns.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import machine
import numpy as np
from nets import freshen
from rounds import Contest, race

import zoo
from zoo.export.benchmark import cores
from zoo.storage import files

NAME = "dncnn_s25"
QUICK = {"batch": 2, "patch": 16, "size": 48, "product": 256, "rounds": 2, "laps": 1}
MISSING = "not installed: pip install -r benchmarks/requirements.txt"


def main() -> int:
    options = arguments()
    facts = machine.facts(options.threads)
    machine.use_threads(options.threads, options.spin)
    show_machine(facts)
    results = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            for contest in contests(options, Path(folder) / NAME):
                results.append(race(contest, options.rounds, options.laps))
                show(results[-1])
        if options.json:
            settings = {key: value for key, value in vars(options).items() if key != "json"}
            everything = {"machine": facts, "settings": settings, "results": results}
            files.write_json(options.json, everything)
    except zoo.ZooError as error:
        sys.exit(f"error: {error}")
    rows = [item for result in results for item in result["rows"].items()]
    differing = [name for name, row in rows if row and not row["same"]]
    if differing:
        print("\nwrong results, so their times mean nothing:", "; ".join(differing))
    return bool(differing)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add, available = parser.add_argument, cores()
    add("--threads", type=int, default=available, help="for all, default all cores")
    add("--batch", type=int, default=16, help="of the training step")
    add("--patch", type=int, default=40, help="its side, in pixels")
    add("--size", type=int, default=256, help="of the picture for inference")
    add("--product", type=int, default=2048, help="rows of the square matrices")
    add("--rounds", type=int, default=10, help="turns of each contestant")
    add("--laps", type=int, default=3, help="timed laps of a turn")
    add("--spin", action="store_true", help="PyTorch and ONNX Runtime wait busily")
    add("--quick", action="store_true", help=f"for debugging: {QUICK}")
    add("--json", type=Path, metavar="FILE", help="writes all of it there, too")
    weights = parser.add_mutually_exclusive_group()
    weights.add_argument("--weights", default="pretrained", help="a run directory or a .h5 file")
    weights.add_argument("--fresh-weights", action="store_const", const=None, dest="weights")
    if parser.parse_args().quick:
        parser.set_defaults(**QUICK)
    return parser.parse_args()


def contests(options: argparse.Namespace, folder: Path) -> Iterator[Contest]:
    # These import TensorFlow, which reads what `use_threads` sets when it is imported.
    from inference import inference
    from training import training

    pipeline = zoo.load(NAME, options.weights)
    if options.weights is None:
        freshen(pipeline.net)
    *kernel, before, after = pipeline.net.get_layer("conv2").kernel.shape
    pixels = options.batch * options.patch**2
    yield machine.product(options.product, options.product, options.product, "square")
    yield machine.product(pixels, int(np.prod(kernel)) * before, after, "a convolution's")
    yield training(pipeline, options.batch, options.patch)
    yield inference(pipeline, options.size, options.threads, options.spin, folder)


def show_machine(facts: dict) -> None:
    print(f"{facts['date']}  {facts['cpu']}, {facts['system']}, {facts['threads']} threads")
    print("load before the run:", facts["load_before"])
    print(", ".join(f"{package} {version}" for package, version in facts["versions"].items()))


def show(result: dict) -> None:
    print(f"\n{result['title']}: {result['flops'] / 1e9:.4g} GFLOP")
    print(f"{'':32}{'median ms':>10}{'min':>9}{'max':>9}{'GFLOP/s':>9}{'ratio':>7}  difference")
    for name, row in result["rows"].items():
        print(f"{name:32}{columns(row) if row else '  ' + MISSING}")
    layouts = {n: row for n, row in result["rows"].items() if row and n.startswith("PyTorch, ")}
    if layouts:
        best = min(layouts, key=lambda name: layouts[name]["median_ms"])
        print(f"the better layout: {best}, ratio {layouts[best]['ratio']:.2f}")


def columns(row: dict) -> str:
    times = f"{row['median_ms']:10.2f}{row['min_ms']:9.2f}{row['max_ms']:9.2f}"
    rest = f"{row['gflops']:9.1f}{row['ratio']:7.2f}  {row['difference']:.1e}"
    return times + rest + ("" if row["same"] else "  DIFFERS")


if __name__ == "__main__":
    sys.exit(main())
