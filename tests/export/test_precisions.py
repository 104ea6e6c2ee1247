"""Smaller and other files of a net: near to it, what their names say, and refused with a reason."""

import shutil
import sys

import keras
import numpy as np
import pytest
from conftest import needs, needs_package
from PIL import Image
from tiny import data_for, scene, with_random_weights

import zoo
from zoo.data import calibration as samples
from zoo.errors import MissingExtra, ZooError
from zoo.export import calibration, convert, quantize, report, tflite_reader
from zoo.export.artifacts import artifacts
from zoo.export.forms import FORMS, QUICK
from zoo.export.manifest import facts_of_file, read_manifest, write_manifest
from zoo.export.runtimes import litert, onnx
from zoo.export.verify import verify
from zoo.export.write import export
from zoo.images.pixels import to_uint8
from zoo.tasks.functions import functions
from zoo.training import fused

SMALL = ("float16", "dynamic_range", "int8", "uint8")


quantizer = needs_package("ai_edge_quantizer")


@pytest.fixture(scope="module")
def pictures(classifier, tmp_path_factory):
    """Pictures to calibrate on, by the task of who asks."""
    scenes = tmp_path_factory.mktemp("scenes")
    for seed in range(4):
        pixels = scene(np.random.default_rng(seed), 50, 61)
        Image.fromarray(pixels).save(scenes / f"{seed}.png")
    labelled = data_for(classifier.entry, tmp_path_factory.mktemp("labelled"))
    return {"classify": labelled, "denoise": f"folder:{scenes}"}


@pytest.fixture(scope="module")
def small(classifier, pictures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("small") / "out"
    return export(classifier, folder, formats=SMALL, calibration=pictures["classify"])


@pytest.fixture(scope="module")
def small_denoiser(denoiser, pictures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("small") / "out"
    return export(denoiser, folder, formats=SMALL[:3], calibration=pictures["denoise"])


@quantizer
def test_all_precisions_verify(small, small_denoiser, classifier, denoiser):
    for folder, pipeline in ((small, classifier), (small_denoiser, denoiser)):
        found = verify(folder, pipeline)
        assert found["passed"], report.text(found)
        measured = {row["artifact"] for row in found["rows"] if row["runtime"]}
        assert measured == {"net", *read_manifest(folder)["formats"]}


@quantizer
def test_files_are_what_their_names_say(small, small_denoiser):
    for folder in (small, small_denoiser):
        about = read_manifest(folder)["artifacts"]
        assert about["float16"]["constants"]["float16"]["tensors"] >= 2
        for form in set(about) - {"float16"}:
            assert about[form]["constants"]["int8"]["tensors"] >= 1
        for form in set(about) & {"int8", "uint8"}:
            data = (folder / about[form]["path"]).read_bytes()
            outer = 2 if folder == small_denoiser else 0  # which pass the picture itself on
            assert len(tflite_reader.in_float(data, quantize.WEIGHTED)) == outer
            assert about[form]["constants"]["int32"]["tensors"] >= 1
    steps = tflite_reader.operations((small_denoiser / "dncnn_tiny_int8.tflite").read_bytes())
    kinds = [step.kind for step in steps]
    assert kinds.index("DEQUANTIZE") < kinds.index("SUB"), "the noise is subtracted in float32"


@quantizer
def test_uint8_files_take_and_give_bytes(small):
    from ai_edge_litert.interpreter import Interpreter

    about = read_manifest(small)["artifacts"]["uint8"]
    end = about["inputs"][0]
    assert (end["dtype"], end["zero_point"]) == ("uint8", 0)
    assert end["scale"] == pytest.approx(1 / 255)
    runner = Interpreter(str(small / about["path"])).get_signature_runner("serve")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 12, 12, 1), np.uint8)
    probs = runner(image=pixels)["probs"]
    assert (probs.dtype, probs.shape) == (np.uint8, (2, 3))
    assert np.abs(probs.astype(int).sum(1) - 256).max() <= 3


@quantizer
def test_precisions_are_byte_equal_for_the_same_weights(
    denoiser, pictures, small_denoiser, tmp_path
):
    twin = zoo.load("dncnn_tiny", weights=None)
    twin.net.set_weights(denoiser.net.get_weights())
    again = export(twin, tmp_path / "again", formats=SMALL[:3], calibration=pictures["denoise"])
    for path in small_denoiser.glob("*.tflite"):
        assert path.read_bytes() == (again / path.name).read_bytes()


@quantizer
def test_a_changed_precision_is_a_failed_row(small, classifier, tmp_path):
    damaged = shutil.copytree(small, tmp_path / "damaged")
    path = damaged / "cnn_tiny_int8.tflite"
    path.write_bytes(path.read_bytes()[:-8])
    (damaged / "labels.txt").write_text("right\nmiddle\nleft\n")
    rows = {r["artifact"]: r for r in verify(damaged, classifier)["rows"] if not r["passed"]}
    assert set(rows) == {"int8", "labels"}
    assert "bytes, export.json says" in rows["int8"]["reason"]


@quantizer
def test_a_rounded_file_of_other_weights_misses_its_bound(
    small_denoiser, denoiser, pictures, tmp_path
):
    other = with_random_weights("dncnn_tiny", seed=9)
    theirs = export(other, tmp_path / "other", formats=SMALL[:3], calibration=pictures["denoise"])
    mixed = shutil.copytree(small_denoiser, tmp_path / "mixed")
    about = read_manifest(mixed)
    for path in mixed.glob("*.tflite"):
        shutil.copy(theirs / path.name, path)
        about["files"][path.name] = facts_of_file(path)
    write_manifest(mixed, about)
    found = [row for row in verify(mixed, denoiser)["rows"] if row["error_metric"] == "rms_error"]
    assert {row["artifact"] for row in found} == set(SMALL[:3])
    for row in found:
        assert "misses its bound" in row["reason"] and not row["passed"]


@needs_package("tf2onnx", "onnxruntime")
def test_onnx_verifies_and_without_its_runtime_the_row_says_what_installs_it(
    denoiser, tmp_path, monkeypatch
):
    folder = export(denoiser, tmp_path / "out", formats="onnx")
    found = verify(folder, denoiser)
    assert found["passed"], report.text(found)
    assert "fresh 37x52 x3" in {row["input"] for row in found["rows"]}
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    row = verify(folder, denoiser)["rows"][-1]
    assert not row["passed"]
    assert "pip install 'keras-image-zoo[onnx]'" in row["reason"]


@needs_package("tf2onnx", "onnxruntime")
def test_onnx_has_the_shape_of_the_net_each_time_it_is_made(denoiser, tmp_path):
    (function,), values = functions(denoiser), np.zeros((1, 20, 30, 1), np.float32)
    model, path = tmp_path / "model", tmp_path / "file.onnx"
    convert.to_saved_model(function, model, function.inputs)
    for _ in range(12):  # the converter's choices hang on names, which it numbers
        path.write_bytes(convert.to_onnx(model, function))
        assert onnx.open(path, function)(values).shape == values.shape


@quantizer
def test_int8_of_separated_layers_keeps_the_layout_and_the_last_layer_in_float(pictures, tmp_path):
    made = with_random_weights("srcnn_small_x3")
    folder = export(made, tmp_path / "out", formats=("int8",), calibration=pictures["denoise"])
    (data,) = (path.read_bytes() for path in folder.glob("*.tflite"))
    kinds = [step.kind for step in tflite_reader.operations(data)]
    enlarging = kinds.count("CONV_2D") - 5
    assert len(tflite_reader.in_float(data, ("CONV_2D",))) == enlarging + 3


@quantizer
def test_int8_joins_the_first_layers_of_two_inputs_in_float(pictures, tmp_path):
    made = with_random_weights("ffdnet_tiny")
    folder = export(made, tmp_path / "out", formats=("int8",), calibration=pictures["denoise"])
    (data,) = (path.read_bytes() for path in folder.glob("*.tflite"))
    kinds = [step.kind for step in tflite_reader.operations(data)]
    assert kinds.index("ADD") < kinds.index("QUANTIZE") < len(kinds) - 3
    twin = fused.fused_twin(made.net, quantization_aware=True)
    rounds = {layer.name: type(layer) for layer in twin.layers}
    assert rounds["conv1"] is rounds["conv1_level"] is keras.layers.Conv2D is not rounds["conv2"]


@quantizer
@pytest.mark.parametrize(
    "name, function, form, any_batch",
    [("dcgan_mnist", "", "int8", False), ("vae_tiny", "decoder_", "float16", True)],
)
def test_small_files_of_wide_transposed_convolutions_take_a_batch_of_one(
    name, function, form, any_batch, tmp_path
):
    """LiteRT has its fast kernel only where the size of the result stands in the file."""
    pipeline, forms = with_random_weights(name), ("float32_free", form)
    folder = export(pipeline, tmp_path / "out", formats=forms)
    found = verify(folder, pipeline)
    assert found["passed"], report.text(found)
    made = [(folder / f"{name}_{function}{form}.tflite").read_bytes() for form in forms]
    assert ["PACK" in tflite_reader.operators(data) for data in made] == [True, any_batch]


@quantizer
def test_int8_of_an_encoder_keeps_what_gives_the_latents_in_float(pictures, tmp_path):
    made = with_random_weights("vae_tiny")
    folder = export(made, tmp_path / "out", formats=("int8",), calibration=pictures["denoise"])
    encoder = (folder / "vae_tiny_encoder_int8.tflite").read_bytes()
    assert tflite_reader.in_float(encoder, quantize.WEIGHTED) == ["FULLY_CONNECTED"] * 2


@quantizer
def test_of_many_digits_none_is_another_in_int8(tmp_path):
    made = zoo.load("mlp_gan_mnist")
    (path,) = export(made, tmp_path / "out", formats=("int8",)).glob("*_int8.tflite")
    (function,) = functions(made)
    codes = made.codes(500, seed=5)
    off = litert.open(path, function)(codes) - function.infer(codes)
    assert np.square(off).mean(axis=(1, 2, 3)).max() ** 0.5 < FORMS["int8"].bound


@quantizer
@pytest.mark.parametrize("name", ["dncnn_tiny", "srcnn_small_x3"])
def test_training_rounds_as_the_int8_file_does(name, pictures, tmp_path, monkeypatch):
    made = with_random_weights(name)
    monkeypatch.setattr(quantize, "_cuts_outliers", lambda _: False)  # nor does training
    monkeypatch.setattr(fused, "_STEPS", 255)  # and its steps are wider
    folder = export(made, tmp_path / "out", formats="int8", calibration=pictures["denoise"])
    (path,), (function,) = folder.glob("*_int8.tflite"), functions(made)
    values = calibration.inputs(made, function, pictures["denoise"])
    from_file = litert.open(path, function)(values)
    nets = made.net, fused.fused_twin(made.net, quantization_aware=True)
    plain, rounded = (function.wrapper(net, values)[function.outputs[0]].numpy() for net in nets)
    theirs, ours = (from_file - plain).ravel(), (rounded - plain).ravel()
    assert np.std(ours) == pytest.approx(np.std(theirs), rel=0.15)
    assert np.corrcoef(ours, theirs)[0, 1] > 0.6


def test_formats_are_picked_and_unknown_ones_refused(classifier, denoiser, tmp_path):
    assert [a.form for a in artifacts(classifier)] == list(QUICK)
    assert [a.form for a in artifacts(classifier, "all")] == list(FORMS)
    classifiers_only = {"uint8", "mediapipe", "mediapipe_uint8"}
    expected = [form for form in FORMS if form not in classifiers_only]
    assert [a.form for a in artifacts(denoiser, "all")] == expected
    assert [a.form for a in artifacts(denoiser, ["onnx", "int8"])] == ["int8", "onnx"]
    with pytest.raises(
        ZooError, match=r"format 'int4': expected saved_model, .*uint8, onnx, mediapipe, .*, or all"
    ):
        export(classifier, tmp_path / "out", formats=("int8", "int4"))
    with pytest.raises(ZooError, match="format none: expected"):
        export(classifier, tmp_path / "out", formats=())
    with pytest.raises(ZooError, match=r"dncnn_tiny has no uint8 file: only classifiers have one"):
        export(denoiser, tmp_path / "out", formats=("uint8",))


def test_calibration_is_the_same_each_time_and_degraded(denoiser, classifier, pictures):
    function, data = functions(denoiser)[0], pictures["denoise"]
    values = calibration.inputs(denoiser, function, data)
    assert values.shape == (samples.CROPS, samples.SIDE, samples.SIDE, 1)
    assert values.min() < 0, "the noise is not clipped"
    np.testing.assert_array_equal(values, calibration.inputs(denoiser, function, data))
    values = calibration.inputs(classifier, functions(classifier)[0], pictures["classify"])
    there_are = 12 * len(classifier.spec.labels)
    assert values.shape == (there_are, 12, 12, 1), "all, for they are few"
    assert values.min() >= 0 and values.max() <= 1


def test_nothing_to_calibrate_on_is_said(denoiser, tmp_path, monkeypatch):
    function = functions(denoiser)[0]
    monkeypatch.delenv("ZOO_DATA", raising=False)
    with pytest.raises(ZooError, match=r"no sample of them is kept .* Train400 is not here"):
        calibration.inputs(denoiser, function)
    with pytest.raises(ZooError, match="no pictures in it"):
        calibration.inputs(denoiser, function, f"folder:{tmp_path}")
    tiny = data_for(zoo.entry("cnn_tiny"), tmp_path / "tiny")
    assert calibration.inputs(denoiser, function, tiny).shape[1:] == (12, 12, 1)


def test_a_trained_net_is_calibrated_on_its_own_pictures(pictures, tmp_path, monkeypatch):
    run = zoo.train("cnn_tiny", tmp_path / "run", data=pictures["classify"])
    given = calibration.inputs(made := zoo.load("cnn_tiny", run), functions(made)[0])
    np.testing.assert_array_equal(
        given, calibration.inputs(made, functions(made)[0], pictures["classify"])
    )
    assert calibration.source(made) == pictures["classify"]
    path = run / "calibration.npz"
    (run / "run.json").rename(tmp_path / "run.json")  # which tells the sample's hash
    for pixels in (np.zeros((3, 9, 9, 1), np.uint8), np.zeros((3, 12, 12, 1)), np.array("text")):
        np.savez(tmp_path / "other.npz", pixels=pixels, set="other")
        shutil.copy(tmp_path / "other.npz", path)
        with pytest.raises(ZooError, match=r"calibration\.npz holds no pictures of \(12, 12, 1\)"):
            calibration.inputs(made, functions(made)[0])
    (tmp_path / "run.json").rename(run / "run.json")
    with pytest.raises(ZooError, match="SHA-256"):
        calibration.inputs(made, functions(made)[0])


def all_among(few, many) -> bool:
    return len(few) == 4 and all(any(np.array_equal(one, other) for other in many) for one in few)


def test_an_export_is_judged_on_pictures_of_its_own_kind(classifier, denoiser, pictures, tmp_path):
    """Those of the set that is named, or of the run: on others rounded numbers say little."""
    for pipeline, task in ((classifier, "classify"), (denoiser, "denoise")):
        folder = tmp_path / task
        export(pipeline, folder, 24, "float32_free", pictures[task])
        seen = calibration.inputs(pipeline, functions(pipeline)[0], pictures[task])
        with np.load(folder / "golden.npz") as golden:
            assert all_among(golden["pixels"], to_uint8(seen[:, :24, :24]))
        assert verify(folder, pipeline)["passed"]


def test_an_export_of_a_run_is_judged_on_the_pictures_that_are_kept_with_it(pictures, tmp_path):
    run = zoo.train("cnn_tiny", tmp_path / "run", data=pictures["classify"], steps=2)
    made = zoo.load("cnn_tiny", run)
    export(made, tmp_path / "out", formats="float32_free")
    with np.load(tmp_path / "out" / "golden.npz") as golden:
        seen = calibration.inputs(made, functions(made)[0])
        assert all_among(golden["pixels"], to_uint8(seen))


@needs_package("tf2onnx", "onnxruntime")
@pytest.mark.parametrize(
    ("name", "taken", "given"),
    [
        ("dncnn_tiny", ["batch", "height", "width", 1], ["batch", "height", "width", 1]),
        ("srcnn_tiny", ["batch", "height", "width", 1],
         ["batch", "enlarged_height", "enlarged_width", 1]),
        ("cnn_tiny", ["batch", 12, 12, 1], ["batch", 3]),
        ("dcgan_tiny", ["batch", 8], ["batch", 12, 12, 1]),
    ],
)  # fmt: skip
def test_what_is_free_in_an_onnx_file_has_a_name(name, taken, given, tmp_path):
    import onnxruntime

    folder = export(with_random_weights(name), tmp_path / "out", formats="onnx")
    (path,) = folder.glob("*.onnx")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert [end.shape for end in session.get_inputs()] == [taken]
    assert [end.shape for end in session.get_outputs()] == [given]


@needs("fashion_mnist")
@needs("T91")
@needs("BSD400")
@pytest.mark.parametrize("name", ["cnn_fashion", "srcnn_x3", "dncnn_color"])
def test_the_sample_of_a_name_is_of_the_set_that_it_was_trained_on(name):
    made = zoo.load(name)
    (function,) = functions(made)
    assert calibration.source(made) == made.entry.recipe.data
    of_set = calibration.inputs(made, function, made.entry.recipe.data)
    np.testing.assert_array_equal(calibration.inputs(made, function), of_set)


def test_generators_are_calibrated_on_latents():
    names = [name for name in zoo.names("*_tiny") if zoo.entry(name).spec.task == "generate"]
    pipeline = with_random_weights(names[0])
    values = calibration.inputs(pipeline, functions(pipeline)[0])
    assert values.shape == (samples.COUNT, pipeline.spec.code)


def test_without_the_quantizer_the_line_that_installs_it_is_said(classifier, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_quantizer.quantizer", None)
    with pytest.raises(MissingExtra, match=r"pip install 'keras-image-zoo\[quantize\]'"):
        export(classifier, tmp_path / "out", formats=("float16",))
    assert list(tmp_path.iterdir()) == []
