"""The command line: what it says, what it does, and what it refuses before it begins.

What needs TensorFlow runs in this process, which has it; second processes are for what only a
process can show.
"""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY, in_second_process
from PIL import Image
from tiny import data_for, scene

import zoo
from zoo import cli
from zoo.commands.run import FASTER
from zoo.data import augment
from zoo.errors import ZooWarning
from zoo.storage import files, weights

COMMANDS = ("list", "show", "run", "train", "evaluate", "export", "verify", "data", "dev", "web",
            "demo")  # fmt: skip
KERAS = r"Keras \d+\.\d+\.\d+"
BAR = re.compile(r"training: +\d+%\|.*\| \d+/\d+ \[.*\]")


def zoo_command(*arguments, cwd=None, **environment):
    command = [sys.executable, "-m", "zoo", *map(str, arguments)]
    own = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environment}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=own)


@pytest.fixture
def command(capsys):
    """Runs a command in this process -> exit status, what it printed, what it said."""

    def run(*arguments) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main([*map(str, arguments)], prog_name="zoo")
        return end.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def garment(tmp_path) -> tuple[Path, str]:
    """The picture of a garment, and which it is."""
    with np.load(weights.pretrained_folder(zoo.entry("cnn_fashion")) / weights.GOLDEN) as golden:
        Image.fromarray(golden["pixels"][0, ..., 0]).save(tmp_path / "garment.png")
        best = golden["result"][0].argmax()
    return tmp_path / "garment.png", zoo.entry("cnn_fashion").spec.labels[best]


def test_help_names_every_command(command):
    _, lines, _ = command("--help")
    for name in COMMANDS:
        assert re.search(rf"^  {name} +\S", lines, re.M)
        assert command(name, "--help")[0] == 0


def test_train_lists_every_augmentation():
    (option,) = (p for p in cli.train.params if p.name == "augment")
    listed = option.help.partition(";")[0].split(", ")
    assert sorted(listed) == sorted({**augment.AUGMENTATIONS, **augment.MIXTURES})


def test_list_shows_every_name_without_loading_tensorflow():
    script = "import sys; from zoo.cli import main; main(['list'], standalone_mode=False); "
    script += "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    lines = in_second_process(script).splitlines()
    assert [line.split()[0] for line in lines[1:]] == zoo.names()


def test_list_json_is_an_array_of_entries(command):
    entries = json.loads(command("list", "dncnn*", "--json")[1])
    found = [f"{entry['name']}.{entry['tag']}" for entry in entries]
    assert found == [zoo.entry(name).full_name for name in zoo.names("dncnn*")]
    assert entries[-1]["spec"]["task"] == "denoise"


REFUSED = [
    ("show dncn_s25", "did you mean dncnn_s25"),
    ("list --task detect", "unknown task 'detect'"),
    *(
        (f"{one} cnn_fashon {rest}", "did you mean cnn_fashion")
        for one, rest in {"run": "g.png", "train": "", "evaluate": "", "export": "--to made",
                          "dev measure": "", "dev bench": "", "web": ""}.items()
    ),
    ("run cnn_fashion missing.png", "missing.png: no such file"),
    ("run cnn_fashion empty", "empty: no pictures in it"),
    ("run cnn_fashion g.png file", "file: not a picture that Pillow can read (10 bytes)"),
    ("run cnn_fashion", "expected PICTURES, files or folders"),
    ("run cnn_fashion *.gif", "*.gif: no file matches"),
    ("run cnn_fashion g.png --scale 2", "takes no scale"),
    ("run cnn_fashion --count 3", "makes no new pictures"),
    ("run dcgan_fashion", "expected --count COUNT"),
    
    ("run dcgan_fashion --count 3 --label Hat", "cannot make 'Hat'"),
    ("run dcgan_fashion --count 3 --out g.xyz", "expected the ending of a picture format"),
    ("run srcnn_x2 g.png --scale 9", "got 9"),
    ("run dncnn_s25 g.png --out g.xyz", "expected the ending of a picture format"),
    ("run dncnn_s25 g.png --out g.psd", "expected the ending of a picture format"),
    ("run dncnn_s25 g.png --out file/g.png", "file is no folder"),
    ("run dncnn_s25 g.png folder/g.png --out file", "expected a folder for 2 pictures"),
    ("run dncnn_tiny g.png", "no pretrained weights"),
    ("export cnn_fashion --size 64 --to made", "cnn_fashion takes 28x28 in every file"),
    ("run cnn_fashion g.png --weights none.h5", "none.h5: no such file"),
    ("run cnn_fashion g.png --weights none.h5 --runtime keras", "none.h5: no such file"),
    ("run cnn_fashion g.png --weights changed", "was changed or cut short"),
    ("run cnn_fashion g.png --runtime tflite", "unknown runtime 'tflite'"),
    ("run cnn_fashion g.png --runtime litert", "keras-image-zoo[export]", "ai_edge_litert"),
    ("run cnn_fashion g.png --runtime onnx", "keras-image-zoo[onnx]", "onnxruntime"),
    ("run cnn_fashion g.png --runtime openvino", "keras-image-zoo[openvino]", "openvino"),
    ("run cnn_fashion g.png --runtime onnx", "keras-image-zoo[onnx]", "tf2onnx"),
    ("train dncnn_tiny --data folder:none --holdout 0 --run new", "none: no such folder"),
    ("train dncnn_tiny --data folder:folder --from none.h5 --run new", "none.h5: no such file"),
    ("train dncnn_tiny --data folder:folder --run folder", "no run directory of the zoo"),
    ("train dncnn_tiny --data folder:folder --run new", "keras-image-zoo[train]", "tensorboard"),
    ("train cnn_fashion --run new", "keras-image-zoo[train]", "tensorflow_datasets"),
    ("evaluate dncnn_s25 --weights none", "none: no such file"),
    ("evaluate dncnn_s25 --data folder:none", "none: no such folder"),
    ("evaluate dncnn_s25 --data BSD68+Set12", "ZOO_DATA is not set"),
    ("evaluate dncnn_s25 --data folder:folder --degrade blur:2", "degradation 'blur:2'"),
    ("evaluate dncnn_s25 --data folder:folder --degrade noise:5-9", "needs one strength"),
    ("evaluate cnn_fashion", "keras-image-zoo[train]", "tensorflow_datasets"),
    ("export cnn_fashion --to file", "file is a file: name a folder"),
    ("export cnn_fashion --to file/made", "file is no folder"),
    ("export cnn_fashion --to folder", "folder is no export"),
    ("export cnn_fashion --to made --weights none", "none: no such file"),
    ("export cnn_fashion --to made --format int4", "format 'int4': expected"),
    ("export dncnn_s25 --to made --format uint8", "only classifiers have one; use int8"),
    ("export cnn_fashion --to made --format int8 --calibration folder:none", "no such folder"),
    ("export cnn_fashion --to made", "keras-image-zoo[export]", "ai_edge_litert"),
    ("export cnn_fashion --to made --format onnx", "keras-image-zoo[onnx]", "tf2onnx"),
    ("export cnn_fashion --to made --format all", "[quantize]", "ai_edge_quantizer"),
    ("verify none", "none is no export"),
    ("verify exported", "keras-image-zoo[export]", "ai_edge_litert"),
    ("dev publish none", "none is no run directory"),
    ("dev publish unfinished", "unfinished is not finished"),
    ("dev measure dncnn_tiny", "no pretrained weights"),
    ("dev measure dncnn_s25", "keras-image-zoo[demo]", "skimage"),
    ("dev measure cnn_fashion", "keras-image-zoo[quantize]", "ai_edge_quantizer"),
    ("dev bench cnn_fashion --weights none", "none: no such file"),
    ("dev bench cnn_fashion --format int4", "format 'int4': expected"),
    ("dev bench cnn_fashion --format onnx", "keras-image-zoo[onnx]", "onnxruntime"),
    ("data check folder:none", "not right: folder:none"),
    ("web --to folder", "which is not of an earlier site"),
    ("web dncnn_tiny --to made", "no pretrained weights"),
    ("web --run none --to made", "--run none: expected the folder of a training"),
    ("web --run unfinished --to made", "weights.h5: no such file"),
    ("web cnn_fashion --to made", "keras-image-zoo[export]", "ai_edge_litert"),
]  # fmt: skip
ASK = """
import contextlib, io, json, sys
from zoo.cli import main

answers = []
for command, missing in json.loads(sys.argv[1]):
    said, without = io.StringIO(), dict.fromkeys(missing)
    kept = {name: sys.modules[name] for name in without if name in sys.modules}
    sys.modules.update(without)
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            main(command.split())
        except SystemExit as end:
            status = end.code
    for name in without:
        del sys.modules[name]
    sys.modules.update(kept)
    loaded = sorted({"tensorflow", "keras"} & set(sys.modules))
    answers.append([status, said.getvalue(), loaded])
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def refusals(tmp_path_factory) -> list:
    """Exit status, words, and which heavy modules are loaded by then, of each of `REFUSED`."""
    place = tmp_path_factory.mktemp("refused")
    (place / "file").write_text("in the way")
    for name in ("folder", "changed", "empty"):
        (place / name).mkdir()
    Image.fromarray(scene(np.random.default_rng(0))).save(place / "g.png")
    Image.fromarray(scene(np.random.default_rng(0))).save(place / "folder" / "g.png")
    files.write_json(place / "exported" / "export.json", {"name": "", "weights": {}, "files": {}})
    begun = {"name": "dncnn_tiny", "recipe": {}, "command": "zoo train dncnn_tiny"}
    files.write_json(place / "unfinished" / "run.json", begun)
    files.write_json(place / "changed" / "run.json", {"sha256": {"weights.h5": "0"}})
    (place / "changed" / "weights.h5").write_bytes(b"none")
    asked = json.dumps([(command, missing) for command, _, *missing in REFUSED])
    code = f"import os; os.chdir({str(place)!r})\n{ASK}"
    answers = json.loads(in_second_process(code, asked, ZOO_DATA="", ZOO_CACHE=str(place / "kept")))
    assert not [name for name in ("new", "made", "kept") if (place / name).exists()]
    return answers


@pytest.mark.parametrize("number", range(len(REFUSED)), ids=[" ".join(r[::2]) for r in REFUSED])
def test_a_mistake_ends_in_one_clear_line_before_tensorflow_is_loaded(number, refusals):
    status, said, loaded = refusals[number]
    (line,) = said.splitlines()
    assert status == 1 and line.startswith("Error: ") and REFUSED[number][1] in line
    assert loaded == []


def test_a_folder_without_permission_is_said_beforehand(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(zoo.ZooError, match=f"permission denied in {re.escape(str(tmp_path))};"):
        files.refuse_unwritable(tmp_path / "new" / "file")


def test_show_prints_the_card(command):
    card = weights.pretrained_folder(zoo.entry("dncnn_s25")) / weights.CARD
    assert command("show", "dncnn_s25")[1] == card.read_text(encoding="utf-8")


def test_run_restores_a_colour_photograph_beside_it(command, tmp_path):
    grey = scene(np.random.default_rng(0))
    photograph = np.stack([grey, grey[::-1], grey[:, ::-1]], -1)
    Image.fromarray(photograph).save(tmp_path / "photo.jpg")
    _, said, _ = command("run", "dncnn_s25", *[tmp_path / "photo.jpg"] * 2)
    assert said.splitlines() == [str(tmp_path / "photo_dncnn_s25.png")]
    with Image.open(tmp_path / "photo_dncnn_s25.png") as restored:
        assert (restored.size, restored.mode) == ((48, 40), "RGB")


def test_run_names_the_garment_and_what_computed(command, garment):
    picture, best = garment
    status, printed, said = command("run", "cnn_fashion", picture, "--json")
    (answer,) = json.loads(printed)
    assert (status, said) == (0, "")
    assert answer["picture"] == str(picture) and answer["labels"][0]["label"] == best
    assert re.fullmatch(KERAS, answer["runtime"])


def test_verify_exits_with_1_where_a_file_was_changed(command, tmp_path):
    made = tmp_path / "made"
    assert command("export", "cnn_fashion", "--to", made, "--format", "float32_static")[0] == 0
    path = next(made.glob("*static.tflite"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert command("verify", made)[0] == 1


CHAIN = """
import sys
from zoo.commands.console import own_output

own_output()
from zoo.cli import main

for number, command in enumerate(sys.argv[1:]):
    main(command.split(), standalone_mode=False)
    for stream in (sys.stdout, sys.stderr):
        print("then", file=stream, flush=True)
"""


def test_train_evaluate_export_verify_run_in_a_row_print_nothing_but_their_own(tmp_path):
    """With every converter and runtime, in one process."""
    data = data_for(zoo.entry("dncnn_tiny"), tmp_path / "data")
    Image.fromarray(scene(np.random.default_rng(0), 64, 64)).save(tmp_path / "data" / "large.png")
    chain = (
        f"train dncnn_tiny --data {data} --run run --steps 40",
        f"evaluate dncnn_tiny --data {data} --weights run --json",
        f"export dncnn_tiny --weights run --to made --size 24 --format all --calibration {data}",
        "verify made --json",
        "run dncnn_tiny data/000.png --weights run --out out.png",
        "run dncnn_tiny data/000.png --weights made --out out.png --overwrite",
        "run dncnn_tiny data/000.png --weights run --out out.png --overwrite --runtime fastest",
    )
    own = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    own |= {"PYTHONPATH": str(REPOSITORY), "ZOO_CACHE": str(tmp_path / "kept")}
    done = subprocess.run(
        [sys.executable, "-c", CHAIN, *chain], capture_output=True, text=True, cwd=tmp_path, env=own
    )
    assert done.returncode == 0, done.stderr
    printed, said = (text.split("then\n")[:-1] for text in (done.stdout, done.stderr))
    row, report = json.loads(printed[1]), json.loads(printed[3])
    assert set(row) == {"name", "tag", "data", "degrade", "count", "protocol", "metrics"}
    assert row["count"] == 13 and row["metrics"]["psnr"] > 20
    assert report["passed"] and files.read_json(tmp_path / "made" / "report.json")["passed"]
    assert printed[0] == "run/weights.h5\nTo measure it: zoo evaluate run --data folder:PATH\n"
    assert printed[2].splitlines()[-1] == "To check the files: zoo verify made"
    assert all(line.startswith("made") for line in printed[2].splitlines()[:-1])
    assert printed[4:7] == ["out.png\n"] * 3
    bars = [line for line in re.split("[\r\n]+", said[0]) if line.strip()]
    assert bars and not [line for line in bars if not BAR.fullmatch(line.strip())]
    assert said[1:4] == [""] * 3
    assert re.fullmatch(rf"{KERAS}{FASTER}\n", said[4])
    assert re.fullmatch(r"LiteRT [\d.]+\n", said[5])
    assert re.fullmatch(r"run: making .*, once\nLiteRT [\d.]+\n", said[6])


def test_what_other_libraries_print_is_kept_where_it_is_asked_for(garment, tmp_path):
    picture, best = garment
    asked = {"ZOO_LOG": str(tmp_path / "log"), "TF_CPP_MIN_LOG_LEVEL": "0"}
    done = zoo_command("run", "cnn_fashion", picture.name, cwd=tmp_path, **asked)
    assert done.returncode == 0
    assert re.fullmatch(rf"garment.png: {best} \d+\.\d%(, .*){{2}}\n", done.stdout)
    assert re.fullmatch(rf"{KERAS}{FASTER}\n", done.stderr)
    assert (tmp_path / "log").read_text()
    done = zoo_command("list", ZOO_LOG=str(tmp_path / "none" / "log"))
    assert done.returncode == 1 and done.stdout == ""
    assert re.fullmatch(r"Error: ZOO_LOG=.* cannot be written: .*\n", done.stderr)


NOISY = r"""
import logging, os, sys, warnings
from zoo.commands.console import own_output

own_output()
os.write(1, b"hidden\n")
os.write(2, b"hidden\n")
warnings.warn("hidden")
logging.getLogger("other").warning("hidden")
print("shown")
print("shown", file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("end", "last"), [("1 / 0", "ZeroDivisionError: "), ("os.abort()", "Fatal Python error: Abort")]
)
def test_a_crash_is_told_and_noise_is_not(end, last, tmp_path):
    own = {**os.environ, "PYTHONPATH": str(REPOSITORY), "ZOO_LOG": str(tmp_path / "log")}
    done = subprocess.run(
        [sys.executable, "-c", NOISY + end], capture_output=True, text=True, env=own
    )
    assert done.returncode and done.stdout == "shown\n"
    assert done.stderr.startswith("shown\n") and last in done.stderr
    assert "hidden" not in done.stderr
    assert (tmp_path / "log").read_text().count("hidden\n") == 3 + 1  # and the warning's own line


def test_importing_the_zoo_changes_nothing_of_the_process():
    code = (
        "import logging, os, sys, warnings\n"
        "def state(): return (dict(os.environ), sys.stdout, sys.stderr, os.fstat(2).st_ino,\n"
        "    logging.root.handlers[:], warnings.showwarning)\n"
        "before = state()\n"
        "import zoo, zoo.cli, zoo.commands.console, zoo.loading, zoo.export.serving\n"
        "assert state() == before\n"
    )
    in_second_process(code)


def test_data_lists_each_set_and_who_needs_it(command):
    rows = json.loads(command("data", "list", "--json")[1])
    by_set = {row["set"]: row for row in rows}
    assert "cnn_fashion" in by_set["fashion_mnist"]["names"].split()
    of_t91 = set(by_set["T91"]["names"].split())
    assert of_t91 >= {"dncnn_3", "srcnn_x2"} and not of_t91 & {"dncnn_s25", "cnn_fashion"}
    assert all(Path("restoration", s).as_posix() in by_set[s]["from"] for s in ("T91", "BSD68"))


def test_data_check_reads_what_is_named_and_fails_for_what_is_not_there(command, folder):
    status, printed, _ = command("data", "check", f"folder:{folder}")
    assert status == 0 and ": 4 pictures" in printed
    status, printed, said = command("data", "check", f"folder:{folder}", f"folder:{folder}/none")
    assert status == 1
    assert "no such folder" in printed and "not right" in said


def noise(seed: int, *size: int) -> Image.Image:
    return Image.fromarray(scene(np.random.default_rng(seed), *size))


def test_results_of_like_names_stand_side_by_side_and_nothing_is_lost(command, tmp_path):
    for number, name in enumerate(("photo.png", "photo.jpg", "a/x.png", "b/x.png")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        noise(number, 20, 24).save(tmp_path / name)
    given = [tmp_path / name for name in ("photo.png", "photo.jpg", "a/x.png", "b/x.png")]
    status, printed, _ = command("run", "dncnn_s25", *given, "--out", f"{tmp_path}/new/")
    assert status == 0 and len(set(printed.splitlines())) == 4
    assert len(list((tmp_path / "new").iterdir())) == 4
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for out in (given[0], tmp_path / "new"):
        for more in ((), ("--overwrite",)) if out is given[0] else ((),):
            status, _, said = command("run", "dncnn_s25", given[0], "--out", out, *more)
            assert status == 1 and ("one of the pictures" in said or "--overwrite" in said)
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_one_bad_picture_does_not_keep_the_others_from_their_answers(command, tmp_path):
    folder = tmp_path / "many"
    (folder / "deeper").mkdir(parents=True)
    noise(0, 28, 28).save(folder / "good.png")
    noise(1, 28, 28).save(folder / "deeper" / "good.jfif", "JPEG")
    whole = io.BytesIO()
    noise(2, 28, 28).save(whole, "JPEG")
    (folder / "cut.jpg").write_bytes(whole.getvalue()[:200])
    (folder / "note.odt").write_text("none")
    with pytest.warns(ZooWarning, match=r"left out: note\.odt"):
        status, printed, said = command("run", "cnn_fashion", folder, "--json")
    answers = json.loads(printed)
    assert status == 1 and "cut.jpg" in said and "1 of 3 pictures" in said
    assert ["labels" in answer for answer in answers].count(True) == 2
    status, printed, _ = command("run", "cnn_fashion", f"{folder}/*.png")
    assert status == 0 and len(printed.splitlines()) == 1


def test_a_whole_number_is_one_of_a_field_of_numbers():
    from zoo.commands.train import _field

    (name, value) = _field(zoo.entry("dcgan_tiny").recipe, "penalty=1")
    assert (name, value, type(value)) == ("penalty", 1.0, float)


@pytest.mark.parametrize(
    "arguments",
    [
        "run dcgan_fashion --count 4 --seed -1",
        "train cnn_tiny --seed -1 --run new",
        "train cnn_tiny --learning-rate nan --run new",
        "train cnn_tiny --set warmup=-3 --run new",
        "train cnn_tiny --set patch=3 --run new",
        "train cnn_tiny --set label_smoothing=much --run new",
    ],
)
def test_a_number_out_of_range_is_refused_and_leaves_nothing(
    arguments, command, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    status, _, said = command(*arguments.split())
    assert status and "Traceback" not in said and said.strip()
    assert not list(tmp_path.iterdir())
