"""A page of what the pretrained names do: pictures, figures, exported files and their checks."""

import base64
import importlib.resources
import io
import platform
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from zoo import index, loading
from zoo.errors import ZooError, need
from zoo.export import isolated, report
from zoo.export.describe import today
from zoo.export.manifest import read_manifest
from zoo.export.signature import static_side
from zoo.export.verify import verify
from zoo.export.write import export
from zoo.images.pixels import to_uint8
from zoo.index import Entry
from zoo.report import figures
from zoo.storage import files, weights
from zoo.version import __version__

PHOTOGRAPHS = ("camera", "chelsea", "coffee")
PAGE = "index.html"


def demo(folder: Path, names=(), every: bool = False) -> tuple[Path, bool]:
    """Runs, exports and verifies pretrained names, and writes a page about them.

    It takes no data set and no network. A name that fails gets a section that says why.

    Args:
        folder: gets `index.html`, which needs no other file, and the exports, a folder a name.
        names: of the zoo; without any, the first of each family.
        every: without names, all that have weights.

    Returns:
        The page, and whether every name ran and every check passed.

    Raises:
        MissingExtra: scikit-image, jinja2 or ai-edge-litert is not installed.
        ZooError: a name is unknown; the page cannot be written, or another one is there.
    """
    entries = weights.chosen(names) if names or every else index.first_of_families()
    page, template = Path(folder) / PAGE, _template()
    sections: list[dict] = []
    _refuse_foreign(page)
    with isolated.shared_processes(), tqdm(entries, unit="name") as bar:
        for entry in bar:
            _write(page, template, sections, len(entries))  # whatever ends it, there is a page
            sections.append(_section(entry, Path(folder), bar.set_description))
        _write(page, template, sections, len(entries))
    return page, all(section["passed"] for section in sections)


def _refuse_foreign(page: Path) -> None:
    if page.is_file() and 'content="zoo demo"' not in page.read_text("utf-8", errors="replace"):
        raise ZooError(f"{page} is not of `zoo demo` and would be lost: choose another --to")


def restored(pipeline, name: str) -> dict:
    """One photograph as it came, by a classical method, by the net, and clean, with PSNR in dB."""
    from zoo.metrics.baselines import compared

    damage = pipeline.spec.degradations[0].middle
    shown = compared(pipeline, name, damage)
    pictures = [_picture(label, pixels, shown["original"]) for label, pixels in shown.items()]
    return {"title": name, "damage": str(damage), "pictures": pictures}


def recognised(pipeline, pictures: np.ndarray, most: int = 3) -> list[dict]:
    """Pictures, uint8 `[b, h, w, c]`, each with its most probable labels."""
    pairs = zip(pictures, pipeline(pictures), strict=True)
    return [{"picture": data_uri(pixels), "labels": labels[:most]} for pixels, labels in pairs]


def _section(entry: Entry, folder: Path, say: Callable[[str], None]) -> dict:
    """What the page says of a name, as far as it came."""
    name = index.short_name(entry)
    section = {"name": name, "entry": entry, "headline": figures.headline(entry), "passed": False}
    try:
        say(f"{name}: loading")
        pipeline = loading.load(entry.full_name)
        say(f"{name}: running on pictures")
        section |= _shown(pipeline)
        say(f"{name}: exporting")
        # a static file for half the usual side is checked in a quarter of the time
        exported = export(pipeline, folder / name, static_side(pipeline.spec) // 2)
        say(f"{name}: checking the files")
        section |= _checked(exported, verify(exported, pipeline))
    except Exception as error:  # the other names go on
        known = isinstance(error, ZooError)
        section["failure"] = str(error) if known else f"{type(error).__name__}: {error}"
    return section


def _shown(pipeline) -> dict:
    """Pictures that come with the installation: photographs, or those of the golden."""
    entry, spec, task = pipeline.entry, pipeline.spec, index.task(pipeline.spec.task)
    if spec.restores:
        return {"strips": [restored(pipeline, name) for name in PHOTOGRAPHS]}
    if not task.gives_pictures:
        return {"answers": recognised(pipeline, _golden(entry))}
    real = _golden(entry, "encoder")[:15] if spec.task == "autoencode" else None
    sheet = np.atleast_3d(task.preview(pipeline, real))
    return {"sheet": data_uri(sheet), "caption": task.caption(spec, real is not None)}


def _golden(entry: Entry, part: str = "") -> np.ndarray:
    return to_uint8(weights.golden(entry, part)[0])


def _checked(exported: Path, found: dict) -> dict:
    report.write(found, exported)
    return {
        "passed": found["passed"],
        "report": found,
        "cells": [report.cells(row) for row in found["rows"]],
        "files": len(read_manifest(exported)["artifacts"]),
    }


def _write(page: Path, template, sections: list[dict], count: int) -> None:
    reports = [section["report"] for section in sections if "report" in section]
    rows = [row for found in reports for row in found["rows"]]
    about = {
        "date": today(),
        "version": __version__,
        "runtimes": list(dict.fromkeys(row["runtime"] for row in rows if row["runtime"])),
        "python": platform.python_version(),
        "left_out": reports[-1]["left_out"] if reports else "",
        "checks": len(rows),
        "good": sum(row["passed"] for row in rows),
        "files": sum(section.get("files", 0) for section in sections),
        "failed": [section["name"] for section in sections if not section["passed"]],
    }
    text = template.render(sections=sections, count=count, columns=report.COLUMNS, **about)
    files.write_text(page, text)


def _picture(label: str, pixels: np.ndarray, original: np.ndarray) -> dict:
    from zoo.metrics import quality

    same = pixels is original or np.array_equal(pixels, original)
    psnr = None if same else quality.psnr(pixels, original)
    return {"label": label, "source": data_uri(pixels), "psnr": psnr}


def data_uri(pixels: np.ndarray) -> str:
    """A picture, uint8 `[h, w, c]`, as the address of an image in a page."""
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _template():
    for module in ("skimage", "jinja2", "ai_edge_litert"):
        need(module, "the demonstration")
    import jinja2

    text = importlib.resources.files("zoo.export").joinpath("demo.html").read_text(encoding="utf-8")
    return jinja2.Environment(autoescape=True).from_string(text)
