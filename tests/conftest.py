"""What the tests share: real pictures, small nets, second processes."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before anything imports TensorFlow
# As on such a processor: TensorFlow asks the real one whether oneDNN computes in bfloat16.
if os.environ.get("ONEDNN_MAX_CPU_ISA") in ("SSE41", "AVX", "AVX2", "AVX2_VNNI"):
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny import with_random_weights

from zoo.data import sources
from zoo.export import isolated, litert_js

REPOSITORY = Path(__file__).parents[1]


needs = pytest.mark.data
"""Marks a test that needs a large set, which it names."""


def pytest_runtest_setup(item):
    """Skips a test whose large set is not on this machine."""
    for name in (mark.args[0] for mark in item.iter_markers("data")):
        if not sources.in_zoo_data(name):
            pytest.skip(f"{name} is not in $ZOO_DATA")


def needs_package(*names: str):
    """Skips a test where one of these packages, each of an extra, is not installed."""
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def in_second_process(code: str, *arguments, **environment) -> str:
    """Runs Python code in a fresh process; returns what it printed, fails with what it said."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session", autouse=True)
def one_fresh_process():
    """All SavedModels are checked in one process beside the tests': its start takes seconds."""
    with isolated.shared_processes():
        yield


@pytest.fixture(scope="session", autouse=True)
def empty_cache(tmp_path_factory):
    """No file that somebody made to run a name is taken in a test; what browsers need is."""
    fetched = litert_js.folder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_CACHE", str(tmp_path_factory.mktemp("cache")))
        if fetched.is_dir():
            litert_js.folder().symlink_to(fetched)
        yield


@pytest.fixture(scope="session")
def denoiser():
    """dncnn_tiny with weights that are all at work."""
    return with_random_weights("dncnn_tiny")


@pytest.fixture(scope="session")
def classifier():
    """cnn_tiny with weights that are all at work."""
    return with_random_weights("cnn_tiny")


@pytest.fixture(scope="session")
def camera() -> np.ndarray:
    """A grey photograph, uint8 `[512, 512]`."""
    from skimage import data

    return data.camera()


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """A colour photograph, uint8 `[512, 512, 3]`."""
    from skimage import data

    return data.astronaut()


@pytest.fixture(scope="module")
def address(site):
    """Where the site of a module's tests is served."""
    import pages

    with pages.served(site) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    import pages

    with pages.chromium() as running:
        yield running


@pytest.fixture
def page(browser, address):
    import pages

    with pages.opened(browser, address) as page:
        yield page


@pytest.fixture
def folder(tmp_path, camera):
    """Four grey PNG files of different sizes, cut from a photograph."""
    path = tmp_path / "pictures"
    path.mkdir()
    for number, (height, width) in enumerate([(40, 52), (64, 33), (31, 31), (48, 48)]):
        part = camera[50 * number :, 100 * number :][:height, :width]
        Image.fromarray(part).save(path / f"{number}.png")
    return path
