"""Names, entries, and that a family is one file."""

import ast
import dataclasses
import graphlib
import inspect
import json
import os
import pydoc
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest
from conftest import REPOSITORY, in_second_process

import zoo
from zoo import index


def test_names_are_sorted_and_each_has_an_entry():
    names = zoo.names()
    assert names == sorted(set(names))
    assert "dncnn_s25" in names and not [name for name in names if name.endswith("_tiny")]
    assert [index.short_name(zoo.entry(name)) for name in names] == names


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("d*_tiny", ["dcgan_tiny", "dncnn_tiny"]),
        ("dncnn_t?ny", []),
        ("dncnn_s[15]?", ["dncnn_s15", "dncnn_s50"]),
        ("dncnn", []),
        ("DNCNN_TINY", []),
    ],
)
def test_names_takes_a_shell_pattern(pattern, expected):
    assert zoo.names(pattern) == expected


def test_names_of_a_task():
    of_task = {task: zoo.names(task=task) for task in index.tasks()}
    assert "dncnn_s25" in of_task["denoise"]
    assert "dncnn_s25" not in of_task["classify"]
    assert sorted(name for some in of_task.values() for name in some) == zoo.names()
    assert zoo.names("dncnn_tiny", task="classify") == []


def test_cycles_are_told_apart_and_a_start_names_what_there_is():
    for name in zoo.names(fixtures=True):
        first, *others = zoo.entry(name).recipe.chain()
        assert not any(one.start or one.cycles for one in others) and not first.cycles
        if first.start:
            donor, _, cycle = first.start.partition("@")
            assert 1 <= int(cycle or 1) <= len(zoo.entry(donor).recipe.chain())
    assert len(zoo.entry("dncnn_s25").recipe.chain()) == 6


def test_an_unknown_task_raises_and_lists_the_tasks():
    with pytest.raises(zoo.ZooError, match=r"unknown task 'detect'.*classify, denoise"):
        zoo.names(task="detect")


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("dncn_s25", "dncnn_s25"),
        ("dncnn-tiny", "dncnn_tiny"),
        ("dncnn_s25.bsd40", "dncnn_s25.bsd400"),
    ],
)
def test_an_unknown_name_gets_a_suggestion(wrong, meant):
    with pytest.raises(zoo.ZooError, match=f"unknown name '{wrong}'") as caught:
        zoo.entry(wrong)
    assert meant in str(caught.value)


@pytest.mark.parametrize("wrong", ["", "yyyyyyyyyyyyyyyy", None, 3])
def test_a_name_like_no_other_is_told_where_all_names_are(wrong):
    with pytest.raises(zoo.ZooError, match="zoo list"):
        zoo.entry(wrong)


def test_load_raises_for_an_unknown_name():
    with pytest.raises(zoo.ZooError, match="did you mean dncnn_s25"):
        zoo.load("dncn_s25")


def test_a_name_with_its_tag_is_the_same_entry():
    assert zoo.entry("dncnn_tiny.test") is zoo.entry("dncnn_tiny")
    assert zoo.entry("dncnn_tiny").full_name == "dncnn_tiny.test"


def test_the_first_tag_registered_is_the_default(monkeypatch):
    first = zoo.entry("dncnn_tiny")
    monkeypatch.setattr(index, "_entries", dict(index._entries))
    second = zoo.register(dataclasses.replace(first, tag="again"))
    assert zoo.entry("dncnn_tiny") is first
    assert zoo.entry("dncnn_tiny.again") is second
    assert zoo.names("dncnn_tiny") == ["dncnn_tiny"]


def test_a_name_registered_twice_raises():
    with pytest.raises(zoo.ZooError, match=r"'dncnn_tiny.test' is registered twice"):
        zoo.register(zoo.entry("dncnn_tiny"))


def test_a_name_without_its_family_raises():
    stray = dataclasses.replace(zoo.entry("dncnn_tiny"), name="tiny")
    with pytest.raises(zoo.ZooError, match="must begin with its family, 'dncnn'"):
        zoo.register(stray)


def test_an_entry_of_no_known_task_raises():
    entry = zoo.entry("dncnn_tiny")
    spec = dataclasses.replace(entry.spec, task="detect")
    with pytest.raises(zoo.ZooError, match="'detect' is none of"):
        zoo.register(dataclasses.replace(entry, name="dncnn_new", spec=spec))
    assert "dncnn_new" not in zoo.names()


@pytest.mark.parametrize("name", zoo.names(fixtures=True))
def test_an_entry_is_frozen_plain_data(name):
    entry = zoo.entry(name)
    with pytest.raises(dataclasses.FrozenInstanceError):
        entry.name = "other"
    data = json.loads(json.dumps(entry.as_dict()))
    assert name in (data["name"], f"{data['name']}.{data['tag']}")
    assert data["recipe"]["steps"] == entry.recipe.steps
    assert data["spec"]["task"] == entry.spec.task
    assert "build" not in data


def test_importing_the_zoo_and_listing_its_names_loads_no_tensorflow():
    code = """
import sys, zoo
zoo.names(); zoo.entry("dncnn_s25").as_dict()
print([m for m in ("tensorflow", "keras", "h5py", "tensorflow_datasets") if m in sys.modules])
"""
    assert in_second_process(code).strip() == "[]"


FAMILY = '''
"""A family in one file, that knows the index only."""
from zoo.index import Entry, Spec, register
from zoo.tasks.restore import Recipe


def net():
    raise NotImplementedError


register(
    Entry(
        name="dropped_in", tag="one", family="dropped", summary="", paper="", build=net,
        spec=Spec(task="denoise", shape=(None, None, 1), degrade=("noise:5",)),
        recipe=Recipe(data="Set12", steps=1, batch=1, learning_rate=1e-3, patch=8),
        parameters=1, data_licence="not stated",
    )
)
'''


def test_a_family_is_added_by_one_file(tmp_path):
    skip = shutil.ignore_patterns("__pycache__", "pretrained")
    shutil.copytree(REPOSITORY / "zoo", tmp_path / "zoo", ignore=skip)
    code = "import zoo; print(zoo.__file__, *zoo.names(task='denoise'))"
    before = in_second_process(code, PYTHONPATH=str(tmp_path)).split()
    (tmp_path / "zoo" / "models" / "dropped.py").write_text(FAMILY)
    after = in_second_process(code, PYTHONPATH=str(tmp_path)).split()
    assert before[0] == str(tmp_path / "zoo" / "__init__.py")
    assert set(after) - set(before) == {"dropped_in"}


def test_a_name_is_known_with_and_without_its_tag():
    assert index.is_name("dncnn_tiny") and index.is_name("dncnn_tiny.test")
    assert not index.is_name("dncnn_tiny.other") and not index.is_name("runs/dncnn_tiny")


def test_a_users_own_modules_are_not_taken_for_the_zoos(tmp_path):
    for name in ("export", "files", "index", "weights", "data", "tests"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('this is the user's own')")
    (tmp_path / "mine.py").write_text(
        "import zoo.cli\nfrom zoo.export import artifacts, demo, measure, serving, webserver\n"
        "print(serving.choice(zoo.entry('cnn_fashion'), 'pretrained', 'litert'))\n"
    )
    code = "import runpy, sys; sys.path.insert(0, sys.argv[1]); runpy.run_path(sys.argv[2])"
    assert in_second_process(code, tmp_path, tmp_path / "mine.py").strip() == "litert"


def test_help_tells_of_the_package_that_is_a_function():
    told = inspect.getdoc(zoo.export)
    assert list(inspect.signature(zoo.export).parameters)[:2] == ["pipeline", "folder"]
    assert told.startswith("export(pipeline:") and "Raises:" in told
    assert "static_size" in pydoc.render_doc(zoo.export, renderer=pydoc.plaintext)
    for function in (zoo.load, zoo.train, zoo.evaluate, zoo.verify, zoo.names, zoo.entry):
        signature = inspect.signature(function)
        kinds = [
            signature.return_annotation,
            *(p.annotation for p in signature.parameters.values()),
        ]
        assert inspect.Signature.empty not in kinds and inspect.getdoc(function)


SCRIPT = """
from pathlib import Path

import zoo

pipeline = zoo.load("cnn_mnist", classes=["a", "b"])
print(pipeline("digit.png"), pipeline.spec.labels, zoo.load("dcgan_mnist").sample(4, seed=1))
folder: Path = zoo.export(pipeline, "files", static_size=64, formats=["int8"])
report = zoo.verify(folder, pipeline=pipeline)
figures = zoo.evaluate(Path("runs/mine"), "mnist", progress=True)
run: Path = zoo.train("cnn_mnist", run="runs/mine", steps=100)
print(report["passed"], figures["metrics"], zoo.names(task="denoise"), zoo.entry("cnn_mnist").tag)
"""
WRONG = {
    'zoo.load("cnn_mnist", weight="w.h5")': '"weight" for "load"',
    'zoo.load("cnn_mnist").spec.lables': '"lables"',
    'zoo.export("cnn_mnist", into="files")': '"into" for "export"',
    'zoo.verify("files", net=None)': '"net" for "verify"',
    'zoo.evaluate("cnn_mnist", dataset="mnist")': '"dataset" for "evaluate"',
    'zoo.train("cnn_mnist", start=3)': '"start" to "train"',
}


def test_a_type_checker_passes_a_users_script_and_finds_what_is_wrong(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "site" / "zoo").mkdir(parents=True)  # zoo/export beside zoo, as it is installed
    (tmp_path / "site" / "zoo" / "export").symlink_to(REPOSITORY / "export")
    (tmp_path / "good.py").write_text(SCRIPT)
    (tmp_path / "wrong.py").write_text("\n".join(["import zoo", *WRONG]))
    places = os.pathsep.join([str(REPOSITORY), str(tmp_path / "site")])
    command = [sys.executable, "-m", "mypy", "--follow-imports", "silent", "good.py", "wrong.py"]
    ran = subprocess.run(
        [*command, "--ignore-missing-imports"],
        cwd=tmp_path, env=os.environ | {"MYPYPATH": places}, capture_output=True, text=True,
    )  # fmt: skip
    found = [line for line in ran.stdout.splitlines() if ": error:" in line]
    assert len(found) == len(WRONG), ran.stdout + ran.stderr
    for number, (line, said) in enumerate(zip(found, WRONG.values(), strict=True), 2):
        assert line.startswith(f"wrong.py:{number}:") and said in line


def imports(module: str, path: Path, known: Collection[str]) -> set[str]:
    """The modules of the package that a file imports, at its top or later."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            inside = {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            found |= {full if full in known else node.module for full in inside.values()}
    return (found & set(known)) - {module}


def test_no_circle_of_files():
    files = {}
    for folder, package in (("zoo", "zoo"), ("export", "zoo.export")):
        for path in (REPOSITORY / folder).rglob("*.py"):
            parts = path.relative_to(REPOSITORY / folder).with_suffix("").parts
            files[".".join([package, *(p for p in parts if p != "__init__")])] = path
    graph = {module: imports(module, path, files) for module, path in files.items()}
    assert graph["zoo"] and graph["zoo.export.verify"]
    list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError, which names it
