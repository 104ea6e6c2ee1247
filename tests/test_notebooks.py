"""The notebooks: current with their scripts, and each runs from top to bottom in quick mode."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import REPOSITORY

FOLDER = REPOSITORY / "notebooks"


def _build():
    spec = importlib.util.spec_from_file_location("build_notebooks", FOLDER / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build = _build()
SCRIPTS = build.scripts()
IN_A_KERNEL = "backpropagation_by_hand"
every_script = pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)

RUN_IN_A_KERNEL = """
import sys
import nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=900, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""


@pytest.fixture
def run(tmp_path):
    """Runs Python code as a reader does who has neither a network nor data sets."""
    places = {name: tmp_path / name for name in ("work", "home", "scratch", "settings")}
    for place in places.values():
        place.mkdir()
    settings = ("KERAS_HOME", "MPLCONFIGDIR", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR")
    environment = {key: value for key, value in os.environ.items() if key != "ZOO_DATA"}
    environment |= {
        "ZOO_QUICK": "1",
        "MPLBACKEND": "Agg",
        "PYTHONPATH": str(REPOSITORY),
        "HOME": str(places["home"]),
        "TMPDIR": str(places["scratch"]),
        "https_proxy": "http://127.0.0.1:9",  # where nothing answers
        "http_proxy": "http://127.0.0.1:9",
    }
    environment |= {key: str(places["settings"] / key) for key in settings}

    def run(*arguments, **changes):
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=places["work"],
            env=environment | changes,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        left = [path for name in ("work", "home") for path in places[name].rglob("*")]
        assert not left, "files outside of the notebook's own folder"
        return done.stdout

    return run


def _cells(script: Path, kind: str) -> list[str]:
    notebook = nbformat.read(build.target(script), as_version=4)
    return [cell.source for cell in notebook.cells if cell.cell_type == kind]


@every_script
def test_a_notebook_is_what_its_script_makes(script):
    assert build.current(script), "run `python notebooks/build.py`"


def test_every_notebook_has_a_script():
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == {path.stem for path in SCRIPTS}


def test_a_changed_script_is_noticed(tmp_path, monkeypatch):
    script = tmp_path / "one.py"
    script.write_text("# %% [markdown]\n# # Title\n\n# %%\nprint(1)\n", encoding="utf-8")
    monkeypatch.setattr(build, "HERE", tmp_path)
    assert not build.current(script)
    build.target(script).write_text(build.notebook(script), encoding="utf-8")
    assert build.current(script)
    script.write_text(script.read_text(encoding="utf-8") + "print(2)\n", encoding="utf-8")
    assert not build.current(script)


@every_script
def test_links_between_notebooks_lead_somewhere(script):
    names = {path.name for path in FOLDER.glob("*.ipynb")}
    text = "\n".join(_cells(script, "markdown")[1:])
    linked = {part.split(")")[0] for part in text.split("](")[1:]}
    assert {link for link in linked if not link.startswith("https://")} <= names


def test_where_the_project_lives_is_one_setting(tmp_path, monkeypatch):
    front = build.notebook(SCRIPTS[0])
    assert "Upload notebook" in front and 'SOURCE = \\"\\"' in front
    settings = tmp_path / "setup.cfg"
    settings.write_text("[metadata]\nurl = https://github.com/some/where\n", encoding="utf-8")
    monkeypatch.setattr(build, "SETTINGS", settings)
    there = build.notebook(SCRIPTS[0])
    assert "colab.research.google.com/github/some/where/blob/main/notebooks/" in there
    assert 'SOURCE = \\"git+https://github.com/some/where@main\\"' in there


def test_a_time_that_was_measured_stands_in_front(tmp_path, monkeypatch):
    script = tmp_path / "one.py"
    script.write_text("import pathlib\npathlib.Path('made').touch()\n", encoding="utf-8")
    monkeypatch.setattr(build, "SOURCES", tmp_path)
    monkeypatch.setattr(build, "HERE", tmp_path)
    monkeypatch.setattr(build, "TIMES", tmp_path / "times.json")
    monkeypatch.setattr(build, "_setup", lambda: build.nbformat.v4.new_code_cell(""))
    assert "Takes about" not in build.notebook(script)
    monkeypatch.setattr(build, "CORES", 1)
    monkeypatch.setattr(build.sys, "argv", ["build.py", "--time", "one"])
    assert build.main() == 0
    assert "Takes about 1 minute on 1 processor cores." in build.notebook(script)
    assert not (tmp_path / "made").exists(), "it runs in a folder of its own"


@pytest.mark.slow
@pytest.mark.parametrize(
    "script", [s for s in SCRIPTS if s.stem != IN_A_KERNEL], ids=lambda path: path.stem
)
def test_it_runs_from_top_to_bottom(script, run, tmp_path):
    code = tmp_path / "notebook.py"
    code.write_text("\n\n".join(_cells(script, "code")), encoding="utf-8")
    run(code)


@pytest.mark.slow
def test_one_runs_in_a_kernel_and_shows_its_pictures(run, tmp_path):
    path, executed = FOLDER / f"{IN_A_KERNEL}.ipynb", tmp_path / "executed.ipynb"
    backend = "module://matplotlib_inline.backend_inline"
    run("-c", RUN_IN_A_KERNEL, path, executed, MPLBACKEND=backend)
    cells = [c for c in nbformat.read(executed, as_version=4).cells if c.cell_type == "code"]
    for cell in cells:
        shown = [out for out in cell.outputs if "image/png" in out.get("data", {})]
        assert len(shown) == cell.source.count("plt.show()")
