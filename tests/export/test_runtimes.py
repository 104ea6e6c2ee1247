"""An exported file in the net's place: the same answers in every runtime, without TensorFlow."""

import dataclasses
import functools
import json
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import in_second_process, needs_package
from PIL import Image
from tiny import with_random_weights

import zoo
from zoo import index
from zoo.cli import main
from zoo.commands.run import FASTER
from zoo.errors import MissingExtra, ZooError
from zoo.export import cache as making
from zoo.export import report
from zoo.export.artifacts import key_of
from zoo.export.forms import FORMS
from zoo.export.manifest import facts_of_file, write_manifest
from zoo.export.runtimes import SERVING
from zoo.export.serving import at_hand, fastest
from zoo.export.verify import verify
from zoo.export.write import export
from zoo.images.tiling import tiled
from zoo.report import results
from zoo.storage import files, weights
from zoo.storage.cache_folder import cache
from zoo.tasks.functions import signatures

BOUND = 1e-5  # as `zoo.export.forms.NET_BOUND`
NAMES = ("cnn_tiny", "lstm_tiny", "srcnn_tiny", "dncnn_tiny", "dcgan_tiny", "vae_tiny")
BLOCKED = "import sys; sys.modules.update(dict.fromkeys(('tensorflow', 'keras')))\n"


every_runtime = pytest.mark.parametrize(
    "runtime",
    [pytest.param(name, marks=needs_package(SERVING[name].module)) for name in SERVING],
)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A name -> its net with random weights, and a folder of its files; made at the first call."""

    @functools.cache
    def made(name: str):
        net = with_random_weights(name)
        folder = tmp_path_factory.mktemp(name) / "out"
        return net, export(net, folder, formats=("float32_free", "onnx"))

    return made


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def trained(classifier, tmp_path):
    """A run directory, as far as loading reads it."""
    folder = tmp_path / "run"
    digest = weights.save(classifier.net, folder / weights.WEIGHTS)
    files.write_json(folder / weights.RUN, {"sha256": {weights.WEIGHTS: digest}})
    return folder


def pixels(*shape) -> np.ndarray:
    return np.random.default_rng(7).random(shape, np.float32)


def close(one, other) -> None:
    np.testing.assert_allclose(one, other, atol=BOUND, rtol=0)


def contents(folder) -> dict:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


@every_runtime
@pytest.mark.parametrize("name", NAMES)
def test_every_kind_of_net_answers_as_in_keras(name, runtime, exported):
    keras, folder = exported(name)
    loaded = zoo.load(name, folder, runtime=runtime)
    height, width, _ = (side or 21 + 2 * n for n, side in enumerate(keras.spec.shape))
    if index.task(keras.spec.task).kind == "generation":
        close(loaded.decode(loaded.codes(3)), keras.decode(keras.codes(3)))
        assert np.abs(loaded.sample(2).astype(int) - keras.sample(2)).max() <= 1
    if keras.spec.task != "generate":
        for shape in ((1, height, width, 1), (3, height, width, 3), (2, height, width, 1)):
            close(loaded.infer(pixels(*shape)), keras.infer(pixels(*shape)))


@every_runtime
def test_labels_and_latents_are_those_of_keras(runtime, exported):
    keras, folder = exported("cnn_tiny")
    photo = pixels(40, 31, 3)
    expected = dict(keras(photo))
    assert dict(zoo.load("cnn_tiny", folder, runtime=runtime)(photo)) == pytest.approx(
        expected, abs=BOUND
    )
    keras, folder = exported("vae_tiny")
    loaded = zoo.load("vae_tiny", folder, runtime=runtime)
    picture = pixels(*keras.spec.shape)
    for one, other in zip(loaded.encode(picture), keras.encode(picture), strict=True):
        close(one, other)
    close(loaded.reconstruct(picture), keras.reconstruct(picture))


@every_runtime
@pytest.mark.parametrize("name", ["srcnn_tiny", "dncnn_tiny"])
def test_a_photograph_in_tiles_is_the_same_as_in_keras_and_as_the_whole(name, runtime, exported):
    keras, folder = exported(name)
    loaded = zoo.load(name, folder, runtime=runtime)
    large = pixels(1, 530, 301, 1)
    result = loaded.infer(large)
    close(result, keras.infer(large))
    close(result, loaded.executor("", large))
    small, scale = pixels(2, 40, 53, 1), keras.spec.scales[0]
    run = functools.partial(loaded.executor, "")
    for tile in (16, 23):
        close(tiled(run, small, loaded.spec.receptive_radius, tile, scale=scale), run(small))
    close(loaded.infer(small, ensemble=True), keras.infer(small, ensemble=True))


def test_without_tensorflow_names_run_from_an_export(exported, tmp_path):
    photo = np.rint(pixels(40, 31, 3) * 255).astype(np.uint8)
    _, small = exported("srcnn_tiny")
    expected = exported("srcnn_tiny")[0](photo)
    keras = zoo.load("cnn_fashion")
    folder = export(keras, tmp_path / "fashion", formats="float32_free")
    np.save(tmp_path / "photo.npy", photo)
    code = BLOCKED + (
        "import json, numpy, zoo\n"
        "photo = numpy.load(sys.argv[1])\n"
        "labels = zoo.load('cnn_fashion', sys.argv[2], runtime='litert')(photo)\n"
        "large = zoo.load('srcnn_tiny', sys.argv[3], runtime='litert')(photo)\n"
        "print(json.dumps([dict(labels), large.tolist()]))\n"
    )
    labels, large = json.loads(in_second_process(code, tmp_path / "photo.npy", folder, small))
    assert labels == pytest.approx(dict(keras(photo)), abs=BOUND)
    assert np.abs(np.array(large) - expected).max() <= 1


def test_a_file_is_made_once_and_then_needs_no_tensorflow(trained, classifier, own_cache, capsys):
    photo = pixels(20, 20)
    first = zoo.load("cnn_tiny", trained, runtime="litert")
    assert f"making {own_cache}" in capsys.readouterr().err
    assert dict(first(photo)) == pytest.approx(dict(classifier(photo)), abs=BOUND)
    assert first.source == str(trained.resolve())
    before = contents(own_cache)
    (folder,) = own_cache.glob("cnn_tiny.test/*/float32_free")
    assert list(folder.glob("*.tflite")) == [folder / "cnn_tiny_float32_free.tflite"]
    code = BLOCKED + "import zoo\nzoo.load('cnn_tiny', sys.argv[1], runtime='litert')\n"
    in_second_process(code, trained)
    assert contents(own_cache) == before


def test_a_file_that_misses_its_bound_is_not_kept(trained, own_cache, monkeypatch):
    strict = dataclasses.replace(FORMS["float32_free"], bound=-1.0)
    monkeypatch.setitem(FORMS, "float32_free", strict)
    with pytest.raises(ZooError, match="files are not right"):
        zoo.load("cnn_tiny", trained, runtime="litert")
    assert not list(own_cache.rglob("*.tflite"))
    assert not list(own_cache.rglob("float32_free"))


def test_a_cache_that_cannot_be_written_is_said(trained, own_cache):
    own_cache.write_text("in the way")
    with pytest.raises(ZooError, match="set ZOO_CACHE to a folder"):
        zoo.load("cnn_tiny", trained, runtime="litert")


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {"ZOO_CACHE": "/mine"}, "/mine"),
        ("linux", {"ZOO_CACHE": "~/c"}, "/home/me/c"),
        ("linux", {"XDG_CACHE_HOME": "/xdg"}, "/xdg/keras-image-zoo"),
        ("linux", {}, "/home/me/.cache/keras-image-zoo"),
        ("darwin", {}, "/home/me/Library/Caches/keras-image-zoo"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/keras-image-zoo"),
    ],
)
def test_the_cache_is_where_the_platform_has_it(platform, environment, expected, monkeypatch):
    for name in ("ZOO_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"HOME": "/home/me"} | environment).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert cache().as_posix() == expected


@pytest.fixture
def stolen(monkeypatch):
    """Another process does what this one is about to do, at the last moment: a function of the
    folder that was made and of its place in the cache is called before the one is renamed."""

    def steal(at_last):
        put = making._put
        monkeypatch.setattr(
            making, "_put", lambda made, *rest: (at_last(made, rest[0]), put(made, *rest))
        )

    return steal


def test_of_two_processes_the_second_takes_what_the_first_made(trained, own_cache, stolen):
    stolen(lambda made, folder: (shutil.copytree(made, folder), (folder / "report.json").touch()))
    zoo.load("cnn_tiny", trained, runtime="litert")
    (kept,) = own_cache.glob("cnn_tiny.test/*/*")
    assert (kept / "report.json").exists(), "the first's"


@pytest.mark.parametrize("how", ["a file", "a folder", "cut", "a link"])
def test_what_is_in_the_way_in_the_cache_is_set_aside(how, trained, own_cache, stolen):
    def in_the_way(made, folder):
        if how == "a file":
            folder.write_text("in the way")
        elif how == "a link":
            folder.symlink_to(folder.parent)
        else:
            shutil.copytree(made, folder)
            path = folder / ("export.json" if how == "a folder" else "cnn_tiny_float32_free.tflite")
            path.unlink() if how == "a folder" else damaged(path)

    stolen(in_the_way)
    zoo.load("cnn_tiny", trained, runtime="litert")
    assert at_hand(zoo.entry("cnn_tiny"), trained) == "litert"
    assert [path.name for path in own_cache.glob("cnn_tiny.test/*/*")] == ["float32_free"]


def test_processes_at_once_all_get_an_answer(trained, own_cache):
    code = "import sys, zoo\nzoo.load('cnn_tiny', sys.argv[1], runtime='litert')\n"
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: in_second_process(code, trained), range(2)))
    assert [path.name for path in own_cache.glob("cnn_tiny.test/*/*")] == ["float32_free"]


def test_what_is_whole_and_does_not_run_is_made_anew(trained, own_cache, capsys):
    zoo.load("cnn_tiny", trained, runtime="litert")
    (path,) = own_cache.rglob("*.tflite")
    path.write_bytes(b"TFL3 but nothing else")
    about = files.read_json(path.with_name("export.json"))
    about["files"][path.name] = facts_of_file(path)
    write_manifest(path.parent, about)
    zoo.load("cnn_tiny", trained, runtime="litert")
    assert re.search(r"does not run in LiteRT.*\(made anew\)\n.*making", capsys.readouterr().err)
    assert path.stat().st_size > 1000


def test_runs_with_the_same_weights_and_other_classes_have_files_of_their_own(tmp_path, own_cache):
    birds = zoo.load("cnn_tiny", None, classes=("owl", "wren"))
    answers = []
    for number, classes in enumerate([("owl", "wren"), ("wren", "owl")]):
        run = tmp_path / str(number)
        digest = weights.save(birds.net, run / weights.WEIGHTS)
        record = {"sha256": {weights.WEIGHTS: digest}, "labels": classes}
        files.write_json(run / weights.RUN, record)
        answers.append(dict(zoo.load("cnn_tiny", run, runtime="litert")(pixels(12, 12))))
    assert answers[0]["owl"] == pytest.approx(answers[1]["wren"], abs=BOUND)
    assert answers[0]["owl"] != pytest.approx(answers[0]["wren"], abs=1e-3)


@pytest.mark.parametrize("runtime", ["litert", "auto", "fastest"])
def test_the_word_pretrained_never_names_a_folder(
    runtime, exported, tmp_path, monkeypatch, own_cache
):
    shutil.copytree(exported("cnn_tiny")[1], tmp_path / "pretrained")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ZooError, match="has no pretrained weights"):
        zoo.load("cnn_tiny", runtime=runtime)
    assert zoo.load("cnn_tiny", "./pretrained", runtime="litert").spec.labels


def test_a_user_of_no_name_is_told_of_the_variable(trained, monkeypatch):
    def unknown(path):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("pathlib.Path.expanduser", unknown)
    for chosen in ("", "~nobody/c"):
        monkeypatch.setenv("ZOO_CACHE", chosen)
        with pytest.raises(ZooError, match="no home folder to keep files in: set ZOO_CACHE"):
            zoo.load("cnn_tiny", trained, runtime="litert")
    assert at_hand(zoo.entry("cnn_tiny"), trained) == "keras"


def test_a_changed_or_missing_file_is_refused(exported, tmp_path):
    folder = shutil.copytree(exported("cnn_tiny")[1], tmp_path / "changed")
    path = folder / "cnn_tiny_float32_free.tflite"
    damaged(path)
    with pytest.raises(ZooError, match="was changed: its SHA-256 is"):
        zoo.load("cnn_tiny", folder, runtime="litert")
    path.unlink()
    with pytest.raises(ZooError, match="is missing"):
        zoo.load("cnn_tiny", folder, runtime="litert")
    about = files.read_json(folder / "export.json")
    del about["artifacts"]["float32_free"]
    write_manifest(folder, about | {"formats": ["onnx"]})
    with pytest.raises(ZooError, match="has no float32_free file: `zoo export"):
        zoo.load("cnn_tiny", folder, runtime="litert")


def test_what_a_runtime_cannot_do_is_said(exported, tmp_path):
    _, folder = exported("cnn_tiny")
    with pytest.raises(ZooError, match=r"export of cnn_tiny\.test, not of lstm_tiny\.test"):
        zoo.load("lstm_tiny", folder, runtime="litert")
    with pytest.raises(ZooError, match="'tflite': there are auto, keras, litert"):
        zoo.load("cnn_tiny", folder, runtime="tflite")
    with pytest.raises(ZooError, match="got other classes"):
        zoo.load("cnn_tiny", folder, classes=3, runtime="litert")
    with pytest.raises(ZooError, match="got fresh weights"):
        zoo.load("cnn_tiny", None, runtime="litert")
    with pytest.raises(ZooError, match="no such file"):
        zoo.load("cnn_tiny", tmp_path, runtime="litert")
    loaded = zoo.load("cnn_tiny", folder, runtime="litert")
    with pytest.raises(ZooError, match='load it with runtime="keras"'):
        loaded.net.summary()
    with pytest.raises(ZooError, match='load it with runtime="keras"'):
        export(loaded, tmp_path / "again")


@pytest.mark.parametrize("runtime", SERVING)
def test_without_a_runtime_the_line_that_installs_it_is_said(
    runtime, trained, own_cache, monkeypatch
):
    monkeypatch.setitem(sys.modules, SERVING[runtime].module, None)
    with pytest.raises(MissingExtra, match=r"pip install 'keras-image-zoo\["):
        zoo.load("cnn_tiny", trained, runtime=runtime)
    assert not own_cache.exists()


@pytest.mark.parametrize("name", ["vae_tiny", "dcgan_tiny"])
def test_float32_files_are_verified_in_openvino_too(name, exported):
    pytest.importorskip("openvino")
    keras, folder = exported(name)
    found = verify(folder, keras)
    assert found["passed"] and not found["left_out"], report.text(found)
    rows = {(row["artifact"], row["runtime"].split(" ")[0]) for row in found["rows"]}
    parts = {key_of(function, "float32_free") for function in signatures(keras.spec)}
    assert {(function, "OpenVINO") for function in parts} <= rows


def test_without_openvino_the_report_says_so(exported, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    keras, folder = exported("cnn_tiny")
    found = verify(folder, keras)
    assert found["passed"]
    assert "Left out: running a file in OpenVINO needs openvino" in report.text(found)


def test_labels_are_those_that_the_net_was_trained_for(tmp_path):
    birds = zoo.load("cnn_tiny", None, classes=("owl", "wren"))
    folder = export(birds, tmp_path / "birds", formats="float32_free")
    answer = zoo.load("cnn_tiny", folder, runtime="litert")(pixels(12, 12))
    assert {one.label for one in answer} == {"owl", "wren"}


@pytest.fixture
def photo(tmp_path):
    Image.fromarray(np.rint(pixels(20, 24) * 255).astype(np.uint8)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def run(capsys):
    """`zoo run` in this process -> what it printed, and what it said on stderr."""

    def command(*arguments) -> tuple[str, str]:
        capsys.readouterr()
        main(["run", *map(str, arguments)], standalone_mode=False)
        return capsys.readouterr()

    return command


def labels(printed: str) -> dict[str, float]:
    (answer,) = json.loads(printed)
    return {one["label"]: one["probability"] for one in answer["labels"]}


def damaged(path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_the_command_takes_a_file_as_soon_as_there_is_one(trained, own_cache, run, photo):
    command = ("cnn_tiny", photo, "--weights", trained)
    expected, said = run(*command)
    assert re.fullmatch(rf"Keras [\d.]+{FASTER}\n", said)
    assert run(*command, "--runtime", "keras") == (expected, said.replace(FASTER, ""))
    assert not own_cache.exists()
    printed, said = run(*command, "--runtime", "fastest")
    assert printed == expected and re.search(r"making .*, once\nLiteRT [\d.]+\n$", said)
    printed, said = run(*command)
    assert printed == expected and re.fullmatch(r"LiteRT [\d.]+\n", said)
    answers = json.loads(run(*command, "--json")[0])
    assert [answer["runtime"] for answer in answers] == [said.strip()]
    code = BLOCKED + "from zoo.cli import main\nmain(['run', *sys.argv[1:]])\n"
    assert in_second_process(code, *command) == expected


def test_a_damaged_file_is_passed_over_and_made_anew_where_it_is_asked_for(
    trained, own_cache, run, photo
):
    command = ("cnn_tiny", photo, "--weights", trained, "--json")
    expected = labels(run(*command, "--runtime", "litert")[0])
    (path,) = own_cache.rglob("*.tflite")
    damaged(path)
    printed, said = run(*command)
    assert labels(printed) == pytest.approx(expected, abs=BOUND) and '"Keras ' in printed
    assert re.search(r"was changed: .* \(not used; --runtime \w+ makes it anew\)\n$", said)
    printed, said = run(*command, "--runtime", "litert")
    assert re.search(r"was changed: .* \(made anew\)\n.*: making .*, once\n$", said)
    assert '"LiteRT ' in printed and run(*command) == (printed, "")
    path.with_name("export.json").unlink()
    assert '"Keras ' in run(*command)[0]


def test_of_the_kept_files_that_of_the_fastest_runtime_is_taken(
    trained, own_cache, exported, monkeypatch
):
    entry = zoo.entry("cnn_tiny")
    assert at_hand(entry, trained) == "keras"
    assert at_hand(entry, exported("cnn_tiny")[1]) == "litert"
    zoo.load("cnn_tiny", trained, runtime="litert")
    assert at_hand(entry, trained) == "litert"
    monkeypatch.setattr(results, "performance", timed(litert=9.0, openvino=10.0, onnx=7.0))
    assert at_hand(entry, trained) == "litert"  # no ONNX file is there
    monkeypatch.setattr(results, "performance", timed(litert=9.0, openvino=8.0))
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "openvino", None)
        assert at_hand(entry, trained) == "litert"
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "openvino", None)
        without.setitem(sys.modules, "ai_edge_litert", None)
        assert at_hand(entry, trained) == "keras"
    assert zoo.load("cnn_tiny", None, runtime="auto").net.count_params() == entry.parameters
    pytest.importorskip("openvino")
    assert at_hand(entry, trained) == "openvino"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("dncnn_tiny", ()),
        ("dncnn_tiny", ("--ensemble",)),
        ("srcnn_tiny", ("--scale", "SCALE")),
        ("dcgan_tiny", ("--count", 3, "--seed", 5)),
    ],
)
def test_pictures_are_those_of_keras(name, options, exported, run, photo, tmp_path):
    keras, folder = exported(name)
    weights.save(keras.net, tmp_path / "w.h5")
    options = [keras.spec.scales[-1] if option == "SCALE" else option for option in options]
    given = [] if "--count" in options else [photo]
    made = []
    for number, path in enumerate((tmp_path / "w.h5", folder)):
        out = tmp_path / f"{number}.png"
        printed, _ = run(name, *given, *options, "--weights", path, "--out", out)
        assert printed == f"{out}\n"
        made.append(np.asarray(Image.open(out)).astype(int))
    assert made[0].shape == made[1].shape and np.abs(made[0] - made[1]).max() <= 1


def timed(**milliseconds):
    """What `zoo dev bench` might have written: LiteRT with one thread and two, others with two."""
    labels = {key: runtime.label for key, runtime in SERVING.items()}
    rows = [
        {"artifact": SERVING[key].form, "runtime": labels[key], "threads": 2, "median_ms": ms}
        for key, ms in milliseconds.items()
    ]
    slow = {"artifact": "float32_free", "runtime": "LiteRT", "threads": 1, "median_ms": 100.0}
    return lambda entry: [slow, *rows]


def test_the_fastest_is_what_was_measured_and_is_installed(monkeypatch):
    entry = zoo.entry("cnn_tiny")
    assert fastest(entry) == "litert"  # which nobody timed
    monkeypatch.setattr(results, "performance", timed(litert=9.0, openvino=8.0, onnx=7.0))
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "onnxruntime", None)
        without.setitem(sys.modules, "openvino", None)
        assert fastest(entry) == "litert"
    pytest.importorskip("onnxruntime")
    assert fastest(entry) == "onnx"


def test_the_fastest_of_a_folder_is_of_the_files_that_it_has(monkeypatch, exported):
    keras, folder = exported("cnn_tiny")
    (function,) = signatures(keras.spec)
    monkeypatch.setattr(results, "performance", timed(litert=9.0, onnx=7.0))
    some = folder.with_name("some")
    export(keras, some, formats=["float32_free"])
    assert fastest(keras.entry, some) == "litert"
    loaded = zoo.load("cnn_tiny", some, runtime="fastest")
    values = np.random.default_rng(0).random((2, *function.shape("image")[1:]), np.float32)
    np.testing.assert_allclose(loaded.infer(values), keras.infer(values), atol=1e-5)
