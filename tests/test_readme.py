"""What the README and the guide to a new model tell a reader to do, done to the letter."""

import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest
from conftest import REPOSITORY
from tiny import data_for

import zoo

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
ADDING = REPOSITORY / "docs" / "add-a-model.md"
SHORT = ("--steps", "6", "--batch", "8", "--holdout", "3", "--every", "3")


def fenced(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the repository without weights, to which a file can be added."""
    folder = tmp_path_factory.mktemp("checkout")
    without = shutil.ignore_patterns("__pycache__", "node_modules", "pretrained")
    for package, place in (("zoo", "zoo"), ("export", "zoo/export"), ("tests", "tests")):
        shutil.copytree(REPOSITORY / package, folder / place, ignore=without)
    for file in ("setup.cfg", "README.md"):
        shutil.copy(REPOSITORY / file, folder)
    return folder


@pytest.mark.slow
def test_adding_a_model_takes_one_file_and_these_commands(checkout, tmp_path):
    text = ADDING.read_text(encoding="utf-8")
    (path,) = re.findall(r"`(zoo/models/\w+\.py)`", text)
    assert not (REPOSITORY / path).exists()
    (code,), (commands, _) = fenced(text, "python"), fenced(text, "sh")
    (checkout / path).write_text(code, encoding="utf-8")
    data = data_for(zoo.entry("cnn_mnist"), tmp_path)  # small pictures in the place of MNIST
    outputs = {}
    for line in commands.splitlines():
        program, *arguments = shlex.split(line, comments=True)
        if arguments[0] == "train":
            arguments += ["--data", data, *SHORT]
        command = [sys.executable, *(["-m", "zoo"] if program == "zoo" else ()), *arguments]
        environment = os.environ | {"PYTHONPATH": str(checkout)}
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=checkout, env=environment
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        outputs[arguments[0]] = done.stdout
    assert outputs["list"].splitlines()[1].startswith("lenet_mnist  classify  61,706")
    assert (checkout / "runs" / "lenet_mnist" / "weights.h5").is_file()
    assert list((checkout / "lenet_files").glob("*.tflite"))
    assert re.search(r"^\.{8,} +\[100%\]", outputs["-m"], re.M)


def in_both(pattern: str) -> tuple[list[str], list[str]]:
    """What a pattern finds in the README and in its Chinese twin."""
    chinese = (REPOSITORY / "README.zh.md").read_text(encoding="utf-8")
    return tuple(re.findall(pattern, text, re.M | re.S) for text in (README, chinese))


@pytest.mark.parametrize(
    "pattern",
    [
        r"^#+(?= )",
        r"^```.*?^```$",
        r"^<!-- (\w+: begin.*?): end -->$",
        r"^(?:\||- |!)(?=.)",
        r"\]\((?!README)[^)]*\)",
    ],
    ids=["headings", "code", "tables", "rows", "links"],
)
def test_the_chinese_readme_has_the_same_parts(pattern):
    english, chinese = in_both(pattern)
    assert english == chinese != []


def test_the_chinese_readme_speaks_of_the_same_things():
    english, chinese = in_both(r"`[^`\n]+`")
    assert set(english) == set(chinese)


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_a_readme_is_read_in_a_minute(name):
    assert len((REPOSITORY / name).read_text(encoding="utf-8").splitlines()) < 150


def test_every_story_of_the_readme_stands_alone_and_has_ten_lines_or_so():
    stories = fenced(README, "python")
    assert len(stories) == 3
    for story in stories:
        assert 8 <= len(story.splitlines()) <= 20
        assert "zoo.sample(" in story
        compile(story, "README.md", "exec")


def test_both_readmes_are_linked_to_each_other():
    english, chinese = in_both(r"\A# .*?\n\n.*?\]\((README\S*\.md)\)")
    assert (english, chinese) == (["README.zh.md"], ["README.md"])


def test_what_the_readmes_show_and_link_to_is_there():
    missing = [p for p in in_both(r"\]\(([^)#]+)")[0] if not (REPOSITORY / p).exists()]
    assert missing == []
