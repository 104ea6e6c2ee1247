"""Exported files are whole, named, equal to their net, and caught where they are not."""

import contextlib
import dataclasses
import errno
import json
import os
import resource
import runpy
import shutil
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import in_second_process
from tiny import with_random_weights

import zoo
from zoo import files, index, loading, weights
from zoo.cli import main
from zoo.errors import MissingExtra, ZooError
from zoo.export import fresh, references, report, saved_model, tflite
from zoo.export.artifacts import export, facts_of_file, read_manifest
from zoo.export.forms import FORMS, NET_BOUND, QUICK
from zoo.export.measure import measure
from zoo.export.rows import Row, compare
from zoo.export.verify import verify, verify_folder
from zoo.models.dncnn import dncnn
from zoo.tasks.classifier import Classifier
from zoo.tasks.parts import parts

STATIC = 24


@pytest.fixture(scope="module")
def denoiser_export(denoiser, tmp_path_factory):
    return export(denoiser, tmp_path_factory.mktemp("denoiser") / "out", static_size=STATIC)


@pytest.fixture(scope="module")
def classifier_export(classifier, tmp_path_factory):
    return export(classifier, tmp_path_factory.mktemp("classifier") / "out")


@pytest.fixture(scope="module")
def other_export(tmp_path_factory):
    """The same net with other weights."""
    other = with_random_weights("dncnn_tiny", seed=1)
    return export(other, tmp_path_factory.mktemp("other") / "out", static_size=STATIC)


@pytest.fixture
def damaged(denoiser_export, tmp_path):
    return shutil.copytree(denoiser_export, tmp_path / "damaged")


@pytest.fixture
def published(denoiser, tmp_path, monkeypatch):
    """Publishes the denoiser's weights and golden as those of its name."""
    monkeypatch.setattr(weights, "PRETRAINED", tmp_path / "pretrained")
    folder = weights.pretrained_folder(denoiser.entry)
    digest = weights.save(denoiser.net, folder / weights.WEIGHTS)
    pixels = np.random.default_rng(5).integers(0, 256, (2, STATIC, STATIC, 1), np.uint8)
    result = denoiser.infer(pixels.astype(np.float32) / 255)
    np.savez(folder / weights.GOLDEN, pixels=pixels, result=result)
    golden = files.sha256((folder / weights.GOLDEN).read_bytes())
    digests = {weights.WEIGHTS: digest, weights.GOLDEN: golden}
    files.write_json(folder / weights.RUN, {"sha256": digests})
    return folder


@contextlib.contextmanager
def files_no_larger_than(size: int):
    """A full disk, as far as one process can tell."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def flip_byte(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def rows_of(found: dict, artifact: str) -> list[dict]:
    return [row for row in found["rows"] if row["artifact"] == artifact]


def signature(path) -> tuple[dict, dict]:
    """Inputs and outputs of a TFLite file: name -> shape, -1 where free."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_path=str(path)).get_signature_runner("serve")
    ends = runner.get_input_details(), runner.get_output_details()
    return tuple({n: d["shape_signature"].tolist() for n, d in end.items()} for end in ends)


def test_denoiser_verifies_on_golden_and_fresh_pictures(denoiser_export, denoiser, published):
    found = verify(denoiser_export, denoiser)
    assert found["passed"], report.text(found)
    assert found["golden"]
    for artifact in QUICK:
        inputs = [row["input"] for row in rows_of(found, artifact)]
        assert f"golden {STATIC}x{STATIC} x2" in inputs
    assert {"fresh 37x52 x1", "fresh 37x52 x3"} <= {r["input"] for r in found["rows"]}


def test_classifier_verifies_and_reports(classifier_export, classifier):
    found = verify(classifier_export, classifier, seed=3)
    assert found["passed"], report.text(found)
    assert not found["golden"]
    path = report.write(found, classifier_export)
    assert files.read_json(path)["rows"] == found["rows"]
    checks = len(found["rows"])
    assert f"{checks} of {checks} checks passed" in report.text(found)
    json.loads(path.read_text(), parse_constant=pytest.fail)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["denoiser", "classifier"])
def test_fresh_pictures_differ_by_seed_and_can_judge(name, seed, request):
    pipeline = request.getfixturevalue(name)
    part = parts(pipeline)[0]
    cases = references.fresh(pipeline, part, part.shape, seed)
    assert [case.flaw for case in cases] == [""] * len(cases)
    again = references.fresh(pipeline, part, part.shape, seed + 1)
    assert not np.array_equal(cases[0].values, again[0].values)


@pytest.mark.parametrize("name", ["denoiser_export", "classifier_export"])
def test_without_its_net_an_export_is_verified_by_what_it_keeps(name, request, tmp_path):
    folder = shutil.copytree(request.getfixturevalue(name), tmp_path / "out")
    found = verify_folder(folder)
    assert found["passed"], report.text(found)
    assert files.read_json(folder / "report.json")["net_missing"] == found["net_missing"]
    assert "The net itself was not there: the export does not say" in report.text(found)
    assert not rows_of(found, "net")
    for artifact in QUICK:
        inputs = [row["input"].split()[0] for row in rows_of(found, artifact)]
        assert inputs[0] == "files" and set(inputs[1:]) == {"kept"}


def test_a_net_that_is_gone_or_was_trained_again_is_said(classifier, tmp_path):
    path = tmp_path / "w.h5"
    weights.save(classifier.net, path)
    folder = export(zoo.load("cnn_tiny", path), tmp_path / "out", formats="float32_free")
    weights.save(with_random_weights("cnn_tiny", seed=1).net, path)
    found = verify_folder(folder)
    assert found["passed"]
    assert "exported were weights" in found["net_missing"]
    path.unlink()
    assert "no such file" in verify_folder(folder)["net_missing"]


def test_without_its_net_wrong_files_are_caught_by_what_the_export_keeps(damaged, other_export):
    wrong, path = read_manifest(other_export), "dncnn_tiny_float32_free.tflite"
    shutil.copy(other_export / path, damaged / path)
    about = read_manifest(damaged)
    about["files"][path] = wrong["files"][path]
    files.write_json(damaged / "export.json", about)
    flip_byte(damaged / "dncnn_tiny_float32_static.tflite")
    found = verify_folder(damaged)
    bad = {row["artifact"]: row["reason"] for row in found["rows"] if not row["passed"]}
    assert set(bad) == {"float32_free", "float32_static"}
    assert "misses its bound" in bad["float32_free"]
    assert "was changed: its SHA-256 is" in bad["float32_static"]


def test_a_golden_that_cannot_judge_does_not_pass(damaged):
    with np.load(damaged / "golden.npz") as arrays:
        golden = dict(arrays)
    pixels, result = golden["pixels"], golden["result"]
    reasons = judged_by(damaged, pixels=pixels, result=pixels.astype(np.float32) / 255)
    assert reasons and all("equals the input" in reason for reason in reasons)
    reasons = judged_by(damaged, pixels=pixels[:, 1:], result=result[:, 1:])
    assert reasons.count("no golden.npz that fits it") == 1  # the static file is of another size
    flip_byte(damaged / "golden.npz")
    changed, *others = (row["reason"] for row in verify_folder(damaged)["rows"] if row["reason"])
    assert "golden.npz was changed" in changed
    assert others == ["no golden.npz that fits it"] * len(QUICK)
    with pytest.raises(ZooError, match="no golden of a net's result"):
        judged_by(damaged, pixels=pixels)


def test_an_export_that_keeps_no_golden_needs_its_net(damaged, denoiser):
    about = read_manifest(damaged)
    del about["files"]["golden.npz"]  # as exports of old have none
    files.write_json(damaged / "export.json", about)
    with pytest.raises(ZooError, match=r"is not here: the export does not say .* load the net"):
        verify_folder(damaged)
    assert verify(damaged, denoiser)["passed"]


@pytest.mark.parametrize("key", ["artifacts", "formats", "form"])
def test_a_manifest_that_was_changed_is_said(damaged, key):
    about = read_manifest(damaged)
    if key == "form":
        del about["artifacts"]["float32_free"]["form"]
    else:
        del about[key]["float32_free" if key == "artifacts" else 1]
    files.write_json(damaged / "export.json", about)
    with pytest.raises(ZooError, match=r"export\.json was changed"):
        verify_folder(damaged)


def judged_by(folder, **golden) -> list[str]:
    """Puts a golden into an export, recorded as it should be; returns what is then wrong."""
    about, path = read_manifest(folder), folder / "golden.npz"
    np.savez(path, **golden)
    about["files"][path.name] = facts_of_file(path)
    files.write_json(folder / "export.json", about)
    return [row["reason"] for row in verify_folder(folder)["rows"] if not row["passed"]]


def test_names_shapes_and_operators_of_tflite_files(denoiser_export, classifier_export):
    free = signature(denoiser_export / "dncnn_tiny_float32_free.tflite")
    assert free == ({"image": [-1, -1, -1, 1]}, {"restored": [-1, -1, -1, 1]})
    static = signature(denoiser_export / "dncnn_tiny_float32_static.tflite")
    assert static == ({"image": [1, STATIC, STATIC, 1]}, {"restored": [1, STATIC, STATIC, 1]})
    free = signature(classifier_export / "cnn_tiny_float32_free.tflite")
    assert free == ({"image": [-1, 12, 12, 1]}, {"probs": [-1, 3]})
    for path in [*denoiser_export.glob("*.tflite"), *classifier_export.glob("*.tflite")]:
        found = tflite.operators(path.read_bytes())
        assert "CONV_2D" in found
        assert not [op for op in found if op.startswith("CUSTOM")]


def test_saved_model_has_named_ends(classifier_export):
    import tensorflow as tf

    serve = tf.saved_model.load(classifier_export / "saved_model").signatures["serve"]
    inputs = serve.structured_input_signature[1]
    assert {n: s.shape.as_list() for n, s in inputs.items()} == {"image": [None, 12, 12, 1]}
    outputs = serve.structured_outputs
    assert {n: s.shape.as_list() for n, s in outputs.items()} == {"probs": [None, 3]}


def test_export_says_what_it_is(denoiser_export, classifier_export):
    about = read_manifest(denoiser_export)
    assert (about["name"], about["degrade"]) == ("dncnn_tiny.test", ["noise:25"])
    assert about["weights"]["source"] is None
    on_disk = {str(p.relative_to(denoiser_export)) for p in denoiser_export.rglob("*.*")}
    assert set(about["files"]) <= on_disk
    assert about["artifacts"]["float32_static"]["input"] == {
        "name": "image",
        "shape": [1, STATIC, STATIC, 1],
        "dtype": "float32",
        "range": [0.0, 1.0],
    }
    assert list(about["artifacts"]["float32_free"]["constants"]) == ["float32"]
    assert about["licence"]["code"] == "MIT"
    assert about["licence"]["training data"] == zoo.entry("dncnn_tiny").data_licence
    assert (classifier_export / "labels.txt").read_text() == "left\nmiddle\nright\n"
    assert read_manifest(classifier_export)["labels"] == ["left", "middle", "right"]


def test_two_exports_of_the_same_weights_are_byte_equal(denoiser, denoiser_export, tmp_path):
    twin = zoo.load("dncnn_tiny", weights=None)  # its layers have other names
    twin.net.set_weights(denoiser.net.get_weights())
    again = export(twin, tmp_path / "again", static_size=STATIC)
    for path in [*denoiser_export.glob("*.tflite"), denoiser_export / "golden.npz"]:
        assert path.read_bytes() == (again / path.name).read_bytes()


def test_an_earlier_export_is_replaced_and_anything_else_refused(classifier, damaged, tmp_path):
    (tmp_path / "photo.png").write_bytes(b"mine")
    with pytest.raises(ZooError, match="is no export"):
        export(classifier, tmp_path)
    out = export(classifier, damaged)
    assert read_manifest(out)["name"] == "cnn_tiny.test"
    assert not list(out.glob("dncnn*"))
    (out / "notes.txt").write_text("mine")
    with pytest.raises(ZooError, match=r"holds notes\.txt"):
        export(classifier, out)
    assert (out / "notes.txt").read_text() == "mine"


def test_damaged_files_are_caught_before_they_are_run(damaged, denoiser):
    flip_byte(damaged / "saved_model/variables/variables.data-00000-of-00001")
    flip_byte(damaged / "dncnn_tiny_float32_free.tflite")
    static = damaged / "dncnn_tiny_float32_static.tflite"
    static.write_bytes(static.read_bytes()[:-100])
    found = verify(damaged, denoiser)
    assert not found["passed"]
    reasons = [row["reason"] for a in QUICK for row in rows_of(found, a)]
    assert len(reasons) == 3
    assert "variables.data-00000-of-00001 was changed: its SHA-256 is" in reasons[0]
    assert "dncnn_tiny_float32_free.tflite was changed: its SHA-256 is" in reasons[1]
    assert "bytes, export.json says" in reasons[2]
    assert reasons[1] in report.text(found)


def test_missing_and_unlisted_files_are_caught(damaged, denoiser):
    (damaged / "dncnn_tiny_float32_free.tflite").unlink()
    about = read_manifest(damaged)
    kept = {p: f for p, f in about["files"].items() if p.endswith("_free.tflite")}
    files.write_json(damaged / "export.json", about | {"files": kept})
    reasons = [row["reason"] for row in verify(damaged, denoiser)["rows"][1:]]
    assert reasons == [
        "export.json does not list saved_model",
        "dncnn_tiny_float32_free.tflite is missing",
        "export.json does not list dncnn_tiny_float32_static.tflite",
    ]


def test_a_wrong_conversion_misses_its_bound(damaged, denoiser, other_export):
    """Files that are intact and recorded, but of another function than the net."""
    shutil.rmtree(damaged / "saved_model")
    about = read_manifest(damaged)
    for path in damaged.glob("*.tflite"):
        shutil.copy(other_export / path.name, path)
        about["files"][path.name] = facts_of_file(path)
    files.write_json(damaged / "export.json", about)
    found = verify(damaged, denoiser)
    measured = [row for row in found["rows"] if row["runtime"] and row["artifact"] != "net"]
    assert {row["artifact"] for row in measured} == {"float32_free", "float32_static"}
    assert {row["input"].split()[0] for row in measured} == {"kept", "fresh"}
    for row in measured:
        assert "misses its bound" in row["reason"] and not row["passed"]
        assert row["max_error"] > 100 * row["bound"]


def test_errors_of_latents_are_judged_by_the_largest_of_them(tmp_path):
    pipeline = with_random_weights("vae_tiny")
    pipeline.encoder.get_layer("mean").bias.assign([50.0, 0, 0])
    found = verify(export(pipeline, tmp_path / "out"), pipeline)
    assert found["passed"], report.text(found)
    judged = [row for row in found["rows"] if row["runtime"]]
    for part, least, most in (("encoder", 40, 60), ("decoder", 1, 1)):
        units = [row["bound"] / NET_BOUND for row in judged if part in row["artifact"]]
        assert len(units) >= 8
        assert least <= min(units) <= max(units) <= most


def test_an_export_of_other_weights_fails(denoiser, other_export):
    found = verify(other_export, denoiser)
    assert "exported were weights" in rows_of(found, "net")[0]["reason"]
    measured = [row for row in found["rows"] if row["runtime"]]
    fresh = [row for row in measured if row["input"].startswith("fresh")]
    assert {row["artifact"] for row in fresh} == set(QUICK)
    assert not any(row["passed"] for row in fresh)
    kept = {row["artifact"] for row in measured if row["input"].startswith("kept")}
    assert kept == {"net", *QUICK}
    assert not rows_of(found, "net")[1]["passed"], "the net does not give what the export keeps"


def test_a_file_that_cannot_run_is_a_failed_row(damaged, denoiser):
    shutil.rmtree(damaged / "saved_model")
    about = read_manifest(damaged)
    for path in damaged.glob("*.tflite"):
        path.write_bytes(b"TFL3 but nothing else")
        about["files"][path.name] = facts_of_file(path)
    files.write_json(damaged / "export.json", about)
    reasons = [row["reason"] for row in rows_of(verify(damaged, denoiser), "float32_free")]
    assert "does not run in LiteRT" in reasons[1]


def test_an_untrained_net_cannot_judge():
    pipeline = zoo.load("dncnn_tiny", weights=None)
    part = parts(pipeline)[0]
    for case in references.fresh(pipeline, part, part.shape, seed=0):
        row = compare(Row("saved_model", "", case.label, bound=1e-5), case, case.expected)
        assert (row.passed, row.max_error) == (False, 0)
        assert "equals the input" in row.reason


@pytest.mark.parametrize(
    ("expected", "reason"),
    [
        ([[0.2, np.nan, 0.8]], "not finite"),
        ([[1 / 3, 1 / 3, 1 / 3]], "constant"),
        ([[0.1, 0.2, 0.7], [0.1, 0.2, 0.7]], "same for different inputs"),
        ([[0.1, 0.2, 0.7], [0.7, 0.2, 0.1]], ""),
    ],
)
def test_degenerate_probabilities_cannot_judge(classifier, expected, reason):
    expected = np.array(expected, np.float32)
    found = references.flaw(classifier.spec, np.zeros((len(expected), 12, 12, 1)), expected)
    assert reason in found and bool(reason) == bool(found)


def test_results_that_cannot_be_compared_fail(classifier):
    case = references.fresh(classifier, parts(classifier)[0], (1, 12, 12, 1), seed=0)[0]
    row = Row("saved_model", "", case.label, bound=1e-5)
    assert "shape [3, 2], expected [3, 3]" in compare(row, case, case.expected[:, :2]).reason
    assert "not finite" in compare(row, case, case.expected * np.nan).reason


def test_rounded_numbers_are_judged_by_the_picture_not_by_its_worst_pixel(classifier):
    case = references.fresh(classifier, parts(classifier)[0], (1, 12, 12, 1), seed=0)[0]
    case = dataclasses.replace(case, expected=np.tile([[0.2], [0.7]], 400))
    row = Row("int8", "LiteRT", case.label, judged_by="rms_error", bound=FORMS["int8"].bound)
    one_edge, all_grey = case.expected.copy(), case.expected + 0.05
    one_edge[0, 3] += 0.3
    found = compare(row, case, one_edge)
    assert found.passed and found.max_error == pytest.approx(0.3)
    assert found.rms_error == pytest.approx(0.3 / 400**0.5), "of that picture, not of both"
    found = compare(row, case, all_grey)
    assert not found.passed and "misses its bound by a factor 1.25" in found.reason
    assert not compare(dataclasses.replace(row, judged_by="max_error"), case, one_edge).passed


def test_golden_is_left_out_where_the_weights_are_not_the_published(published):
    same, other = (with_random_weights("dncnn_tiny", seed) for seed in (0, 1))
    assert references.golden(same, parts(same)[0])
    assert not references.golden(other, parts(other)[0])


def test_golden_is_left_out_where_the_published_weights_are_of_an_earlier_net(
    published, denoiser, monkeypatch
):
    deeper = dataclasses.replace(denoiser.entry, build=lambda: dncnn(depth=4, width=4))
    monkeypatch.setattr(index, "entry", lambda _: deeper)
    made = loading.pipeline(deeper, deeper.build())
    assert not references.golden(made, parts(made)[0])


def test_a_folder_is_verified_by_the_weights_it_names(classifier, tmp_path):
    path = tmp_path / "w.h5"
    weights.save(classifier.net, path)
    folder = export(zoo.load(classifier.entry.name, path), tmp_path / "out")
    assert read_manifest(folder)["weights"]["source"] == str(path)
    assert verify_folder(folder)["passed"]
    assert files.read_json(folder / "report.json")["passed"]
    found = [row["artifact"] for row in measure(classifier, formats=QUICK).files]
    assert list(dict.fromkeys(found)) == list(QUICK)


def test_verifying_names_what_is_wrong_with_a_folder(classifier_export, denoiser, tmp_path):
    with pytest.raises(ZooError, match=r"no export: it holds no export\.json"):
        verify(tmp_path, denoiser)
    with pytest.raises(ZooError, match=r"export of cnn_tiny\.test, not of dncnn_tiny\.test"):
        verify(classifier_export, denoiser)
    (tmp_path / "export.json").write_text("[]")
    with pytest.raises(ZooError, match="holds no JSON object"):
        verify(tmp_path, denoiser)


@pytest.mark.parametrize("size", [100, 2_000, 20_000])
def test_a_full_disk_leaves_nothing(classifier, tmp_path, size):
    with files_no_larger_than(size), pytest.raises(ZooError, match="cannot be written"):
        export(classifier, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_earlier_export(classifier, classifier_export):
    before = read_manifest(classifier_export)
    with files_no_larger_than(2_000), pytest.raises(ZooError, match="cannot be written"):
        export(classifier, classifier_export)
    assert read_manifest(classifier_export) == before
    assert sorted(classifier_export.parent.iterdir()) == [classifier_export]


@pytest.mark.parametrize("last", ["golden.npz", "export.json"])
def test_a_disk_that_fills_up_at_the_end_leaves_nothing(denoiser, tmp_path, monkeypatch, last):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if last == "golden.npz":
        monkeypatch.setattr(np, "savez_compressed", full)
    else:
        monkeypatch.setattr(files, "write_json", full)
    with pytest.raises(ZooError, match="out cannot be written: No space left on device"):
        export(denoiser, tmp_path / "out", static_size=STATIC, formats="float32_static")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_calibration_folder_leaves_nothing(denoiser, tmp_path):
    pytest.importorskip("ai_edge_quantizer")
    (tmp_path / "none").mkdir()
    with pytest.raises(ZooError, match="no pictures in it"):
        export(
            denoiser, tmp_path / "out", formats="int8", calibration=f"folder:{tmp_path / 'none'}"
        )
    assert [path.name for path in tmp_path.iterdir()] == ["none"]


def test_a_cut_manifest_is_said(damaged, denoiser):
    path = damaged / "export.json"
    path.write_bytes(path.read_bytes()[:-20])
    for check in (verify_folder, lambda folder: verify(folder, denoiser)):
        with pytest.raises(ZooError, match=r"export\.json cannot be read"):
            check(damaged)


def test_a_manifest_of_another_export_fails_each_file(damaged, other_export, denoiser):
    shutil.copy(other_export / "export.json", damaged)
    rows = {row["artifact"]: row for row in verify(damaged, denoiser)["rows"] if row["reason"]}
    assert set(rows) == {"net", "golden", *QUICK}
    for key in ("golden", *QUICK):
        assert "export.json says" in rows[key]["reason"]


def test_verifying_without_litert_says_what_installs_it(classifier_export, classifier, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    for check in (verify_folder, lambda folder: verify(folder, classifier)):
        with pytest.raises(MissingExtra, match=r"pip install 'keras-image-zoo\[export\]'"):
            check(classifier_export)


def test_the_command_verifies_an_export_without_its_net(classifier_export):
    done = CliRunner().invoke(main, ["verify", str(classifier_export)])
    assert done.exit_code == 0, done.output
    assert "The net itself was not there" in done.output


def test_an_unwritable_path_is_said(classifier, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ZooError, match="cannot be written"):
        export(classifier, tmp_path / "file" / "out")
    with pytest.raises(ZooError, match="is a file"):
        export(classifier, tmp_path / "file")


@pytest.mark.parametrize("size", [0, -1, 2.5, "256"])
def test_a_static_size_that_is_none_is_refused(denoiser, tmp_path, size):
    with pytest.raises(ZooError, match="static size"):
        export(denoiser, tmp_path / "out", static_size=size)


def test_a_net_that_needs_flex_operators_is_refused(classifier, tmp_path, capfd):
    import keras

    image = keras.Input((12, 12, 1))
    small = keras.layers.Resizing(6, 6, interpolation="bicubic")(image)
    net = keras.Model(image, keras.layers.Flatten()(small))
    with pytest.raises(ZooError, match="builtin operators only: ResizeBicubic"):
        export(Classifier(classifier.entry, net), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_size_that_a_file_does_not_take_is_refused(denoiser_export, denoiser, classifier):
    part, other = parts(denoiser)[0], parts(classifier)[0]
    path = denoiser_export / "dncnn_tiny_float32_static.tflite"
    with pytest.raises(ZooError, match=r"\[1, 9, 9, 1\] came; the file takes \[1, 24, 24, 1\]"):
        tflite.opened(path, part)(np.zeros((1, 9, 9, 1), np.float32))
    with pytest.raises(ZooError, match="does not run in LiteRT"):
        tflite.opened(path, other)(np.zeros((1, STATIC, STATIC, 1), np.float32))


def test_without_litert_the_line_that_installs_it_is_said(classifier, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(MissingExtra, match=r"pip install 'keras-image-zoo\[export\]'"):
        export(classifier, tmp_path / "out")


def test_the_fresh_process_can_import_neither_zoo_nor_keras():
    runpy.run_path(fresh.__file__)  # defines, and does nothing
    code = (
        "import importlib, runpy, sys\n"
        "runpy.run_path(sys.argv[1])['forbid']()\n"
        "for name in ('zoo', 'keras'):\n"
        "    try: importlib.import_module(name)\n"
        "    except ImportError: print(name)\n"
    )
    assert in_second_process(code, fresh.__file__).split() == ["zoo", "keras"]


def test_saved_models_share_a_process_and_one_that_does_not_run_says_why(
    denoiser_export, denoiser, tmp_path
):
    part, values = parts(denoiser)[0], np.ones((1, 9, 9, 1), np.float32)
    model = denoiser_export / "saved_model"
    with saved_model.one_process():
        first, _ = saved_model.run(model, part, [values, values[:, :7]])
        with pytest.raises(ZooError, match=r"none does not run in a process .* \(exit status 1\)"):
            saved_model.run(tmp_path / "none", part, [values])
        again, _ = saved_model.run(model, part, [values, values[:, :7]])
    for one, other, given in zip(first, again, (values, values[:, :7]), strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_allclose(one, part.infer(given), atol=1e-5)
