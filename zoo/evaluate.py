"""Benchmark = a set of pictures + the task's protocol -> one row of the table."""

from collections.abc import Callable

import numpy as np
from tqdm import tqdm

from zoo import metrics
from zoo.data import sources
from zoo.data.degrade import gaussian_noise
from zoo.errors import ZooError
from zoo.pipeline import Pipeline
from zoo.pixels import to_uint8

SEED = 0
PROTOCOLS = {
    "classify": "test split, top-1 in percent, one view",
    "denoise": "Gaussian noise of sigma {sigma:g} (0..255), not clipped, seed {seed}; "
    "result rounded to 8 bits; no border cut; mean over pictures",
}


def evaluate(
    pipeline: Pipeline, data: str | None = None, infer: Callable | None = None, progress=False
) -> dict:
    """Measures a pipeline by its task's protocol.

    Args:
        pipeline: from `zoo.load`.
        data: a set, or `folder:PATH`; by default the entry's first benchmark.
        infer: takes the place of `pipeline.infer`, such as an exported file or a classical method.
        progress: show a bar.

    Returns:
        `name`, `tag`, `data`, `count`, `protocol` and `metrics`: `psnr` in dB and `ssim`, or
        `accuracy` in percent and `nll` in nats.

    Raises:
        ZooError: the set is not there or does not fit the task.
    """
    entry, spec = pipeline.entry, pipeline.spec
    data = data or _first_benchmark(entry)
    pictures = sources.load(data, spec.shape[-1], split="test")
    infer = infer or pipeline.infer
    if spec.restores:
        figures = restoration(infer, pictures, spec.sigma, progress)
    else:
        figures = recognition(infer, pictures, spec.labels)
    return {
        "name": entry.name,
        "tag": entry.tag,
        "data": data,
        "count": len(pictures),
        "protocol": PROTOCOLS[spec.task].format(sigma=spec.sigma, seed=SEED),
        "metrics": figures,
    }


def restoration(infer: Callable, pictures: sources.Pictures, sigma: float, progress=False) -> dict:
    """PSNR in dB and SSIM of restored noisy pictures against the clean ones, averaged."""
    rows = []
    for number, clean in enumerate(tqdm(pictures.images, "pictures", disable=not progress)):
        values = clean[None].astype(np.float32) / 255
        noisy = gaussian_noise(values, sigma, seed=(SEED, number)).numpy()
        result = to_uint8(infer(noisy)[0])
        rows.append((metrics.psnr(result, clean), metrics.ssim(result, clean)))
    psnr, ssim = np.mean(rows, axis=0)
    return {"psnr": float(psnr), "ssim": float(ssim)}


def recognition(
    infer: Callable, pictures: sources.Pictures, labels: tuple[str, ...], batch: int = 500
) -> dict:
    """Accuracy in percent and negative log-likelihood in nats of a labelled set."""
    right = pictures.labels_among(labels)
    if len({image.shape for image in pictures.images}) > 1:
        batch = 1
    batches = (pictures.images[i : i + batch] for i in range(0, len(pictures), batch))
    rows = [infer(np.stack(b).astype(np.float32) / 255) for b in batches]
    probabilities = np.concatenate(rows)
    return {
        "accuracy": metrics.accuracy(probabilities, right),
        "nll": metrics.cross_entropy(probabilities, right),
    }


def _first_benchmark(entry) -> str:
    if not entry.benchmarks:
        raise ZooError(f"{entry.name} has no benchmark of its own: name a set with --data")
    return entry.benchmarks[0].data
