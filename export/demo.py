"""A page of what the pretrained names do: pictures, figures, exported files and their checks."""

import base64
import importlib.resources
import io
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

import zoo
from export import report
from export.artifacts import export
from export.verify import verify_folder
from zoo import card, files, metrics, weights
from zoo.data.degrade import gaussian_noise
from zoo.errors import MissingExtra
from zoo.pixels import to_uint8

PHOTOGRAPHS = {  # of scikit-image: name -> rows and columns of the part that is shown
    "camera": (slice(60, 316), slice(120, 376)),
    "chelsea": (slice(20, 276), slice(100, 356)),
    "coffee": (slice(90, 346), slice(150, 406)),
}
PAGE = "index.html"


def demo(folder: Path) -> tuple[Path, bool]:
    """Runs, exports and verifies every pretrained name, and writes a page about it.

    Args:
        folder: gets `index.html`, which needs no other file, and the exports, a folder a name.

    Returns:
        The page, and whether every exported file passed.

    Raises:
        MissingExtra: scikit-image, jinja2 or ai-edge-litert is not installed.
        ZooError: the folder cannot be written.
    """
    template = _template()
    entries = [entry for entry in map(zoo.entry, zoo.names()) if weights.published(entry)]
    sections = [_section(entry, folder) for entry in tqdm(entries, "names")]
    page = template.render(sections=sections, version=zoo.__version__, columns=report.COLUMNS)
    files.write_text(folder / PAGE, page)
    return folder / PAGE, all(section["report"]["passed"] for section in sections)


def denoised(pipeline, name: str) -> dict:
    """One photograph with noise, restored by the net and by non-local means, with PSNR in dB."""
    from skimage import data

    photograph = getattr(data, name)()[PHOTOGRAPHS[name]]
    clean = np.atleast_3d(photograph)[None].astype(np.float32) / 255
    noisy = gaussian_noise(clean, pipeline.spec.sigma, seed=(0, 0)).numpy()
    columns = {
        "noisy": noisy,
        pipeline.entry.name: pipeline.restore(noisy),
        "non-local means": _non_local_means(noisy, pipeline.spec.sigma),
        "original": clean,
    }
    original = to_uint8(clean[0])
    pictures = [_picture(label, to_uint8(values[0]), original) for label, values in columns.items()]
    return {"title": name, "pictures": pictures}


def recognised(pipeline, pixels: np.ndarray, most: int = 3) -> dict:
    """One picture and its most probable labels."""
    labels = pipeline(pixels)[:most]
    return {"picture": _data_uri(pixels), "labels": labels}


def _section(entry, folder: Path) -> dict:
    pipeline = zoo.load(entry.full_name)
    made = export(pipeline, folder / entry.name)
    found = verify_folder(made)
    section = {
        "entry": entry,
        "headline": card.headline(entry, weights.published(entry)),
        "report": found,
        "cells": [report.cells(row) for row in found["rows"]],
    }
    if pipeline.spec.restores:
        return section | {"strips": [denoised(pipeline, name) for name in PHOTOGRAPHS]}
    golden = np.load(weights.pretrained_folder(entry) / weights.GOLDEN)["pixels"]
    return section | {"answers": [recognised(pipeline, pixels) for pixels in golden]}


def _non_local_means(noisy: np.ndarray, sigma: float) -> np.ndarray:
    """Buades et al. 2005 as scikit-image has it, told the true noise level; `[1, h, w, c]`."""
    from skimage.restoration import denoise_nl_means

    level = sigma / 255
    options = {"patch_size": 5, "patch_distance": 6, "h": 0.8 * level, "sigma": level}
    result = denoise_nl_means(noisy[0], fast_mode=True, channel_axis=-1, **options)
    return result.reshape(noisy.shape)  # it drops a single channel


def _picture(label: str, pixels: np.ndarray, original: np.ndarray) -> dict:
    same = pixels is original or np.array_equal(pixels, original)
    psnr = None if same else metrics.psnr(pixels, original)
    return {"label": label, "source": _data_uri(pixels), "psnr": psnr}


def _data_uri(pixels: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _template():
    try:
        import jinja2
        import skimage  # noqa: F401
    except ImportError as error:
        raise MissingExtra(error.name, "demo", "the demonstration") from None
    text = importlib.resources.files("export").joinpath("demo.html").read_text(encoding="utf-8")
    return jinja2.Environment(autoescape=True).from_string(text)
