"""The documentation: it is built without a network, its links lead somewhere, its code runs."""

import re
import shutil
import subprocess
import sys

import click
import numpy as np
import pytest
from conftest import REPOSITORY, in_second_process, needs_package
from PIL import Image

import zoo
from zoo.cli import main

DOCS = REPOSITORY / "docs"
NOT_ALONE = {"own-model.md", "add-a-model.md", "several-machines.md"}
"""They need a model of the reader's, or pictures."""
PAGES = [
    path
    for path in sorted(DOCS.glob("*.md"))
    if "```python" in path.read_text(encoding="utf-8") and path.name not in NOT_ALONE
]


@pytest.fixture
def site(tmp_path):
    """What `make docs` writes, where there is no network. Of one test: all builds share `build`."""
    folder = tmp_path / "site"
    shutil.rmtree(REPOSITORY / "build" / "api", ignore_errors=True)  # as in a fresh clone
    command = [sys.executable, "-m", "mkdocs", "build", "-q", "--strict", "--site-dir", folder]
    done = subprocess.run(
        [*map(str, command)], cwd=REPOSITORY, capture_output=True, text=True,
        env={"https_proxy": "http://127.0.0.1:9", "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
@needs_package("mkdocs", "mkdocstrings")
def test_the_site_has_all_cards_and_public_functions_and_fetches_nothing(site):
    for name in zoo.names():
        entry = zoo.entry(name)
        if (REPOSITORY / "zoo" / "pretrained" / entry.name / entry.tag).is_dir():
            page = (site / "cards" / f"{entry.full_name}.html").read_text(encoding="utf-8")
            assert f'src="{entry.full_name}.webp"' in page
            assert (site / "cards" / f"{entry.full_name}.webp").stat().st_size > 1000
    reference = (site / "api" / "zoo.html").read_text(encoding="utf-8")
    functions = {name for name in zoo.__all__ if name.islower()}
    assert functions - set(re.findall(r'id="zoo\.(?:export\.write\.)?(\w+)"', reference)) == set()
    pages = list(site.rglob("*.html"))
    fetched = re.compile(
        r'<(?:script|img)[^>]* src="(?:https?:)?//|<link[^>]* href="(?:https?:)?//'
    )
    assert len(pages) > 30
    assert [p.name for p in pages if fetched.search(p.read_text(encoding="utf-8"))] == []


@pytest.mark.slow
@needs_package("ai_edge_litert", "ai_edge_quantizer")
@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_the_code_of_a_page_runs(page, tmp_path):
    run_code_of(page, tmp_path)


def run_code_of(page, folder, **environment):
    blocks = re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)
    start = "import os\nos.chdir(__import__('sys').argv[1])\n"
    in_second_process(start + "\n".join(blocks), folder, **environment)


def _typed() -> list[tuple[str, str]]:
    """Pages, and the commands of `zoo` that stand in them."""
    pages = [*DOCS.rglob("*.md"), *REPOSITORY.glob("*.md"), *REPOSITORY.glob("export/*/README.md")]
    typed = re.compile(r"^zoo ((?:.*\\\n)*.*)$|`zoo ([^`]+)`", re.M)
    return [
        (page.name, (found[1] or found[2]).partition(" #")[0])
        for page in pages
        for found in typed.finditer(page.read_text(encoding="utf-8"))
    ]


def test_commands_of_the_pages_have_the_options_that_they_are_given():
    unknown, known = [], 0
    for page, line in _typed():
        command, words = main, line.split()
        while isinstance(command, click.Group) and words and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        known += not isinstance(command, click.Group)
        options = {name for param in command.params for name in param.opts} | {"--help"}
        given = {word.partition("=")[0] for word in words if word.startswith("--")}
        unknown += [f"{page}: zoo {line}"] if given - options else []
    assert unknown == []
    assert known > 30


@pytest.mark.slow
@needs_package("ray", "ai_edge_litert")
def test_pictures_in_batches_get_the_answers_that_each_gets_alone(tmp_path):
    from pyarrow import parquet

    folder, rng = tmp_path / "pictures", np.random.default_rng(0)
    folder.mkdir()
    garment = np.asarray(Image.open(zoo.sample("garment")).convert("L"))
    for number in range(300):
        noisy = garment + rng.normal(0, 60, garment.shape)
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / f"{number:03}.png")
    run_code_of(DOCS / "several-machines.md", tmp_path, RAY_USAGE_STATS_ENABLED="0")
    found = parquet.read_table(tmp_path / "labels").to_pylist()
    pipeline = zoo.load("cnn_fashion", runtime="litert")
    alone = [pipeline(folder / f"{number:03}.png")[0] for number in range(300)]
    by_path = {row["path"].rpartition("/")[2]: (row["label"], row["score"]) for row in found}
    assert [by_path[f"{number:03}.png"] for number in range(300)] == [tuple(a) for a in alone]
    assert len({label for label, _ in by_path.values()}) > 1
