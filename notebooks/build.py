"""Makes `notebooks/*.ipynb` from the scripts in `notebooks/src`.

A script is Python with cells between `# %%` lines (the percent format); it also runs as it is. Its
notebook has in front how it opens in Colab, then a cell that installs the package where the
notebook runs there (`install.py`), and in place of each import from `shared` the source of that
file. Where the project lives is one setting, `url` in setup.cfg. How long a notebook takes is in
its first cell once that was measured.

    python notebooks/build.py           # writes the notebooks
    python notebooks/build.py --check   # exit status 1 if one is not what its script makes
    python notebooks/build.py --time    # measures all, or those that are named; on a quiet machine
"""

import configparser
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jupytext
import nbformat

HERE = Path(__file__).parent
SETTINGS = HERE.parent / "setup.cfg"
SOURCES = HERE / "src"
TIMES = HERE / "times.json"
"""Notebook -> minutes, rounded up, on `CORES` processor cores: what `--time` wrote."""
CORES = 2

_BRANCH = "main"
_BADGE = "[![Open In Colab](https://colab.research.google.com/assets/colab-badge.svg)]({address})"
_UPLOAD = """\
In Colab: *File > Upload notebook*, and the wheel of the package by the folder sign on the left."""
_SHARED = re.compile(r"^from shared\.(\w+) import .*\n?", re.M)
_METADATA = {
    "colab": {"provenance": [], "toc_visible": True},
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def scripts() -> list[Path]:
    """The sources, sorted."""
    return sorted(SOURCES.glob("*.py"))


def target(script: Path) -> Path:
    """Where the notebook of a script lies."""
    return HERE / f"{script.stem}.ipynb"


def notebook(script: Path) -> str:
    """The text of a script's notebook: the same bytes for the same sources."""
    cells = [_front(script), _setup()]
    for cell in jupytext.read(script, fmt="py:percent").cells:
        cells += _with_shared(cell) if cell.cell_type == "code" else [cell]
    for number, cell in enumerate(cells):
        cell.id, cell.metadata = f"cell-{number:02}", {}
    made = nbformat.v4.new_notebook(cells=cells, metadata=_METADATA)
    nbformat.validate(made)
    return nbformat.writes(made) + "\n"


def current(script: Path) -> bool:
    """Whether the notebook of a script is what the script makes."""
    path = target(script)
    return path.is_file() and path.read_text(encoding="utf-8") == notebook(script)


def _url() -> str:
    """Where the project lives; empty as long as that is nowhere."""
    settings = configparser.ConfigParser()
    settings.read(SETTINGS, encoding="utf-8")
    return settings["metadata"]["url"]


def times() -> dict[str, int]:
    """What `TIMES` holds; nothing where nothing was measured yet."""
    return json.loads(TIMES.read_text(encoding="utf-8")) if TIMES.is_file() else {}


def measure(script: Path) -> int:
    """Runs a script in full, on `CORES` cores; returns the minutes that it took, rounded up."""
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    if len(cores) < CORES:
        raise SystemExit(f"expected {CORES} processor cores to measure on, got {len(cores)}")
    environment = {key: value for key, value in os.environ.items() if key != "ZOO_QUICK"}
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(
            [sys.executable, str(script)],
            cwd=work,
            env=environment | {"MPLBACKEND": "Agg"},
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
            check=True,
        )
    return math.ceil((time.monotonic() - began) / 60)


def _front(script: Path):
    cell = _badge(script)
    if minutes := times().get(script.stem):
        unit = "minute" if minutes == 1 else "minutes"
        cell.source += f"\n\nTakes about {minutes} {unit} on {CORES} processor cores."
    return cell


def _badge(script: Path):
    owner = _url().removeprefix("https://github.com/")
    path = f"{owner}/blob/{_BRANCH}/notebooks/{target(script).name}"
    address = f"https://colab.research.google.com/github/{path}"
    return nbformat.v4.new_markdown_cell(_BADGE.format(address=address) if owner else _UPLOAD)


def _setup():
    text = (SOURCES.parent / "install.py").read_text(encoding="utf-8").strip()
    source = f"git+{_url()}@{_BRANCH}" if _url() else ""
    return nbformat.v4.new_code_cell(text.replace('SOURCE = ""', f'SOURCE = "{source}"'))


def _with_shared(cell) -> list:
    """The cell without its imports from `shared`, then those files as cells of their own."""
    names = _SHARED.findall(cell.source)
    cell.source = _SHARED.sub("", cell.source)
    sources = [(SOURCES / "shared" / f"{name}.py").read_text(encoding="utf-8") for name in names]
    return [cell, *(nbformat.v4.new_code_cell(source.strip()) for source in sources)]


def _time(stems: list[str]) -> None:
    for script in scripts():
        if not stems or script.stem in stems:
            found = times() | {script.stem: measure(script)}
            TIMES.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def main() -> int:
    if "--time" in sys.argv[1:]:
        _time([argument for argument in sys.argv[1:] if argument != "--time"])
    if "--check" in sys.argv[1:]:
        stale = [target(script).name for script in scripts() if not current(script)]
        print(f"not current: {', '.join(stale)}" if stale else "all notebooks are current")
        return 1 if stale else 0
    for script in scripts():
        target(script).write_text(notebook(script), encoding="utf-8")
        print(target(script).relative_to(HERE.parent))
    return 0


if __name__ == "__main__":
    sys.exit(main())
