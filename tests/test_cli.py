"""The command line as a user meets it: in a process of its own."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny import data_for, scene

import zoo
from zoo import cli, weights
from zoo.data import augment

ROOT = Path(__file__).parent.parent
COMMANDS = ("list", "show", "run", "train", "evaluate", "export", "verify", "publish",
            "measure", "bench", "data", "web", "demo")  # fmt: skip


def zoo_command(*arguments, cwd=None):
    command = [sys.executable, "-m", "zoo", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


def test_help_names_every_command():
    lines = zoo_command("--help").stdout
    for command in COMMANDS:
        assert re.search(rf"^  {command} +\S", lines, re.M)
        assert zoo_command(command, "--help").returncode == 0


def test_train_lists_every_augmentation():
    (option,) = (p for p in cli.train.params if p.name == "augment")
    listed = option.help.partition(";")[0].split(", ")
    assert sorted(listed) == sorted({**augment.AUGMENTATIONS, **augment.MIXTURES})


def test_list_shows_every_name_without_loading_tensorflow():
    script = "import sys; from zoo.cli import main; main(['list'], standalone_mode=False); "
    script += "assert not {'tensorflow', 'keras', 'numpy', 'PIL'} & set(sys.modules)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == zoo.names()


def test_list_shows_superseded_trainings_on_demand():
    shown = zoo_command("list", "dncnn_s25*", "--superseded").stdout
    names = [line.split()[0] for line in shown.splitlines()[1:]]
    assert names == zoo.names("dncnn_s25*", superseded=True)
    assert "dncnn_s25.train400" in names


def test_list_json_is_an_array_of_entries():
    entries = json.loads(zoo_command("list", "dncnn*", "--json").stdout)
    found = [f"{entry['name']}.{entry['tag']}" for entry in entries]
    assert found == [zoo.entry(name).full_name for name in zoo.names("dncnn*")]
    assert entries[-1]["spec"]["task"] == "denoise"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "dncn_s25"], "did you mean dncnn_s25"),
        (["list", "--task", "detect"], "unknown task 'detect'"),
        (["run", "cnn_fashion", "missing.png"], "missing.png: no such file"),
        (["run", "dncnn_tiny", "missing.png"], "no pretrained weights"),
        (["verify", "nowhere"], "nowhere"),
        (["publish", "nowhere"], "nowhere"),
        (["evaluate", "dncnn_s25", "--data", "folder:nowhere"], "nowhere: no such folder"),
        (["train", "dncnn_tiny", "--data", "folder:nowhere", "--run", "r"], "no such folder"),
    ],
)
def test_a_mistake_ends_in_one_clear_line(arguments, message, tmp_path):
    result = zoo_command(*arguments, cwd=tmp_path)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1 and message in errors[0]


def test_show_prints_the_card():
    card = weights.pretrained_folder(zoo.entry("dncnn_s25")) / weights.CARD
    assert zoo_command("show", "dncnn_s25").stdout == card.read_text(encoding="utf-8")


def test_run_restores_a_colour_photograph_beside_it(tmp_path):
    grey = scene(np.random.default_rng(0))
    photograph = np.stack([grey, grey[::-1], grey[:, ::-1]], -1)
    Image.fromarray(photograph).save(tmp_path / "photo.jpg")
    result = zoo_command("run", "dncnn_s25", tmp_path / "photo.jpg")
    assert result.stdout.strip() == str(tmp_path / "photo_dncnn_s25.png")
    with Image.open(tmp_path / "photo_dncnn_s25.png") as restored:
        assert (restored.size, restored.mode) == ((48, 40), "RGB")


def test_run_names_the_garment(tmp_path):
    golden = np.load(weights.pretrained_folder(zoo.entry("cnn_fashion")) / weights.GOLDEN)
    Image.fromarray(golden["pixels"][0, ..., 0]).save(tmp_path / "garment.png")
    answer = json.loads(
        zoo_command("run", "cnn_fashion", tmp_path / "garment.png", "--json").stdout
    )
    best = zoo.entry("cnn_fashion").spec.labels[golden["result"][0].argmax()]
    assert answer[0]["labels"][0]["label"] == best


def test_run_refuses_one_file_for_two_pictures(tmp_path):
    for name in ("a.png", "b.png", "out.png"):
        Image.fromarray(scene(np.random.default_rng(0))).save(tmp_path / name)
    pictures = [tmp_path / "a.png", tmp_path / "b.png"]
    result = zoo_command("run", "dncnn_s25", *pictures, "--out", tmp_path / "out.png")
    assert result.returncode == 1 and "name a folder" in result.stderr


def test_train_evaluate_export_verify_in_a_row(tmp_path):
    data = data_for(zoo.entry("dncnn_tiny"), tmp_path / "data")
    run, made = tmp_path / "run", tmp_path / "made"
    steps = (
        ("train", "dncnn_tiny", "--data", data, "--run", run, "--steps", "40"),
        ("evaluate", "dncnn_tiny", "--data", data, "--weights", run, "--json"),
        ("export", "dncnn_tiny", "--weights", run, "--to", made, "--size", "24"),
        ("verify", made),
    )
    results = [zoo_command(*step) for step in steps]
    assert [r.returncode for r in results] == [0] * 4, [r.stderr for r in results]
    row = json.loads(results[1].stdout)
    assert set(row) == {"name", "tag", "data", "degrade", "count", "protocol", "metrics"}
    assert row["count"] == 12 and row["metrics"]["psnr"] > 20
    assert json.loads((made / "report.json").read_text())["passed"]


def test_verify_exits_with_1_where_a_file_was_changed(tmp_path):
    made = tmp_path / "made"
    assert zoo_command("export", "cnn_fashion", "--to", made).returncode == 0
    path = next(made.glob("*static.tflite"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert zoo_command("verify", made).returncode == 1


def test_the_readmes_quickstart_runs(tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", readme, re.S).group(1)
    for name in ("noisy.png", "garment.png", "small.png"):
        Image.fromarray(scene(np.random.default_rng(0))).save(tmp_path / name)
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    with Image.open(tmp_path / "restored.png") as restored:
        assert restored.size == (48, 40)
    assert "dncnn_s25" in result.stdout and "%" in result.stdout


def test_data_lists_each_set_and_who_needs_it():
    rows = json.loads(zoo_command("data", "list", "--json").stdout)
    by_set = {row["set"]: row for row in rows}
    assert "cnn_fashion" in by_set["fashion_mnist"]["names"].split()
    of_t91 = set(by_set["T91"]["names"].split())
    assert of_t91 >= {"dncnn_3", "srcnn_x2"} and not of_t91 & {"dncnn_s25", "cnn_fashion"}
    assert all(Path("restoration", s).as_posix() in by_set[s]["from"] for s in ("T91", "BSD68"))


def test_data_check_reads_what_is_named_and_fails_for_what_is_not_there(folder):
    good = zoo_command("data", "check", f"folder:{folder}")
    assert good.returncode == 0 and ": 4 pictures" in good.stdout
    bad = zoo_command("data", "check", f"folder:{folder}", f"folder:{folder}/none")
    assert bad.returncode == 1
    assert "no such folder" in bad.stdout and "not right" in bad.stderr
