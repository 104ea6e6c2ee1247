"""The outcome of `zoo.export.assess` as a page that needs no other file: `report.html`."""

import importlib.resources
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import need
from zoo.export.assess import Assessment
from zoo.export.benchmark import cores, cpu_model
from zoo.export.costs import table
from zoo.export.demo import data_uri
from zoo.export.describe import today
from zoo.export.figured import Judged
from zoo.export.manifest import PAGE
from zoo.export.on_pictures import Seen
from zoo.storage import files


def write(found: Assessment, folder: str | Path, data: str | None = None) -> Path:
    """Writes the page into the export.

    Raises:
        MissingExtra: jinja2 is not installed.
        ZooError: it cannot be written.
    """
    need("jinja2", "a page about the files")
    import jinja2

    heads, rows = table(found.costs, found.metric)
    about: dict[str, Any] = {
        "name": found.report["name"], "passed": found.passed, "data": data, "date": today(),
        "host": f"{cpu_model()}, {cores()} cores", "heads": heads, "rows": rows,
        "reasons": [f"{c.form}: {c.reason}" for c in found.costs if c.reason],
    }  # fmt: skip
    if found.metric and found.net is not None:
        about["net"] = found.metric.named(found.net)
    if found.judged and found.worst:
        form, figures = found.worst
        about |= {"count": len(found.judged.evaluation.pictures), "worst": form}
        about["pictures"] = [_shown(found.judged, seen) for seen in figures.worst if seen.error]
        about["worst"] = form if about["pictures"] else None
    text = importlib.resources.files("zoo.export").joinpath("assess.html").read_text("utf-8")
    page = Path(folder) / PAGE
    files.write_text(page, jinja2.Environment(autoescape=True).from_string(text).render(about))
    return page


def _shown(judge: Judged, seen: Seen) -> dict[str, Any]:
    pictures, spec = judge.evaluation.pictures, judge.pipeline.spec
    right = pictures.classes[pictures.labels[seen.number]] if pictures.labels is not None else ""
    net, file = (judge.task.view(spec, one) for one in (seen.expected, seen.result))
    return {
        "number": seen.number,
        "name": Path(pictures.paths[seen.number]).name
        if pictures.paths
        else f"Picture {seen.number}",
        "error": seen.error,
        "right": right if spec.labels else "",
        "source": data_uri(pictures.images[seen.number]),
        "net": _view(net),
        "file": _view(file),
    }


def _view(view: "np.ndarray | str") -> dict[str, str]:
    return {"words": view} if isinstance(view, str) else {"picture": data_uri(view)}
