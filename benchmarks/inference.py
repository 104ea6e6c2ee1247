"""Inference of one picture: the exported files in four runtimes, Keras, and PyTorch."""

import subprocess
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
import tensorflow as tf
from nets import LAYOUTS, forward_flops, from_torch, pictures, to_torch, torch_twin
from rounds import TOLERANCE, Contest, stopwatch

from zoo.export.artifacts import artifacts
from zoo.export.signature import SERVE
from zoo.export.write import export


def inference(pipeline, size: int, threads: int, spin: bool, folder: Path) -> Contest:
    noisy, _ = pictures(1, size, pipeline.spec.degradations[0].low)
    files = cache(partial(exported, pipeline, folder, size))
    return Contest(
        f"inference of {pipeline.entry.name}, 1 x {size}x{size}",
        flops=forward_flops(pipeline.net, size * size),
        reference=pipeline.infer(noisy),
        tolerance=TOLERANCE,
        contestants={
            "LiteRT": partial(litert, files, noisy, threads),
            "TensorFlow, SavedModel": partial(saved_model, files, noisy),
            "Keras, Pipeline.infer": lambda: stopwatch(partial(pipeline.infer, noisy)),
            "ONNX Runtime": partial(onnx_runtime, files, noisy, threads, spin),
            "OpenVINO": partial(openvino, files, noisy, threads),
        }
        | {
            f"PyTorch, {words}": partial(pytorch, pipeline, noisy, layout)
            for words, layout in LAYOUTS.items()
        },
    )


def exported(pipeline, folder: Path, size: int) -> tuple[Path, Path]:
    """Writes the zoo's own files. Returns the SavedModel and the .tflite file of this size."""
    export(pipeline, folder, static_size=size)
    forms = ("saved_model", "float32_static")
    return tuple(folder / artifact.path for artifact in artifacts(pipeline, forms))


def litert(files: Callable, noisy: np.ndarray, threads: int):
    from ai_edge_litert.interpreter import Interpreter

    _, tflite = files()
    run = Interpreter(str(tflite), num_threads=threads).get_signature_runner()
    return stopwatch(lambda: run(image=noisy)["restored"])


def saved_model(files: Callable, noisy: np.ndarray):
    folder, _ = files()
    run, image = tf.saved_model.load(folder).signatures[SERVE], tf.constant(noisy)
    return stopwatch(lambda: run(image=image)["restored"])


def onnx_runtime(files: Callable, noisy: np.ndarray, threads: int, spin: bool):
    import onnxruntime
    import tf2onnx  # noqa: F401  (it runs in a process of its own, below)

    folder, _ = files()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spin)))
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(to_onnx(folder), options, providers=providers)
    return stopwatch(lambda: session.run(["restored"], {"image": noisy})[0])


def to_onnx(folder: Path) -> Path:
    file = folder.with_name("net.onnx")
    call = ["-m", "tf2onnx.convert", "--saved-model", folder, "--signature_def", SERVE]
    call += ["--output", file, "--opset", "18"]
    done = subprocess.run([sys.executable, *call], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"tf2onnx could not convert {folder}:\n{done.stderr}")
    return file


def openvino(files: Callable, noisy: np.ndarray, threads: int):
    import openvino

    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",  # or it takes bfloat16 where the CPU has it
    }
    _, tflite = files()
    net = openvino.Core().compile_model(tflite, "CPU", settings)
    return stopwatch(lambda: net(noisy)[0])


def pytorch(pipeline, noisy: np.ndarray, layout: str):
    import torch

    spec, image = pipeline.spec, to_torch(noisy, layout)
    module = torch_twin(pipeline.net, layout).eval()

    @torch.inference_mode()
    def run():
        return spec.denormalize(module(spec.normalize(image))).clamp(0, 1)

    return stopwatch(run, from_torch)
