"""The machine: its threads, what it is, and what it gives in a plain matrix product."""

import importlib.metadata
import importlib.util
import os
import platform
from datetime import datetime, timezone
from functools import partial

import numpy as np
from rounds import TOLERANCE, Contest, stopwatch

from zoo.export.benchmark import cpu_model

PACKAGES = (
    "keras-image-zoo", "tensorflow", "keras", "numpy", "ai-edge-litert",
    "torch", "onnxruntime", "tf2onnx", "onnx", "openvino",
)  # fmt: skip


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


def facts(threads: int) -> dict:
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "cpu": cpu_model(),
        "threads": threads,
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version()} | {p: version(p) for p in PACKAGES},
    }


def version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def product(rows: int, inner: int, columns: int, shape: str) -> Contest:
    """`[rows, inner]` times `[inner, columns]`; `shape` says in the title what has this shape."""
    chance = np.random.default_rng(1)
    a = chance.normal(size=(rows, inner)).astype(np.float32)
    b = chance.normal(size=(inner, columns)).astype(np.float32) / np.float32(inner) ** 0.5

    def tensorflow():
        import tensorflow as tf

        return stopwatch(partial(tf.linalg.matmul, tf.constant(a), tf.constant(b)))

    def pytorch():
        import torch

        return stopwatch(partial(torch.matmul, torch.from_numpy(a), torch.from_numpy(b)))

    return Contest(
        f"float32 matrix product {rows}x{inner}x{columns}, {shape}",
        flops=2 * rows * inner * columns,
        reference=a @ b,
        tolerance=TOLERANCE,
        contestants={"TensorFlow": tensorflow, "PyTorch": pytorch},
    )
