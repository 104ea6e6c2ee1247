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
from zoo import figures, files, index, metrics, strip, weights
from zoo.errors import MissingExtra

PHOTOGRAPHS = ("camera", "chelsea", "coffee")
PAGE = "index.html"


def demo(folder: Path, names=()) -> tuple[Path, bool]:
    """Runs, exports and verifies pretrained names, and writes a page about them.

    Args:
        folder: gets `index.html`, which needs no other file, and the exports, a folder a name.
        names: of the zoo; without any, all that have weights.

    Returns:
        The page, and whether every exported file passed.

    Raises:
        MissingExtra: scikit-image, jinja2 or ai-edge-litert is not installed.
        ZooError: a name is unknown or without weights; the folder cannot be written.
    """
    template = _template()
    sections = [_section(entry, folder) for entry in tqdm(weights.chosen(names), "names")]
    page = template.render(sections=sections, version=zoo.__version__, columns=report.COLUMNS)
    files.write_text(folder / PAGE, page)
    return folder / PAGE, all(section["report"]["passed"] for section in sections)


def restored(pipeline, name: str) -> dict:
    """One photograph as it came, by a classical method, by the net, and clean, with PSNR in dB."""
    damage = pipeline.spec.degradations[0].middle
    shown = strip.columns(pipeline, name, damage)
    pictures = [_picture(label, pixels, shown["original"]) for label, pixels in shown.items()]
    return {"title": name, "damage": str(damage), "pictures": pictures}


def recognised(pipeline, pixels: np.ndarray, most: int = 3) -> dict:
    """One picture and its most probable labels."""
    labels = pipeline(pixels)[:most]
    return {"picture": _data_uri(pixels), "labels": labels}


def _section(entry, folder: Path) -> dict:
    pipeline = zoo.load(entry.full_name)
    name = index.short_name(entry)
    made = export(pipeline, folder / name)
    found = verify_folder(made)
    section = {
        "name": name,
        "entry": entry,
        "headline": figures.headline(entry),
        "report": found,
        "cells": [report.cells(row) for row in found["rows"]],
    }
    if pipeline.spec.restores:
        return section | {"strips": [restored(pipeline, name) for name in PHOTOGRAPHS]}
    if pipeline.spec.kind == "generation":
        return section | {"sheet": _data_uri(np.asarray(strip.made(pipeline))[..., None])}
    golden = np.load(weights.pretrained_folder(entry) / weights.GOLDEN)["pixels"]
    return section | {"answers": [recognised(pipeline, pixels) for pixels in golden]}


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
