"""DnCNN beside its peers, on the CPU, in one run: matrix product, training step, inference.

Contestants take turns in rounds, because a shared machine drifts; each answer is compared with a
reference before its time counts. `README.md` beside this file explains the columns.
"""

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import cache, partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

NAME = "dncnn_s25"
QUICK = {"batch": 2, "patch": 16, "size": 48, "product": 256, "rounds": 2, "laps": 1}
PACKAGES = (
    "keras-image-zoo", "tensorflow", "keras", "numpy", "ai-edge-litert",
    "torch", "onnxruntime", "tf2onnx", "onnx", "openvino",
)  # fmt: skip
PEERS = {"ai_edge_litert", "onnxruntime", "openvino", "tf2onnx", "torch"}
MISSING = "not installed: pip install -r benchmarks/requirements.txt"
PAUSE = 0.1  # seconds; the threads of the contestant before spin a little while after their work
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Contest:
    """The same work for all; ratios refer to the first contestant that is installed.

    Attributes:
        title: as printed.
        flops: floating-point operations of a lap.
        reference: the answer of a lap.
        tolerance: the largest absolute difference from it that still counts as the same work.
        contestants: name -> a function that imports and prepares what it needs, and returns
            turns as `stopwatch` does.
    """

    title: str
    flops: int
    reference: np.ndarray
    tolerance: float
    contestants: dict[str, Callable[[], Callable]]


def stopwatch(step: Callable, read: Callable = np.asarray) -> Callable:
    """A contestant's turns: `count` timed laps of `step` after one that is not timed."""

    def turn(count):
        ends, answers = [], []
        for _ in range(count + 1):
            answers.append(step())
            ends.append(time.perf_counter())
        return np.diff(ends), read(answers[0])

    return turn


def race(contest: Contest, rounds: int, laps: int) -> dict:
    """All contestants, one turn each a round. Returns plain data, for print and for JSON."""
    turns = {name: installed(prepare) for name, prepare in contest.contestants.items()}
    ready = {name: turn for name, turn in turns.items() if turn}
    apart = {name: difference(turn(1)[1], contest.reference) for name, turn in ready.items()}
    seconds = {name: [] for name in ready}
    for _ in tqdm(range(rounds), contest.title, unit="round", leave=False):
        for name, turn in ready.items():
            time.sleep(PAUSE)
            seconds[name].append(turn(laps)[0])
    rows = dict.fromkeys(turns)
    for name in ready:
        times = figures(contest, seconds[name], seconds[next(iter(ready))])
        same = bool(apart[name] <= contest.tolerance)
        rows[name] = times | {"difference": apart[name], "same": same}
    return {"title": contest.title, "flops": contest.flops, "rows": rows}


def installed(prepare: Callable) -> Callable | None:
    """The turns, or None where a peer is missing; anything else that fails is an error."""
    from zoo.errors import MissingExtra

    try:
        return prepare()
    except MissingExtra:  # LiteRT, which the zoo's export needs
        return None
    except ModuleNotFoundError as error:
        if error.name.partition(".")[0] not in PEERS:
            raise
        return None


def figures(contest: Contest, seconds: list, first: list) -> dict:
    median = float(np.median(seconds))
    return {
        "median_ms": 1e3 * median,
        "min_ms": 1e3 * float(np.min(seconds)),
        "max_ms": 1e3 * float(np.max(seconds)),
        "gflops": contest.flops / median / 1e9,
        "ratio": float(np.median(np.median(seconds, axis=1) / np.median(first, axis=1))),
        "laps_ms": np.round(np.multiply(seconds, 1e3), 3).tolist(),
    }


def difference(answer: np.ndarray, reference: np.ndarray) -> float:
    if np.shape(answer) != np.shape(reference):
        return float("inf")
    return float(np.max(np.abs(answer - reference)))


# Matrix product


def products(sizes: tuple[int, int, int], title: str) -> Contest:
    rows, inner, columns = sizes
    chance = np.random.default_rng(1)
    a = chance.normal(size=(rows, inner)).astype(np.float32)
    b = chance.normal(size=(inner, columns)).astype(np.float32) / np.float32(inner) ** 0.5

    def tensorflow():
        import tensorflow as tf

        return stopwatch(partial(tf.linalg.matmul, tf.constant(a), tf.constant(b)))

    def torch():
        import torch

        return stopwatch(partial(torch.matmul, torch.from_numpy(a), torch.from_numpy(b)))

    return Contest(
        f"float32 matrix product {rows}x{inner}x{columns}, {title}",
        flops=2 * rows * inner * columns,
        reference=a @ b,
        tolerance=TOLERANCE,
        contestants={"TensorFlow": tensorflow, "PyTorch": torch},
    )


# The net


def forward_flops(net, pixels: int) -> int:
    """Two a multiply-add of the convolutions, all of stride 1; the rest is left out."""
    kernels = [layer.kernel for layer in net.layers if hasattr(layer, "kernel")]
    return 2 * pixels * sum(int(np.prod(kernel.shape)) for kernel in kernels)


def freshen(net) -> None:
    """Random last convolution and statistics: as built, the net returns its input."""
    chance = np.random.default_rng(1)
    for layer in net.layers:
        values = layer.get_weights()
        if type(layer).__name__ == "BatchNormalization":
            values = [chance.uniform(0.8, 1.2, v.shape) for v in values]
        layer.set_weights([v if v.any() else chance.normal(0, 0.003, v.shape) for v in values])


def copied(net):
    import keras

    copy = keras.models.clone_model(net)
    copy.set_weights(net.get_weights())
    return copy


def torch_twin(net):
    """The Keras net, layer by layer, with its weights, in PyTorch's own layers."""
    import torch
    from torch import nn

    def filled(module, names, values):
        module.load_state_dict(dict(zip(names, map(torch.tensor, values), strict=True)))
        return module

    def translated(layer):
        kind, values = type(layer).__name__, layer.get_weights()
        if kind == "Conv2D":
            *size, before, after = values[0].shape
            values[0] = values[0].transpose(3, 2, 0, 1)
            module = nn.Conv2d(before, after, size, padding="same", bias=layer.use_bias)
            yield filled(module, ("weight", "bias")[: len(values)], values)
            if layer.activation.__name__ == "relu":
                yield nn.ReLU(inplace=True)
        elif kind == "BatchNormalization":
            module = nn.BatchNorm2d(len(values[0]), layer.epsilon, 1 - layer.momentum)
            yield filled(module, ("weight", "bias", "running_mean", "running_var"), values)
        elif kind == "ReLU":
            yield nn.ReLU(inplace=True)
        elif kind not in ("InputLayer", "Subtract"):
            raise NotImplementedError(f"{kind} has no translation into PyTorch here")

    class Denoiser(nn.Module):
        def __init__(self):
            super().__init__()
            self.noise = nn.Sequential(*(m for layer in net.layers for m in translated(layer)))

        def forward(self, noisy):
            return noisy - self.noise(noisy)

    return Denoiser()


def to_torch(pictures: np.ndarray, layout: str):
    """`[b, h, w, c]` as PyTorch's `[b, c, h, w]`, in memory as `layout` says."""
    import torch

    tensor = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))
    return tensor.contiguous(memory_format=getattr(torch, layout))


def from_torch(tensor) -> np.ndarray:
    return tensor.permute(0, 2, 3, 1).numpy()


LAYOUTS = {"default layout": "contiguous_format", "channels last": "channels_last"}


def pictures(batch: int, size: int, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Noisy and clean: slanted waves, each of its own direction, in [0, 1] before the noise."""
    chance = np.random.default_rng(2)
    y, x = np.mgrid[:size, :size] / 8
    turns = chance.uniform(0, 2 * np.pi, (batch, 1, 1))
    clean = 0.5 + 0.4 * np.sin(np.cos(turns) * x + np.sin(turns) * y)[..., None]
    noisy = clean + chance.normal(0, sigma / 255, clean.shape)
    return noisy.astype(np.float32), clean.astype(np.float32)


# Training


def training(pipeline, batch: int, patch: int) -> Contest:
    import tensorflow as tf

    net, recipe = pipeline.net, pipeline.entry.recipe
    noisy, clean = pictures(batch, patch, pipeline.spec.sigma)
    noisy, clean = pipeline.spec.encode(noisy), pipeline.spec.encode(clean)
    data = tf.data.Dataset.from_tensors((noisy, clean)).repeat().prefetch(4)
    loss = np.mean(np.square(copied(net)(noisy, training=True) - clean))
    adam = replace(recipe, optimizer="adam", learning_rate=1e-3)
    return Contest(
        f"training step of {NAME}, {batch} x {patch}x{patch}",
        flops=3 * forward_flops(net, batch * patch * patch),
        reference=loss,
        tolerance=TOLERANCE * loss,
        contestants={
            f"zoo, {recipe.optimizer} (the recipe)": partial(zoo_step, net, recipe, data),
            "zoo, adam": partial(zoo_step, net, adam, data),
            "Keras compile and fit, adam": partial(keras_fit, net, data),
        }
        | {
            f"PyTorch, adam, {words}": partial(torch_training, net, noisy, clean, layout)
            for words, layout in LAYOUTS.items()
        },
    )


def zoo_step(net, recipe, data):
    from zoo.training.fused import fused_twin
    from zoo.training.optimizers import make_optimizer
    from zoo.training.steps import compiled, supervised

    step = supervised(fused_twin(net), make_optimizer(recipe), recipe.loss)
    step, batches = compiled(step, data.element_spec), iter(data)
    return stopwatch(lambda: step(*next(batches)))


def keras_fit(net, data):
    import keras

    net = copied(net)
    net.compile(keras.optimizers.Adam(), "mse")

    def turn(count):
        ends, losses = [], []

        def lap(batch, logs):
            ends.append(time.perf_counter())
            losses.append(logs["loss"])

        callback = keras.callbacks.LambdaCallback(on_train_batch_end=lap)
        net.fit(data, steps_per_epoch=count + 1, shuffle=False, verbose=0, callbacks=[callback])
        return np.diff(ends), losses[0]

    return turn


def torch_training(net, noisy, clean, layout: str):
    import torch

    noisy, clean = to_torch(noisy, layout), to_torch(clean, layout)
    module = torch_twin(net).to(memory_format=getattr(torch, layout)).train()
    optimizer = torch.optim.Adam(module.parameters())

    def step():
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(module(noisy), clean)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return stopwatch(step)


# Inference


def inference(pipeline, size: int, threads: int, spin: bool, folder: Path) -> Contest:
    noisy, _ = pictures(1, size, pipeline.spec.sigma)
    files = cache(partial(exported, pipeline, folder, size))
    return Contest(
        f"inference of {NAME}, 1 x {size}x{size}",
        flops=forward_flops(pipeline.net, size * size),
        reference=pipeline.restore(noisy),
        tolerance=TOLERANCE,
        contestants={
            "LiteRT": partial(litert, files, noisy, threads),
            "TensorFlow, SavedModel": partial(saved_model, files, noisy),
            "Keras, Pipeline.restore": lambda: stopwatch(partial(pipeline.restore, noisy)),
            "ONNX Runtime": partial(onnx_runtime, files, noisy, threads, spin),
            "OpenVINO": partial(openvino, files, noisy, threads),
        }
        | {
            f"PyTorch, {words}": partial(torch_inference, pipeline, noisy, layout)
            for words, layout in LAYOUTS.items()
        },
    )


def exported(pipeline, folder: Path, size: int) -> dict[str, Path]:
    """Writes the zoo's own files."""
    from export.artifacts import export

    export(pipeline, folder, static_size=size)
    (tflite,) = folder.glob("*_float32_static.tflite")
    return {"saved_model": folder / "saved_model", "tflite": tflite}


def litert(files: Callable, noisy, threads: int):
    from ai_edge_litert.interpreter import Interpreter

    run = Interpreter(str(files()["tflite"]), num_threads=threads).get_signature_runner()
    return stopwatch(lambda: run(image=noisy)["restored"])


def saved_model(files: Callable, noisy):
    import tensorflow as tf

    from export.signature import SERVE

    run, image = tf.saved_model.load(files()["saved_model"]).signatures[SERVE], tf.constant(noisy)
    return stopwatch(lambda: run(image=image)["restored"])


def onnx_runtime(files: Callable, noisy, threads: int, spin: bool):
    import onnxruntime
    import tf2onnx  # noqa: F401  (it runs in a process of its own, below)

    file = to_onnx(files()["saved_model"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spin)))
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return stopwatch(lambda: session.run(["restored"], {"image": noisy})[0])


def to_onnx(folder: Path) -> Path:
    from export.signature import SERVE

    file = folder.with_name("net.onnx")
    call = ["-m", "tf2onnx.convert", "--saved-model", folder, "--signature_def", SERVE]
    call += ["--output", file, "--opset", "18"]
    done = subprocess.run([sys.executable, *call], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"tf2onnx could not convert {folder}:\n{done.stderr}")
    return file


def openvino(files: Callable, noisy, threads: int):
    import openvino

    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",  # or it takes bfloat16 where the CPU has it
    }
    net = openvino.Core().compile_model(files()["tflite"], "CPU", settings)
    return stopwatch(lambda: net(noisy)[0])


def torch_inference(pipeline, noisy, layout: str):
    import torch

    image = to_torch(noisy, layout)
    module = torch_twin(pipeline.net).to(memory_format=getattr(torch, layout)).eval()
    spec = pipeline.spec

    @torch.inference_mode()
    def run():
        return spec.decode(module(spec.encode(image))).clamp(0, 1)

    return stopwatch(run, from_torch)


# The run


def use_threads(threads: int, spin: bool) -> None:
    """The same cores and as many threads for every library; called before they start any."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["OMP_WAIT_POLICY"] = "active" if spin else "passive"  # PyTorch's threads
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(threads)


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def machine(threads: int) -> dict:
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "cpu": cpu_model(),
        "threads": threads,
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version()} | versions(),
    }


def cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def show_machine(facts: dict) -> None:
    print(f"{facts['date']}  {facts['cpu']}, {facts['system']}, {facts['threads']} threads")
    print("load before the run:", facts["load_before"])
    print(", ".join(f"{package} {version}" for package, version in facts["versions"].items()))


def show(result: dict) -> None:
    print(f"\n{result['title']}: {result['flops'] / 1e9:.4g} GFLOP")
    print(f"{'':32}{'median ms':>10}{'min':>9}{'max':>9}{'GFLOP/s':>9}{'ratio':>7}  difference")
    for name, row in result["rows"].items():
        print(f"{name:32}{columns(row) if row else '  ' + MISSING}")
    layouts = [name for name, row in result["rows"].items() if row and name.startswith("PyTorch")]
    if len(layouts) > 1:
        best = min(layouts, key=lambda name: result["rows"][name]["median_ms"])
        print(f"the better layout: {best}, ratio {result['rows'][best]['ratio']:.2f}")


def columns(row: dict) -> str:
    times = f"{row['median_ms']:10.2f}{row['min_ms']:9.2f}{row['max_ms']:9.2f}"
    rest = f"{row['gflops']:9.1f}{row['ratio']:7.2f}  {row['difference']:.1e}"
    return times + rest + ("" if row["same"] else "  DIFFERS")


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=cores(), help="for all, default all cores")
    parser.add_argument("--batch", type=int, default=16, help="of the training step")
    parser.add_argument("--patch", type=int, default=40, help="its side, in pixels")
    parser.add_argument("--size", type=int, default=256, help="of the picture for inference")
    parser.add_argument("--product", type=int, default=2048, help="rows of the square matrices")
    parser.add_argument("--rounds", type=int, default=10, help="turns of each contestant")
    parser.add_argument("--laps", type=int, default=3, help="timed laps of a turn")
    parser.add_argument("--spin", action="store_true", help="PyTorch and ONNX Runtime wait busily")
    parser.add_argument("--quick", action="store_true", help=f"for debugging: {QUICK}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="writes all of it there, too")
    weights = parser.add_mutually_exclusive_group()
    weights.add_argument("--weights", default="pretrained", help="a run directory or a .h5 file")
    weights.add_argument(
        "--fresh-weights", action="store_const", const=None, default="pretrained", dest="weights"
    )
    if parser.parse_args(argv).quick:
        parser.set_defaults(**QUICK)
    return parser.parse_args(argv)


def contests(options: argparse.Namespace, folder: Path):
    import zoo

    pipeline = zoo.load(NAME, options.weights)
    if options.weights is None:
        freshen(pipeline.net)
    *kernel, before, after = pipeline.net.layers[2].kernel.shape
    pixels = options.batch * options.patch**2
    yield products((options.product,) * 3, "square")
    yield products((pixels, int(np.prod(kernel)) * before, after), "a convolution's")
    yield training(pipeline, options.batch, options.patch)
    yield inference(pipeline, options.size, options.threads, options.spin, folder)


def main() -> int:
    options = arguments()
    facts = machine(options.threads)
    use_threads(options.threads, options.spin)
    from zoo import files
    from zoo.errors import ZooError

    show_machine(facts)
    results = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            for contest in contests(options, Path(folder) / NAME):
                results.append(race(contest, options.rounds, options.laps))
                show(results[-1])
        if options.json:
            settings = {key: value for key, value in vars(options).items() if key != "json"}
            files.write_json(
                options.json, {"machine": facts, "settings": settings, "results": results}
            )
    except ZooError as error:
        sys.exit(f"error: {error}")
    rows = [item for result in results for item in result["rows"].items()]
    differing = [name for name, row in rows if row and not row["same"]]
    if differing:
        print("\nwrong results, so their times mean nothing:", "; ".join(differing))
    return bool(differing)


if __name__ == "__main__":
    sys.exit(main())
