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
from PIL import Image

import zoo
from zoo.errors import EXTRAS as MODULES

pytestmark = [pytest.mark.slow, needs_package("build", "twine")]
SAMPLES = "{site}/zoo/data/samples"
EXTRAS = {  # extra -> a command of `zoo` that it is for, and a file that this writes
    "train": (f"train srcnn_tiny --data folder:{SAMPLES}/photos/train/cat --steps 1 --batch 2",
              "runs/srcnn_tiny/tensorboard/*tfevents*"),
    "export": ("export srcnn_small_x3 --to files --format float32_static", "files/*.tflite"),
    "quantize": ("export srcnn_small_x3 --to files --format float16", "files/*_float16.tflite"),
    "onnx": (f"run srcnn_small_x3 {SAMPLES}/small.png --runtime onnx --out large.png", "large.png"),
    "openvino": (f"run srcnn_small_x3 {SAMPLES}/small.png --runtime openvino --out large.png",
                 "large.png"),
    "demo": ("demo srcnn_small_x3 --to demo", "demo/index.html"),
}  # fmt: skip


def blocks(page: str) -> list[str]:
    """The Python of a page of the repository."""
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)


STORIES = blocks("README.md")
_LEFT = shutil.ignore_patterns(
    ".git", ".venv*", ".*_cache", "__pycache__", "*.egg-info", "node_modules",
    "build", "dist", "runs", "demo", "site",
)  # fmt: skip


def run(*command, cwd, status=0, **environment) -> str:
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=clean | environment, capture_output=True, text=True
    )
    assert done.returncode == status, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stderr if status else done.stdout


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
    link(python, *extras)
    return python


def link(python: Path, *extras: str) -> list[Path]:
    """Links what the wheel, with these extras, asks for and has not; returns the links."""
    (site,) = python.parents[1].glob("lib/python*/site-packages")
    (own,) = (d for d in metadata.distributions(path=[str(site)]) if "zoo" in d.name)
    made = []
    for top in sorted(_tops(own, {"", *extras}, set())):
        if not (site / top.name).exists():
            (site / top.name).symlink_to(top)
            made.append(site / top.name)
    return made


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


@pytest.fixture(scope="module")
def bare(release, tmp_path_factory) -> Path:
    return install(release[".whl"], tmp_path_factory.mktemp("bare") / "environment")


@pytest.fixture
def add(bare):
    """Adds an extra to the environment that has none, for one test."""
    links = []

    def add(extra: str) -> None:
        try:
            links.extend(link(bare, extra))
        except metadata.PackageNotFoundError as missing:
            pytest.skip(f"the extra {extra} needs {missing.name}, which is not installed")

    yield add
    for path in links:
        path.unlink()


def test_every_extra_that_users_have_is_tried():
    asked = metadata.metadata("keras-image-zoo").get_all("Provides-Extra")
    assert {*EXTRAS, "batch"} == {*asked} - {"docs", "test"}


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_by_itself_is_what_the_error_without_it_asks_for(extra, bare, add, tmp_path):
    told, written = EXTRAS[extra]
    (site,) = bare.parents[1].glob("lib/python*/site-packages")
    command = (bare, "-m", "zoo", *(part.format(site=site) for part in told.split()))
    places = {"cwd": tmp_path, "ZOO_CACHE": str(tmp_path / "cache")}
    assert f"pip install 'keras-image-zoo[{extra}]'" in run(*command, status=1, **places)
    assert not list(tmp_path.glob(written))
    add(extra)
    run(*command, **places)
    assert list(tmp_path.glob(written))
    run(bare, "-c", f"import {', '.join(m for m, (_, e) in MODULES.items() if e == extra)}",
        cwd=tmp_path)  # fmt: skip


def test_pictures_in_batches_with_their_extra_alone(bare, add, tmp_path):
    add("batch")
    (pictures := tmp_path / "pictures").mkdir()
    for number in range(3):
        Image.new("L", (28, 28), 80 * number).save(pictures / f"{number}.png")
    (block,) = blocks("docs/several-machines.md")
    places = {"cwd": tmp_path, "ZOO_CACHE": str(tmp_path / "cache"), "RAY_USAGE_STATS_ENABLED": "0"}
    run(bare, "-c", block, **places)
    rows = "from pyarrow import parquet; print(parquet.read_table('labels').num_rows)"
    assert run(bare, "-c", rows, cwd=tmp_path) == "3\n"
