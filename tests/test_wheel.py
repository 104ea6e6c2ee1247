"""The release: complete, and what the README says runs from its wheel, outside of the checkout."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from conftest import REPOSITORY, needs_package
from packaging.requirements import Requirement

import zoo

pytestmark = [pytest.mark.slow, needs_package("build", "twine")]
STORIES = re.findall(r"^```python\n(.*?)^```$", (REPOSITORY / "README.md").read_text("utf-8"),
                     re.M | re.S)  # fmt: skip
_LEFT = shutil.ignore_patterns(
    ".git", ".venv*", ".*_cache", "__pycache__", "*.egg-info", "node_modules",
    "build", "dist", "runs", "demo", "site",
)  # fmt: skip


def run(*command, cwd, **environment) -> str:
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=clean | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> dict[str, Path]:
    """Suffix -> what `python -m build` makes of a copy of the repository."""
    copy = tmp_path_factory.mktemp("source") / "repository"
    shutil.copytree(REPOSITORY, copy, ignore=_LEFT)
    to = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", to, cwd=copy)
    return {path.suffix: path for path in to.iterdir()}


def install(wheel: Path, folder: Path, *extras: str) -> Path:
    """A Python of an environment that has the wheel and what it, with these extras, asks for.

    Others are linked from the environment of the tests, so that nothing is downloaded.
    """
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "install", "-q", "--no-deps", "--no-index", wheel, cwd=folder)
    (site,) = folder.glob("lib/python*/site-packages")
    (own,) = (d for d in metadata.distributions(path=[str(site)]) if "zoo" in d.name)
    for top in sorted(_tops(own, {"", *extras}, set())):
        if not (site / top.name).exists():
            (site / top.name).symlink_to(top)
    return python


def _tops(distribution, extras: set[str], known: set[str]) -> set[Path]:
    """What lies at the top of site-packages of all that a distribution asks for."""
    found = set()
    for line in distribution.requires or ():
        needed = Requirement(line)
        asked = [needed.marker is None or needed.marker.evaluate({"extra": e}) for e in extras]
        if any(asked) and needed.name not in known:
            known.add(needed.name)
            other = metadata.distribution(needed.name)
            parts = {file.parts[0] for file in other.files or ()} - {"..", "__pycache__"}
            found |= {Path(str(other.locate_file(part))) for part in parts}
            found |= _tops(other, {"", *needed.extras}, known)
    return found


def test_both_are_as_an_index_wants_them(release):
    names = sorted(path.name for path in release.values())
    version = zoo.__version__
    assert names == [f"keras_image_zoo-{version}-py3-none-any.whl",
                     f"keras_image_zoo-{version}.tar.gz"]  # fmt: skip
    checked = run(sys.executable, "-m", "twine", "check", "--strict", *release.values(), cwd="/")
    assert checked.count("PASSED") == 2


def test_the_wheel_has_types_samples_and_weights_but_no_previews(release):
    names = set(zipfile.ZipFile(release[".whl"]).namelist())
    assert {"zoo/py.typed", "zoo/data/samples/noisy.png", "zoo/export/web/index.html"} <= names
    weights = {Path(name).parent for name in names if name.endswith("weights.h5")}
    assert len(weights) == len(list(REPOSITORY.glob("zoo/pretrained/*/*/weights.h5")))
    assert not [name for name in names if name.endswith("preview.webp")]
    assert {name.partition("/")[0] for name in names if "dist-info" not in name} == {"zoo"}
    assert release[".whl"].stat().st_size < 100e6  # what PyPI takes


def test_the_source_has_all_and_its_tests_run(release, tmp_path):
    with tarfile.open(release[".gz"]) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    if (REPOSITORY / ".git").exists():
        tracked = run("git", "ls-files", cwd=REPOSITORY).splitlines()
        assert [name for name in tracked if not (source / name).exists()] == []
    (source / "zoo" / "export").symlink_to(source / "export")  # as an installation has it
    tests = ("tests/test_readme.py", "tests/data/test_sample.py", "tests/test_notebooks.py")
    passed = run(sys.executable, "-m", "pytest", *tests, cwd=source, PYTHONPATH=str(source))
    assert "passed" in passed


def test_the_first_story_runs_from_the_wheel_alone(release, tmp_path):
    python, work = install(release[".whl"], tmp_path / "environment"), tmp_path / "work"
    work.mkdir()
    told = run(python, "-c", STORIES[0], cwd=work)
    assert "dncnn_color" in told and "espresso" in told
    assert {path.name for path in work.iterdir()} == {"restored.png", "large.png"}
    assert run(python.parent / "zoo", "list", "dncnn_s25", cwd=work).count("dncnn_s25") == 1


def test_the_other_stories_run_with_the_extras_that_the_readme_names(release, tmp_path):
    (extras,) = re.findall(r"pip install '\.\[([\w,]+)\]'", (REPOSITORY / "README.md").read_text())
    python = install(release[".whl"], tmp_path / "environment", *extras.split(","))
    work = tmp_path / "work"
    work.mkdir()
    phone = run(python, "-c", STORIES[1], cwd=work)
    assert "label='cat'" in phone and phone.endswith("True\n")
    assert list((work / "app").glob("*int8.tflite"))
    own = run(python, "-c", STORIES[2], cwd=work)
    assert len(re.findall(r" yes$", own, re.M)) == 2
    assert len(list((work / "files").glob("*.tflite"))) == 2
