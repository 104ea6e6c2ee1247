"""Exported files are whole, named, equal to their net, and caught where they are not."""

import contextlib
import contextvars
import dataclasses
import errno
import json
import os
import re
import resource
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import in_second_process
from tiny import with_random_weights

import zoo
from zoo import index, loading
from zoo.cli import main
from zoo.errors import MissingExtra, ZooError
from zoo.export import cases, child, isolated, report, tflite_editor, tflite_reader
from zoo.export.compared import Row, compare
from zoo.export.forms import FORMS, NET_BOUND, QUICK
from zoo.export.manifest import facts_of_file, read_manifest, write_manifest
from zoo.export.measure import measure
from zoo.export.runtimes import litert
from zoo.export.signature import static_inputs
from zoo.export.verify import verify, verify_folder
from zoo.export.write import export
from zoo.models.dncnn import dncnn
from zoo.storage import files, weights
from zoo.tasks.classifier import Classifier
from zoo.tasks.functions import functions

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
    function = functions(pipeline)[0]
    found = cases.fresh(pipeline, function, function.inputs, seed)
    assert [case.flaw for case in found] == [""] * len(found)
    again = cases.fresh(pipeline, function, function.inputs, seed + 1)
    assert not np.array_equal(found[0].values, again[0].values)


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
        assert inputs[:2] == ["files", "signature"] and set(inputs[2:]) == {"kept"}


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
    write_manifest(damaged, about)
    flip_byte(damaged / "dncnn_tiny_float32_static.tflite")
    found = verify_folder(damaged, trust=True)
    bad = {row["artifact"]: row["reason"] for row in found["rows"] if not row["passed"]}
    assert set(bad) == {"float32_free", "float32_static"}
    assert "misses its bound" in bad["float32_free"]
    assert "was changed: its SHA-256 is" in bad["float32_static"]


def test_a_golden_that_cannot_judge_does_not_pass(damaged):
    with np.load(damaged / "golden.npz") as arrays:
        golden = dict(arrays)
    pixels, result = golden["pixels"], golden["result"]
    reasons = error_metric(damaged, pixels=pixels, result=pixels.astype(np.float32) / 255)
    assert reasons and all("equals the input" in reason for reason in reasons)
    reasons = error_metric(damaged, pixels=pixels[:, 1:], result=result[:, 1:])
    assert reasons.count("no golden.npz that fits it") == 1  # the static file is of another size
    flip_byte(damaged / "golden.npz")
    found = verify_folder(damaged, trust=True)
    changed, *others = (row["reason"] for row in found["rows"] if row["reason"])
    assert "golden.npz was changed" in changed
    assert others == ["no golden.npz that fits it"] * len(QUICK)
    with pytest.raises(ZooError, match=r"golden\.npz: expected an array result"):
        error_metric(damaged, pixels=pixels)


def test_an_export_that_keeps_no_golden_needs_its_net(damaged, denoiser):
    about = read_manifest(damaged)
    del about["files"]["golden.npz"]
    write_manifest(damaged, about)
    with pytest.raises(ZooError, match=r"is not here: the export does not say .* load the net"):
        verify_folder(damaged)
    found = verify(damaged, denoiser, trust=True)
    assert [row["artifact"] for row in found["rows"] if not row["passed"]] == ["golden"]


@pytest.mark.parametrize("key", ["artifacts", "formats", "form"])
def test_a_manifest_that_was_changed_is_said(damaged, key):
    about = read_manifest(damaged)
    if key == "form":
        del about["artifacts"]["float32_free"]["form"]
    else:
        del about[key]["float32_free" if key == "artifacts" else 1]
    files.write_json(damaged / "export.json", about)
    with pytest.raises(ZooError, match=r"not what `zoo export` writes: (its formats|export\.json)"):
        verify_folder(damaged)


def error_metric(folder, **golden) -> list[str]:
    """Puts a golden into an export, recorded as it should be; returns what is then wrong."""
    about, path = read_manifest(folder), folder / "golden.npz"
    np.savez(path, **golden)
    about["files"][path.name] = facts_of_file(path)
    write_manifest(folder, about)
    found = verify_folder(folder, trust=True)
    return [row["reason"] for row in found["rows"] if not row["passed"]]


def test_names_shapes_and_operators_of_tflite_files(denoiser_export, classifier_export):
    free = signature(denoiser_export / "dncnn_tiny_float32_free.tflite")
    assert free == ({"image": [-1, -1, -1, 1]}, {"restored": [-1, -1, -1, 1]})
    static = signature(denoiser_export / "dncnn_tiny_float32_static.tflite")
    assert static == ({"image": [1, STATIC, STATIC, 1]}, {"restored": [1, STATIC, STATIC, 1]})
    free = signature(classifier_export / "cnn_tiny_float32_free.tflite")
    assert free == ({"image": [-1, 12, 12, 1]}, {"probs": [-1, 3]})
    for path in [*denoiser_export.glob("*.tflite"), *classifier_export.glob("*.tflite")]:
        found = tflite_reader.operators(path.read_bytes())
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
    assert about["artifacts"]["float32_static"]["inputs"][0] == {
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
    before = (damaged / "export.json").read_bytes()
    with pytest.raises(ZooError, match=r"holds an export of dncnn_tiny\.test, which would be lost"):
        export(classifier, damaged)
    assert (damaged / "export.json").read_bytes() == before
    out = export(classifier, tmp_path / "out")
    (out / "cnn_tiny_int8.tflite").write_bytes(b"mine")
    with pytest.raises(ZooError, match=r"holds cnn_tiny_int8\.tflite"):
        export(classifier, out)
    (out / "cnn_tiny_int8.tflite").unlink()
    (out / "cnn_tiny_float32_free.tflite").write_bytes(b"damaged")
    assert verify(export(classifier, out), classifier)["passed"]
    (out / "notes.txt").write_text("mine")
    with pytest.raises(ZooError, match=r"holds notes\.txt"):
        export(classifier, out)
    assert (out / "notes.txt").read_text() == "mine"


def test_pictures_calibrate_no_generator(tmp_path):
    generator = with_random_weights("dcgan_tiny")
    with pytest.raises(ZooError, match="takes latents, which are drawn, and no pictures"):
        export(generator, tmp_path / "out", formats=["int8"], calibration="folder:photos")


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
    write_manifest(damaged, about | {"files": kept})
    reasons = [row["reason"] for row in verify(damaged, denoiser)["rows"][2:]]
    assert reasons == [
        "export.json does not list golden.npz",
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
    write_manifest(damaged, about)
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
    for function, least, most in (("encoder", 40, 60), ("decoder", 1, 1)):
        units = [row["bound"] / NET_BOUND for row in judged if function in row["artifact"]]
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
    write_manifest(damaged, about)
    reasons = [row["reason"] for row in rows_of(verify(damaged, denoiser), "float32_free")]
    assert "does not run in LiteRT" in reasons[1]


def test_an_untrained_net_cannot_judge():
    pipeline = zoo.load("dncnn_tiny", weights=None)
    function = functions(pipeline)[0]
    for case in cases.fresh(pipeline, function, function.inputs, seed=0):
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
    found = cases.flaw(classifier.spec, np.zeros((len(expected), 12, 12, 1)), expected)
    assert reason in found and bool(reason) == bool(found)


@pytest.mark.parametrize("name", ["dncnn_tiny", "srcnn_tiny", "sesr_tiny"])
def test_an_untrained_net_that_restores_is_no_reference(name):
    made = zoo.load(name, weights=None)
    values = np.random.default_rng(0).random((2, 9, 12, 1), np.float32)
    assert "is the net trained" in cases.flaw(made.spec, values, made.infer(values))


def test_results_that_cannot_be_compared_fail(classifier):
    (function,) = functions(classifier)
    case = cases.fresh(classifier, function, static_inputs(function, 12), seed=0)[0]
    row = Row("saved_model", "", case.label, bound=1e-5)
    assert "shape [3, 2], expected [3, 3]" in compare(row, case, case.expected[:, :2]).reason
    assert "not finite" in compare(row, case, case.expected * np.nan).reason


def test_rounded_numbers_are_judged_by_the_picture_not_by_its_worst_pixel(classifier):
    (function,) = functions(classifier)
    case = cases.fresh(classifier, function, static_inputs(function, 12), seed=0)[0]
    case = dataclasses.replace(case, expected=np.tile([[0.2], [0.7]], 400))
    row = Row("int8", "LiteRT", case.label, error_metric="rms_error", bound=FORMS["int8"].bound)
    one_edge, all_grey = case.expected.copy(), case.expected + 0.05
    one_edge[0, 3] += 0.3
    found = compare(row, case, one_edge)
    assert found.passed and found.max_error == pytest.approx(0.3)
    assert found.rms_error == pytest.approx(0.3 / 400**0.5), "of that picture, not of both"
    found = compare(row, case, all_grey)
    assert not found.passed and "misses its bound by a factor 1.25" in found.reason
    assert not compare(dataclasses.replace(row, error_metric="max_error"), case, one_edge).passed


def test_golden_is_left_out_where_the_weights_are_not_the_published(published):
    same, other = (with_random_weights("dncnn_tiny", seed) for seed in (0, 1))
    assert cases.golden(same, functions(same)[0])
    assert not cases.golden(other, functions(other)[0])


def test_golden_is_left_out_where_the_published_weights_are_of_an_earlier_net(
    published, denoiser, monkeypatch
):
    deeper = dataclasses.replace(denoiser.entry, build=lambda: dncnn(depth=4, width=4))
    monkeypatch.setattr(index, "entry", lambda _: deeper)
    made = loading.pipeline(deeper, deeper.build())
    assert not cases.golden(made, functions(made)[0])


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
    with pytest.raises(ZooError, match="expected a JSON object, got a list"):
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
    function, other = functions(denoiser)[0], functions(classifier)[0]
    path = denoiser_export / "dncnn_tiny_float32_static.tflite"
    with pytest.raises(ZooError, match=r"shape \[1, 24, 24, 1\], got \[1, 9, 9, 1\]"):
        litert.open(path, function)(np.zeros((1, 9, 9, 1), np.float32))
    with pytest.raises(ZooError, match="does not run in LiteRT"):
        litert.open(path, other)(np.zeros((1, STATIC, STATIC, 1), np.float32))


def test_without_litert_the_line_that_installs_it_is_said(classifier, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(MissingExtra, match=r"pip install 'keras-image-zoo\[export\]'"):
        export(classifier, tmp_path / "out")


def test_the_fresh_process_can_import_neither_zoo_nor_keras():
    runpy.run_path(child.__file__)  # defines, and does nothing
    code = (
        "import importlib, runpy, sys\n"
        "runpy.run_path(sys.argv[1])['forbid'](['zoo', 'keras'])\n"
        "for name in ('zoo', 'keras'):\n"
        "    try: importlib.import_module(name)\n"
        "    except ImportError: print(name)\n"
    )
    assert in_second_process(code, child.__file__).split() == ["zoo", "keras"]


def test_saved_models_share_a_process_and_one_that_does_not_run_says_why(
    denoiser_export, denoiser, tmp_path
):
    function, values = functions(denoiser)[0], np.ones((1, 9, 9, 1), np.float32)
    model = denoiser_export / "saved_model"
    with isolated.shared_processes():
        first = isolated.run("saved_model", model, function, [values, values[:, :7]])
        with pytest.raises(ZooError, match=r"none does not run in TensorFlow: .*none"):
            isolated.run("saved_model", tmp_path / "none", function, [values])
        again = isolated.run("saved_model", model, function, [values, values[:, :7]])
    assert first.ends == [{"image": [None, None, None, 1]}, {"restored": [None, None, None, 1]}]
    for one, other, given in zip(
        first.results, again.results, (values, values[:, :7]), strict=True
    ):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_allclose(one, function.infer(given), atol=1e-5)


@pytest.fixture
def child_that(tmp_path, monkeypatch):
    """Makes the processes that run files do something first, where the file is of one form."""
    own, runs = Path(child.__file__), "    module = engine(runtime, forbidden)\n"
    monkeypatch.setattr(isolated, "_shared", contextvars.ContextVar("own", default=None))
    (tmp_path / "runtimes").symlink_to(own.with_name("runtimes"))

    def make(does: str, form: str) -> None:
        script = tmp_path / "child.py"
        text = own.read_text()
        assert runs in text
        script.write_text(text.replace(runs, f"{runs}    if {form!r} in file: {does}\n"))
        monkeypatch.setattr(child, "__file__", str(script))

    return make


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("os.kill(os.getpid(), 11)", r"it ended the process \(SIGSEGV\)"),
        (
            "print('why', file=sys.stderr); os._exit(3)",
            r"it ended the process \(exit status 3\): why",
        ),
    ],
)
def test_a_file_that_takes_its_runtime_along_fails_alone(
    does, reason, child_that, denoiser_export, denoiser
):
    child_that(does, "float32_free")
    found = verify(denoiser_export, denoiser)
    bad = [row for row in found["rows"] if not row["passed"]]
    assert {row["artifact"] for row in bad} == {"float32_free"}
    assert re.search(f"float32_free.tflite does not run in LiteRT: {reason}", bad[0]["reason"])
    assert {row["artifact"] for row in found["rows"]} >= {"saved_model", "float32_static"}


def test_a_forged_file_is_a_failed_row_whatever_it_does_to_a_runtime(classifier, tmp_path):
    """OpenVINO 2026.4 divides by the size of kernels, which is 0 here."""
    folder = export(classifier, tmp_path / "out", formats="float32_free")
    path, about = folder / "cnn_tiny_float32_free.tflite", read_manifest(folder)
    model = tflite_reader.read(path.read_bytes())
    for tensor in model.subgraphs[0].tensors:
        held = model.buffers[tensor.buffer].data
        if held is not None and tensor.shape is not None and len(tensor.shape) == 4:
            tensor.shape = np.zeros(4, np.int32)
    path.write_bytes(tflite_editor.written(model, 9999))
    about["files"][path.name] = facts_of_file(path)
    write_manifest(folder, about)
    rows = rows_of(verify(folder, classifier), "float32_free")
    assert len(rows) >= 2 and not any(row["passed"] for row in rows[1:])


def test_the_names_inside_a_file_do_not_rule_the_terminal(classifier, tmp_path):
    folder = export(classifier, tmp_path / "out", formats="float32_free")
    path, about = folder / "cnn_tiny_float32_free.tflite", read_manifest(folder)
    model = tflite_reader.read(path.read_bytes())
    for side in (model.signatureDefs[0].inputs, model.subgraphs[0].tensors):
        side[0].name = "image\x1b[2J"
    path.write_bytes(tflite_editor.written(model, 9999))
    about["files"][path.name] = facts_of_file(path)
    write_manifest(folder, about)
    found = verify(folder, classifier)
    assert not found["passed"] and "\x1b" not in report.text(found)
    with pytest.raises(ZooError) as caught:
        zoo.load("cnn_tiny", folder, runtime="litert")
    assert "\x1b" not in str(caught.value)


def test_a_file_that_never_ends_is_given_up(child_that, classifier, tmp_path, monkeypatch):
    folder = export(classifier, tmp_path / "out", formats="float32_free")
    child_that("import time; time.sleep(600)", "float32_free")
    monkeypatch.setattr(isolated, "LIMIT", 1)
    reasons = [row["reason"] for row in verify(folder, classifier)["rows"] if not row["passed"]]
    assert reasons and all("it took longer than 1 s" in reason for reason in reasons)


def test_whatever_ends_a_verification_leaves_no_report_of_an_earlier_one(damaged, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    (damaged / "report.json").write_text('{"passed": true}')
    monkeypatch.setattr("zoo.export.verify.verify_alone", interrupted)
    with pytest.raises(KeyboardInterrupt):
        verify_folder(damaged)
    assert not (damaged / "report.json").exists()


def forge(folder, change, honest: bool) -> None:
    """Changes what an export says of itself; an honest one forgets the digest."""
    about = read_manifest(folder)
    change(about)
    write = files.write_json if honest else lambda path, about: write_manifest(path.parent, about)
    write(folder / "export.json", about)


@pytest.mark.parametrize("honest", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        lambda about: about["labels"].reverse(),
        lambda about: about["labels"].pop(),
        lambda about: about.update(task="denoise"),
        lambda about: about["licence"].update(weights="CC0"),
        lambda about: about.update(signature="other"),
        lambda about: about["artifacts"]["float32_free"]["inputs"][0].update(range=[0.0, 255.0]),
        lambda about: about["artifacts"]["float32_free"]["inputs"][0].update(shape=[None, 9, 9, 3]),
        lambda about: about["artifacts"]["float32_free"]["inputs"][0].update(name="pixels"),
        lambda about: about["artifacts"]["float32_free"]["inputs"][0].update(dtype="uint8"),
        lambda about: about["artifacts"]["float32_free"]["outputs"][0].update(name="logits"),
        lambda about: about["artifacts"]["float32_free"]["outputs"][0].update(shape=[None, 4]),
        lambda about: about["artifacts"]["float32_free"].update(constants={}),
        lambda about: about.update(latent=3),
        lambda about: about.update(scale=2),
    ],
)  # fmt: skip
def test_nothing_that_an_export_says_can_be_changed(
    change, honest, classifier_export, classifier, tmp_path
):
    folder = shutil.copytree(classifier_export, tmp_path / "forged")
    forge(folder, change, honest)
    for found in (verify(folder, classifier, trust=True), verify_folder(folder, trust=True)):
        failed = {row["artifact"] for row in found["rows"] if not row["passed"]}
        assert failed & {"export", "labels", "float32_free"} and not found["passed"]


def test_the_order_of_the_labels_is_that_of_the_net(classifier_export, classifier, tmp_path):
    """Whatever a forger changed with it."""
    folder = shutil.copytree(classifier_export, tmp_path / "forged")
    about = read_manifest(folder)
    about["labels"].reverse()
    (folder / "labels.txt").write_text("".join(f"{label}\n" for label in about["labels"]))
    about["files"]["labels.txt"] = facts_of_file(folder / "labels.txt")
    write_manifest(folder, about)
    found = verify(folder, classifier, trust=True)
    failed = {row["artifact"]: row["reason"] for row in found["rows"] if not row["passed"]}
    assert set(failed) == {"export", "labels"}
    assert "export.json says labels ['right', 'middle', 'left'], expected" in failed["export"]


@pytest.mark.parametrize("honest", [True, False])
def test_changed_labels_are_not_served(honest, classifier_export, tmp_path):
    folder = shutil.copytree(classifier_export, tmp_path / "forged")
    forge(folder, lambda about: about["labels"].reverse(), honest)
    with pytest.raises(ZooError, match=r"export.json was changed|labels.txt has other classes"):
        zoo.load("cnn_tiny", folder, runtime="litert")
    about = read_manifest(folder)
    about["labels"] = ["left", "right"]
    (folder / "labels.txt").write_text("left\nright\n")
    about["files"]["labels.txt"] = facts_of_file(folder / "labels.txt")
    write_manifest(folder, about)
    with pytest.raises(ZooError, match="expected 2 classes, got 3"):
        zoo.load("cnn_tiny", folder, runtime="litert")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda about: about["weights"].update(sha256=None), "sha256: expected text, got null"),
        (lambda about: about.update(labels=2.5), "labels: expected a list, got a number"),
        (lambda about: about.update(labels=["a", 3]), r"labels\[1\]: expected text, got a whole"),
        (lambda about: about.update(labels=["a", "\x1b[2J"]), "a control character, '.x1b'"),
        (lambda about: about.update(labels=["a", "b\u202ec"]), "turns the direction of text"),
        (lambda about: about.update(files=[]), "files: expected an object, got a list"),
        (lambda about: about["files"].update({"../x": {"sha256": "", "bytes": 0}}), "no path of"),
        (lambda about: about["files"].update({"/etc/x": {"sha256": "", "bytes": 0}}), "no path of"),
        (lambda about: about["files"].update({"c:\\x": {"sha256": "", "bytes": 0}}), "no path of"),
        (lambda about: about["artifacts"]["float32_free"].update(path="x.tflite"), "its path cnn"),
        (lambda about: about["artifacts"]["float32_free"].update(form="int4"), "a form is 'int4'"),
        (lambda about: about.update(extra=1), "has 'extra', which is not expected"),
        (lambda about: about.pop("digest"), "export.json has no digest"),
        (lambda about: about.update(formats=["onnx"]), "its formats are"),
    ],
)  # fmt: skip
def test_a_manifest_of_other_kinds_is_refused_at_the_door(change, why, damaged_classifier):
    forge(damaged_classifier, change, honest=True)
    for use in (verify_folder, lambda folder: zoo.load("cnn_tiny", folder, runtime="litert")):
        with pytest.raises(ZooError, match=why):
            use(damaged_classifier)


@pytest.fixture
def damaged_classifier(classifier_export, tmp_path):
    return shutil.copytree(classifier_export, tmp_path / "damaged")


def test_brackets_without_end_are_refused(damaged_classifier):
    (damaged_classifier / "export.json").write_text("[" * 200_000)
    with pytest.raises(ZooError, match="cannot be read"):
        verify_folder(damaged_classifier)


@pytest.mark.parametrize("whole", [True, False])
def test_links_are_not_followed(whole, damaged_classifier, classifier, tmp_path):
    name = "saved_model" if whole else "cnn_tiny_float32_free.tflite"
    (damaged_classifier / name).rename(tmp_path / "elsewhere")
    (damaged_classifier / name).symlink_to(tmp_path / "elsewhere")
    bad = [row for row in verify(damaged_classifier, classifier)["rows"] if not row["passed"]]
    assert {row["artifact"] for row in bad} == {"saved_model" if whole else "float32_free"}
    assert "is a link, or in one" in bad[0]["reason"]


def test_a_saved_model_from_elsewhere_runs_only_on_trust(damaged_classifier, monkeypatch, tmp_path):
    about = read_manifest(damaged_classifier)
    about["versions"]["zoo"] = "of another machine"
    write_manifest(damaged_classifier, about)
    done = CliRunner().invoke(main, ["verify", str(damaged_classifier)])
    assert done.exit_code == 1
    assert re.search("saved_model, all: it was not run: a SavedModel is a program", done.output)
    assert CliRunner().invoke(main, ["verify", str(damaged_classifier), "--trust"]).exit_code == 0


def test_another_process_knows_what_was_exported_here(classifier_export, monkeypatch):
    monkeypatch.setattr("zoo.export.provenance._made_here", set())
    assert verify_folder(classifier_export)["passed"]
    monkeypatch.setenv("ZOO_CACHE", os.devnull)
    assert not verify_folder(classifier_export)["passed"]


def test_weights_that_an_export_from_elsewhere_names_are_not_read(classifier, tmp_path):
    folder = export(classifier, tmp_path / "out", formats="float32_free")
    weights.save(classifier.net, tmp_path / "w.h5")
    for source, why in [(tmp_path / "w.h5", "was not read"), ("/dev/zero", "was not read")]:
        forge(folder, lambda about, s=source: about["weights"].update(source=str(s)), honest=False)
        assert why in verify_folder(folder)["net_missing"]
    assert "no such file" in verify_folder(folder, trust=True)["net_missing"]


@pytest.mark.parametrize("size", [0.1, 0.5, 0.9])
def test_a_cut_golden_is_said(size, damaged_classifier):
    path, about = damaged_classifier / "golden.npz", read_manifest(damaged_classifier)
    os.truncate(path, int(size * path.stat().st_size))
    about["files"][path.name] = facts_of_file(path)
    write_manifest(damaged_classifier, about)
    with pytest.raises(ZooError, match=r"golden\.npz is damaged"):
        verify_folder(damaged_classifier)


@pytest.mark.parametrize(
    "arrays",
    [
        {"pixels": np.array("text"), "result": np.zeros((1, 3), np.float32)},
        {"pixels": np.uint8(3), "result": np.zeros((1, 3), np.float32)},
        {"pixels": np.zeros((0, 12, 12, 1), np.uint8), "result": np.zeros((0, 3))},
        {"pixels": np.zeros((2, 12, 12, 1), np.uint8), "result": np.zeros((1, 3), np.float32)},
        {"pixels": np.zeros((2, 12), np.uint8), "result": np.zeros((2, 3))},
        {"pixels": np.zeros((2, 12, 12, 1), np.uint8), "result": np.array(["a", "b"])},
    ],
)
def test_a_golden_of_other_kinds_is_said(arrays, damaged_classifier):
    with pytest.raises(ZooError, match=r"golden\.npz: expected"):
        error_metric(damaged_classifier, **arrays)


def test_a_users_file_deep_in_an_export_is_not_lost(classifier, damaged_classifier):
    (damaged_classifier / "saved_model" / "mine.txt").write_text("mine")
    with pytest.raises(ZooError, match=r"holds saved_model/mine\.txt"):
        export(classifier, damaged_classifier)
    assert (damaged_classifier / "saved_model" / "mine.txt").read_text() == "mine"
