"""The cell that installs the package in Colab, run for real on small packages on localhost."""

import http.server
import os
import subprocess
import sys
import threading
import venv
import zipfile
from functools import partial
from pathlib import Path

import pip
import pytest
from conftest import REPOSITORY

CELL = (REPOSITORY / "notebooks" / "install.py").read_text(encoding="utf-8")
WHEEL = "keras_image_zoo-1.0-py3-none-any.whl"
COLAB = """
import sys, types
sys.modules["google.colab"] = types.ModuleType("colab")
import numpy
"""
AFTER = """
from importlib.metadata import version
print(version("numpy"), version("keras-image-zoo"))
"""


def package(folder: Path, name: str, version: str, *needs: str) -> Path:
    """A wheel of a package with nothing in it but its name and version."""
    path = folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    about = f"{path.name.split('-py3')[0]}.dist-info"
    extras = "".join(f"Provides-Extra: {x}\n" for x in ("train", "export", "quantize", "demo"))
    asks = "".join(f"Requires-Dist: {need}\n" for need in needs)
    module = name.replace("-", "_")
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{module}/__init__.py", f"__version__ = {version!r}\n")
        wheel.writestr(
            f"{about}/METADATA",
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{extras}{asks}",
        )
        tag = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr(f"{about}/WHEEL", tag)
        files = (f"{module}/__init__.py", f"{about}/METADATA", f"{about}/WHEEL", f"{about}/RECORD")
        wheel.writestr(f"{about}/RECORD", "".join(f"{file},,\n" for file in files))
    return path


@pytest.fixture
def served(tmp_path):
    """A folder of wheels, and its address on localhost."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def colab(tmp_path, served):
    """Runs a cell where an old NumPy is installed, and was imported before."""
    folder, _ = served
    package(folder, "numpy", "1.0")
    venv.create(tmp_path / "colab", symlinks=True)
    (site,) = (tmp_path / "colab").glob("lib/python*/site-packages")
    (site / "pip").symlink_to(Path(pip.__file__).parent)
    python, work = tmp_path / "colab" / "bin" / "python", tmp_path / "content"
    work.mkdir()
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PIP_CONFIG_FILE")}
    offline = clean | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}

    def run(code: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [python, "-c", code], cwd=work, env=offline, capture_output=True, text=True
        )

    run("import subprocess, sys; subprocess.run([sys.executable, '-m', 'pip', 'install', 'numpy'])")
    package(folder, "numpy", "2.0")
    return run


def cell(source: str = "") -> str:
    return COLAB + CELL.replace('SOURCE = ""', f'SOURCE = "{source}"') + AFTER


@pytest.mark.slow
def test_what_is_loaded_is_kept_where_older_packages_do(served, colab):
    folder, address = served
    package(folder, "keras-image-zoo", "1.0", "numpy", "peer")
    package(folder, "peer", "1.0", "numpy")
    package(folder, "peer", "2.0", "numpy>=2")
    done = colab(cell(f"{address}/{WHEEL}"))
    assert done.stdout.splitlines() == ["1.0 1.0"], done.stderr


@pytest.mark.slow
def test_a_restart_is_asked_for_where_something_loaded_had_to_change(served, colab):
    folder, address = served
    package(folder, "keras-image-zoo", "1.0", "numpy>=2")
    told, versions = colab(cell(f"{address}/{WHEEL}")).stdout.splitlines()
    assert "Restart session" in told and told.endswith("numpy")
    assert versions == "2.0 1.0"


@pytest.mark.slow
def test_without_an_address_the_uploaded_wheel_is_taken(served, colab, tmp_path):
    missing = colab(cell())
    assert "upload keras_image_zoo-*.whl" in missing.stderr
    package(tmp_path / "content", "keras-image-zoo", "1.0", "numpy")
    assert colab(cell()).stdout.splitlines() == ["1.0 1.0"]


def test_anywhere_else_nothing_is_installed():
    done = subprocess.run([sys.executable, "-c", CELL], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
