"""Which layers lose most in int8, and files that leave some of them in float32."""

import dataclasses

import numpy as np
import pytest
from conftest import needs_package
from tiny import data_for, with_random_weights

import zoo
from zoo.export import convert, mixed, quantize, report, tflite_reader
from zoo.export.forms import FORMS
from zoo.export.manifest import read_manifest
from zoo.export.separate import separated
from zoo.export.verify import verify
from zoo.tasks.functions import functions

pytestmark = needs_package("ai_edge_quantizer")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A classifier, the float32 file of it, and inputs."""
    pipeline = with_random_weights("cnn_tiny")
    function = separated(functions(pipeline)[0])
    folder = tmp_path_factory.mktemp("made") / "model"
    convert.to_saved_model(function, folder, function.inputs)
    data = convert.to_tflite(folder, "cnn_tiny")
    rng = np.random.default_rng(0)
    return pipeline, function, data, rng.random((16, *function.inputs[0].shape[1:]), np.float32)


def test_the_layer_whose_channel_is_far_out_loses_most(made, tmp_path):
    """Its greatest value sets the steps of all."""
    pipeline, _, _, values = made
    net = with_random_weights("cnn_tiny").net
    layers = [layer for layer in net.layers if hasattr(layer, "kernel")]
    worst = layers[-2]
    kernel = worst.kernel.numpy()
    kernel[(0,) * (kernel.ndim - 1)] *= 300
    worst.kernel.assign(kernel)
    function = dataclasses.replace(functions(pipeline)[0], net=net)
    convert.to_saved_model(function, tmp_path / "model", function.inputs)
    data = convert.to_tflite(tmp_path / "model", "cnn_tiny")
    found = mixed.losses(data, function, "cnn_tiny", values)
    assert found[0].layer == worst.name
    assert [loss.error for loss in found] == sorted((x.error for x in found), reverse=True)
    assert {loss.layer for loss in found} <= {layer.name for layer in layers}


def test_every_layer_is_found_in_the_file(made):
    _, function, data, _ = made
    names = mixed.layer_names(function)
    steps = mixed.steps_of(data, function, names)
    assert len(steps) == len(tflite_reader.kernels(data, quantize.WEIGHTED))
    for name in names:
        for step in mixed.steps_of(data, function, [name]):
            assert name in step.output or "StatefulPartitionedCall" in step.output


@pytest.mark.parametrize("name", ["dncnn_tiny", "srcnn_tiny", "vae_tiny"])
def test_layers_of_every_kind_are_found(name, tmp_path):
    for number, function in enumerate(functions(with_random_weights(name))):
        function = separated(function)
        folder = tmp_path / str(number)
        convert.to_saved_model(function, folder, function.inputs)
        data = convert.to_tflite(folder, name)
        for layer in mixed.layer_names(function):
            assert mixed.steps_of(data, function, [layer])


def test_no_more_layers_than_needed_stay_in_float(made, monkeypatch):
    _, function, data, values = made
    quantization = quantize.Quantization("int8", data, function, "cnn_tiny", values)
    assert mixed.fewest(quantization, values) == []
    worst = mixed.losses(data, function, "cnn_tiny", values)[0]
    whole = _error(quantization, values, [])
    bounded = dataclasses.replace(FORMS["int8"], bound=0.999 * whole)
    monkeypatch.setitem(FORMS, "int8", bounded)
    chosen = mixed.fewest(quantization, values)
    assert chosen[0] == worst.layer
    assert _error(quantization, values, chosen) <= bounded.bound
    assert not chosen[:-1] or _error(quantization, values, chosen[:-1]) > bounded.bound
    monkeypatch.setitem(FORMS, "int8", dataclasses.replace(FORMS["int8"], bound=0.0))
    with pytest.raises(zoo.ZooError, match="no choice of layers in float32"):
        mixed.fewest(quantization, values)


def _error(quantization, values, names):
    expected = mixed._run(quantization, quantization.data, values)
    return mixed._error(quantization, names, values, expected)


def test_what_an_export_leaves_in_float_is_so_and_told(made, tmp_path):
    pipeline, function, _, _ = made
    data = data_for(pipeline.entry, tmp_path / "data")
    (kept, *_) = mixed.layer_names(function)[1:]
    folder = zoo.export(
        pipeline, tmp_path / "out", formats=("int8",), calibration=data, keep_float=[kept]
    )
    (about,) = read_manifest(folder)["artifacts"].values()
    assert about["in_float"] == [kept]
    (path,) = folder.glob("*_int8.tflite")
    assert len(tflite_reader.in_float(path.read_bytes(), quantize.WEIGHTED)) == 1
    found = verify(folder, pipeline)
    assert found["passed"], report.text(found)
    again = zoo.export(
        pipeline, tmp_path / "auto", formats=("int8",), calibration=data, mixed="auto"
    )
    (about,) = read_manifest(again)["artifacts"].values()
    assert "in_float" not in about


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"formats": "int8", "keep_float": ["first"]}, "expected layers of .*, got first"),
        ({"formats": "float16", "keep_float": ["first"]}, "add one of these to the formats"),
        ({"formats": "dynamic_range", "mixed": "auto"}, "add int8 to the formats"),
        ({"formats": "int8", "mixed": "all"}, "expected auto, got 'all'"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(made, options, said, tmp_path):
    with pytest.raises(zoo.ZooError, match=said):
        zoo.export(made[0], tmp_path / "out", **options)


def test_uint8_ends_need_layers_that_are_rounded(made, tmp_path):
    _, function, data, values = made
    first = mixed.steps_of(data, function, mixed.layer_names(function)[:1])
    with pytest.raises(zoo.ZooError, match="take int8"):
        quantize.quantized("uint8", data, function, "cnn_tiny", values, first)
