"""A user's own Keras model: what is taken, what its files give, and what is refused and why."""

import dataclasses
import json
import pickle
import zipfile

import keras
import numpy as np
import own_nets
import pytest
from own_nets import L, seeded

import zoo
from zoo.data.pictures import Pictures
from zoo.errors import ZooError, ZooWarning
from zoo.export import cases, isolated, tflite_reader
from zoo.export.forms import FORMS
from zoo.export.manifest import read_manifest
from zoo.export.verify import verify, verify_folder
from zoo.export.write import export
from zoo.images import probes, ranges
from zoo.storage import keras_files, weights
from zoo.tasks.functions import functions, side_by_side
from zoo.wrapping import entry as own


def failed(report) -> list[str]:
    return [
        f"{r['artifact']} {r['input']}: {r['reason']}" for r in report["rows"] if not r["passed"]
    ]


def verified(pipeline, folder, formats="all", **more):
    """The rows of an export, all of which hold; its TFLite files have builtin operators only."""
    export(pipeline, folder, formats=formats, **more)
    report = verify(folder, pipeline)
    assert not failed(report)
    for path in folder.glob("*.tflite"):
        operators = tflite_reader.operators(path.read_bytes())
        assert not [op for op in operators if op.startswith(("CUSTOM", "Flex"))]
    return report["rows"]


def noise(count, *shape):
    rng = np.random.default_rng([count, *shape])  # whichever tests ran before
    return rng.integers(0, 256, (count, *shape)).astype(np.uint8)


def test_several_inputs_and_outputs_by_name(tmp_path):
    net = seeded(own_nets.two_inputs)
    given = {
        "numbers": np.random.default_rng(0).normal(size=(24, 4)),
        "image": np.random.default_rng(0).random((24, 8, 8, 3)),
    }
    pipeline = zoo.wrap(net, "predict", pixels="-1..1", name="two", examples=given)
    rows = verified(pipeline, tmp_path / "files")
    assert {"saved_model", "float32_free", "int8", "onnx"} <= {row["artifact"] for row in rows}
    numbers, image = (np.float32(given[name][:3]) for name in ("numbers", "image"))
    made = pipeline(numbers, image=image)
    expected = net([numbers, image * 2 - 1])
    for name, array in zip(("answer", "mask"), expected, strict=True):
        np.testing.assert_allclose(made[name], array, atol=1e-5)
    about = read_manifest(tmp_path / "files")["artifacts"]["float32_free"]
    assert [one["name"] for one in about["inputs"]] == ["numbers", "image"]
    assert ["range" in one for one in about["inputs"]] == [False, True]
    alone = verify_folder(tmp_path / "files")
    assert alone["net_missing"] and not failed(alone)


def test_inputs_by_name_reach_each_runtime_and_wrong_names_none(tmp_path):
    pipeline = zoo.wrap(seeded(own_nets.two_inputs), "predict", name="two")
    (function,) = functions(pipeline)
    export(pipeline, tmp_path / "files", formats=["float32_free"])
    values = {"numbers": np.ones((2, 4), np.float32), "image": np.ones((2, 8, 8, 3), np.float32)}
    path = tmp_path / "files" / "two_float32_free.tflite"
    (found,) = isolated.run("litert", path, function, [values]).results
    np.testing.assert_allclose(found, pipeline.infer(values), atol=1e-5)
    swapped = values | {"numbers": values["numbers"] * 3}
    assert np.abs(pipeline.infer(swapped) - found).max() > 0.01
    with pytest.raises(ZooError, match="expected the inputs numbers, image, got numbers"):
        pipeline(values["numbers"])
    with pytest.raises(ZooError, match=r"numbers: expected \[None, 4\], got \[2, 3\]"):
        pipeline(numbers=np.ones((2, 3)), image=values["image"])


def test_outputs_of_other_ranks_are_flattened_an_example_each():
    flat, mask = np.ones((2, 3)), np.zeros((2, 2, 2, 1))
    assert side_by_side([flat, mask]).shape == (2, 7)
    assert side_by_side([mask, mask]).shape == (2, 2, 2, 2)


def test_a_segmenter_of_free_size_takes_multiples(tmp_path):
    pipeline = zoo.wrap(seeded(own_nets.unet), "predict", name="segments")
    assert pipeline.spec.multiple == 4
    verified(pipeline, tmp_path / "files", static_size=32, formats=["float32_static", "onnx"])
    assert pipeline(np.ones((1, 12, 20, 3), np.float32)).shape == (1, 12, 20, 5)
    with pytest.raises(ZooError, match=r"static size 30.*multiples of 4"):
        export(pipeline, tmp_path / "other", static_size=30)


def test_a_net_that_enlarges_itself(tmp_path, camera):
    net = seeded(own_nets.subpixel)
    pipeline = zoo.wrap(net, "upscale", name="larger", examples=[camera[:64, :64]])
    assert (pipeline.spec.scales, pipeline.spec.upsamples) == ((2,), True)
    assert pipeline(camera[:30, :41]).shape == (60, 82)
    verified(pipeline, tmp_path / "files", static_size=16)
    with pytest.raises(ZooError, match="enlarges 2 times, and scale=3 came"):
        zoo.wrap(net, "upscale", scale=3)


def test_a_restorer_pads_to_its_multiples_and_cuts_them_off(camera):
    image = keras.Input((None, None, 1))
    x = L.Conv2D(4, 3, strides=2, padding="same", activation="relu")(image)
    made = L.Add()([L.Conv2DTranspose(1, 2, strides=2)(x), image])
    net = keras.Model(image, made)
    pipeline = zoo.wrap(net, "denoise")
    assert pipeline.spec.multiple == 2
    picture = camera[:41, :33]
    assert pipeline(picture).shape == picture.shape
    pixels = picture[None, :40, :32, None] / np.float32(255)
    np.testing.assert_allclose(pipeline.infer(pixels), np.clip(net(pixels), 0, 1), atol=1e-5)


@pytest.mark.parametrize("variational", [False, True])
def test_an_autoencoder_gives_two_files(tmp_path, variational):
    net = seeded(lambda: own_nets.autoencoder(variational))
    pipeline = zoo.wrap(net, "autoencode", name="auto", examples=noise(20, 8, 8, 1))
    verified(pipeline, tmp_path / "files", ["float32_free", "int8"])
    names = {path.name for path in (tmp_path / "files").glob("*.tflite")}
    assert {"auto_encoder_float32_free.tflite", "auto_decoder_int8.tflite"} <= names
    picture = noise(2, 8, 8, 1)
    made = net(picture / np.float32(255))
    made = keras.ops.sigmoid(made) if variational else made
    np.testing.assert_allclose(pipeline(picture) / 255, made, atol=0.51 / 255)


def test_a_generator(tmp_path):
    code = keras.Input((7,))
    made = L.Reshape((4, 4, 3))(L.Dense(48, activation="tanh")(code))
    net = seeded(lambda: keras.Model(code, made))
    pipeline = zoo.wrap(net, "generate", labels=["a", "b"], pixels="-1..1", name="makes")
    assert pipeline.sample(3, label="b").shape == (3, 4, 4, 3)
    verified(pipeline, tmp_path / "files", ["float32_free", "int8"])


def test_a_confident_classifier_is_judged_on_pictures_that_it_tells_apart(tmp_path):
    pipeline = zoo.wrap(seeded(own_nets.colours), labels=["r", "g", "b"], pixels="inside", name="c")
    verified(pipeline, tmp_path / "files", ["saved_model", "float32_free", "onnx", "dynamic_range"])


def test_a_net_that_says_the_same_of_all_is_still_rejected(tmp_path):
    net = seeded(own_nets.colours)
    net.layers[-1].set_weights([np.zeros((3, 3)), np.array([9.0, 0, 0])])
    pipeline = zoo.wrap(net, pixels="inside", name="same")
    export(pipeline, tmp_path / "files", formats=["float32_free"])
    report = verify(tmp_path / "files", pipeline)
    assert not report["passed"]
    assert any("the same for different inputs" in row["reason"] for row in report["rows"])
    with pytest.warns(ZooWarning, match="gives the same for 8 examples"):
        zoo.wrap(net, pixels="inside", examples=noise(9, 12, 12, 3))


def test_the_probes_of_published_names_stay_what_they_were():
    pipeline = zoo.load("cnn_fashion")
    (function,) = functions(pipeline)
    found = cases.fresh(pipeline, function, function.inputs, seed=5)
    rng = np.random.default_rng(5)
    for case, count in zip(found, (1, 3), strict=True):
        np.testing.assert_array_equal(case.values, probes.pictures(rng, (count, 28, 28, 1)))


def labelled(net, count=40):
    """Pictures that a net is sure of, and what it says of them, but for a tenth."""
    images = noise(5 * count, 16, 16, 3) * np.random.default_rng(0).random((5 * count, 1, 1, 3))
    images = images.astype(np.uint8)
    made = np.sort(net(images / np.float32(255)).numpy(), axis=-1)
    images = images[np.argsort(made[:, -2] - made[:, -1])[:count]]
    said = net(images / np.float32(255)).numpy().argmax(-1)
    said[::10] = (said[::10] + 1) % 4
    return Pictures("folder:mine", [*images], said, tuple("abcd"))


def test_rounded_files_are_judged_by_their_accuracy_where_there_are_labels(tmp_path):
    net = seeded(own_nets.plain)
    pipeline = zoo.wrap(net, labels=list("abcd"), name="mine", examples=labelled(net))
    rows = verified(pipeline, tmp_path / "files")
    judged = [row for row in rows if row["error_metric"] == "loss"]
    assert {row["artifact"] for row in judged} >= {"float16", "dynamic_range", "int8", "uint8"}
    assert {row["input"] for row in judged} == {"accuracy x40"}
    unbounded = [r for r in rows if r["artifact"] == "int8" and r["rms_error"] is not None]
    assert unbounded and all(row["bound"] is None for row in unbounded)
    other = seeded(own_nets.plain, seed=3)
    wrong = zoo.wrap(other, labels=list("abcd"), name="mine", examples=pipeline.examples)
    report = verify(export(wrong, tmp_path / "wrong", formats=["int8"]), pipeline)
    reasons = {
        r["reason"] for r in report["rows"] if r["error_metric"] == "loss" and not r["passed"]
    }
    assert any("accuracy" in reason and "the net" in reason for reason in reasons)


def test_published_names_keep_their_bounds_beside_the_figure(tmp_path, monkeypatch):
    pipeline = zoo.load("cnn_fashion")
    export(pipeline, tmp_path / "files", formats=["dynamic_range"])
    images = [*noise(12, 28, 28, 1)]
    said = pipeline.infer(np.stack(images) / np.float32(255)).argmax(-1)
    pipeline.examples = Pictures("mine", images, said, pipeline.spec.labels)
    rows = verify(tmp_path / "files", pipeline)["rows"]
    bounded = [r for r in rows if r["artifact"] == "dynamic_range" and r["rms_error"] is not None]
    assert bounded and all(row["bound"] is not None for row in bounded)
    assert [row["passed"] for row in rows if row["error_metric"] == "loss"] == [True]


@pytest.mark.parametrize("family", sorted(ranges.FAMILIES))
def test_ranges_of_keras_applications(family):
    module = getattr(keras.applications, family)
    found = ranges.named(family, 3)
    spec = zoo.Spec("classify", (4, 4, 3), value_range=found.value_range, bgr=found.bgr)
    pixels = noise(2, 4, 4, 3).astype(np.float32)
    expected = module.preprocess_input(pixels.copy())
    np.testing.assert_allclose(spec.normalize(pixels / 255), expected, atol=1e-4)
    np.testing.assert_allclose(
        spec.denormalize(spec.normalize(pixels / 255)), pixels / 255, atol=1e-5
    )


def test_a_range_goes_into_every_file(tmp_path):
    pipeline = zoo.wrap(
        seeded(own_nets.plain), pixels="caffe", name="b", examples=noise(9, 16, 16, 3)
    )
    verified(pipeline, tmp_path / "files")
    pixels = noise(2, 16, 16, 3).astype(np.float32)
    taken = keras.applications.vgg16.preprocess_input(pixels.copy())
    expected = keras.ops.softmax(pipeline.net(taken))
    np.testing.assert_allclose(pipeline.infer(pixels / 255), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        ("0-1", r"pixels '0-1': expected 0\.\.1, 0\.\.255"),
        (((0.5, 0.5), (1, 1)), "expected a range for 3 channels, got one for 2"),
        ((0.5, 0.0), "expected a positive deviation"),
        (5, "expected 0"),
        ("inside", "expected a net with a Rescaling"),
    ],
)
def test_ranges_that_are_none(pixels, said):
    with pytest.raises(ZooError, match=said):
        zoo.wrap(seeded(own_nets.plain), pixels=pixels)


def test_what_does_not_fit_is_refused_by_what_it_is():
    net = seeded(own_nets.plain)
    with pytest.raises(ZooError, match="expected 4 labels, as many as outputs, got 2"):
        zoo.wrap(net, labels=list("ab"))
    with pytest.raises(ZooError, match="unknown task 'segment'"):
        zoo.wrap(net, "segment")
    with pytest.raises(ZooError, match="takes 16x16"):
        zoo.wrap(net, size=20)
    with pytest.raises(ZooError, match="expected an autoencoder of two nets"):
        zoo.wrap(net, "autoencode")
    with pytest.raises(ZooError, match="expected a net that gives pictures"):
        zoo.wrap(net, "denoise")
    with pytest.raises(ZooError, match="name the size"):
        image = keras.Input((None, None, 3))
        zoo.wrap(keras.Model(image, L.Dense(2)(L.GlobalAveragePooling2D()(image))))
    with pytest.raises(ZooError, match="no input yet"):
        zoo.wrap(keras.Sequential([L.Dense(2)]))


def test_a_subclass_is_refused():
    class Mine(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ZooError, match=r"expected a functional or Sequential .* got a Mine"):
        zoo.wrap(Mine())


def test_channels_first_is_refused_by_the_layer():
    image = keras.Input((3, 8, 8))
    net = keras.Model(image, L.Conv2D(4, 3, data_format="channels_first", name="first")(image))
    with pytest.raises(ZooError, match="first: expected data_format channels_last"):
        zoo.wrap(net, "predict")


def test_half_precision_becomes_its_twin_in_float32(tmp_path):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        net = seeded(own_nets.plain)
    finally:
        keras.config.set_dtype_policy("float32")
    with pytest.warns(ZooWarning, match="computes in mixed_float16"):
        pipeline = zoo.wrap(net, name="half")
    for mine, theirs in zip(pipeline.net.get_weights(), net.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    verified(pipeline, tmp_path / "files", ["float32_free", "onnx"])


def test_flex_operators_are_refused_with_their_layer(tmp_path):
    image = keras.Input((16, 16, 3))
    x = L.Resizing(9, 9, interpolation="bicubic", name="shrink")(image)
    net = keras.Model(image, L.Dense(2)(L.GlobalAveragePooling2D()(x)), name="flexible")
    with pytest.raises(ZooError, match=r"flexible cannot become.*ResizeBicubic.*layer shrink"):
        export(zoo.wrap(net), tmp_path / "files", formats=["float32_free"])


def test_int8_without_examples_is_refused(tmp_path):
    pipeline = zoo.wrap(seeded(own_nets.plain), name="plain")
    with pytest.raises(ZooError, match=r"calibrated on what it will meet.*examples"):
        export(pipeline, tmp_path / "files", formats=["int8"])
    two = zoo.wrap(seeded(own_nets.two_inputs), "predict", name="two")
    with pytest.raises(ZooError, match=r"calibrated on what it will meet.*examples"):
        export(two, tmp_path / "files", formats=["int8"])


def test_a_lambda_in_memory_is_exported_and_in_a_file_refused(tmp_path):
    image = keras.Input((8, 8, 3))
    x = L.Lambda(lambda t: t * 2.0, name="twice")(image)
    net = seeded(lambda: keras.Model(image, L.Dense(3)(L.GlobalAveragePooling2D()(x))))
    verified(zoo.wrap(net, name="l"), tmp_path / "files", ["float32_free"])
    net.save(tmp_path / "l.keras")
    with pytest.raises(ZooError, match=r"a Lambda, 'twice'.*unsafe deserialization stays off"):
        zoo.wrap(tmp_path / "l.keras")


def test_a_layer_of_ones_own_is_taken_where_it_is_registered(tmp_path):
    class Twice(L.Layer):
        def call(self, x):
            return x * 2

    image = keras.Input((8, 8, 3))
    net = seeded(lambda: keras.Model(image, L.Dense(3)(L.Flatten()(Twice()(image)))))
    net.save(tmp_path / "mine.keras")
    with pytest.raises(ZooError, match=r"has Twice, which Keras does not have.*register"):
        zoo.wrap(tmp_path / "mine.keras")
    with keras.saving.CustomObjectScope({"Twice": Twice}):
        pipeline = zoo.wrap(tmp_path / "mine.keras")
        verified(pipeline, tmp_path / "files", ["float32_free"])


def test_what_is_no_keras_file_is_refused(tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ZooError, match=r"is no .keras file.*pickles, scripts, HDF5"):
        zoo.wrap(path)
    path = tmp_path / "model.keras"
    path.write_text("import os\n")
    with pytest.raises(ZooError, match=r"is no .keras file"):
        zoo.wrap(path)
    with pytest.raises(ZooError, match="no such file"):
        zoo.wrap(tmp_path / "nothing.keras")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(ZooError, match=r"it has no metadata.json"):
        zoo.wrap(path)


def test_a_module_outside_of_keras_is_never_imported(tmp_path, monkeypatch):
    net = seeded(own_nets.plain)
    net.save(tmp_path / "a.keras")
    with zipfile.ZipFile(tmp_path / "a.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"][1] |= {"module": "antigravity", "class_name": "Evil"}
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(tmp_path / "b.keras", "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    monkeypatch.setattr(keras.saving, "load_model", lambda *a, **k: pytest.fail("was built"))
    with pytest.raises(ZooError, match="Evil"):
        zoo.wrap(tmp_path / "b.keras")


def test_larger_than_two_gigabytes_is_refused(tmp_path, monkeypatch):
    net = seeded(own_nets.plain)
    net.save(tmp_path / "a.keras")
    monkeypatch.setattr(keras_files, "LARGEST", 100)
    with pytest.raises(ZooError, match="expected 2 GB at most"):
        zoo.wrap(tmp_path / "a.keras")


def test_a_wrapped_net_is_in_no_index_and_says_whose_it_is(tmp_path):
    pipeline = zoo.wrap(
        seeded(own_nets.plain), labels=list("abcd"), name="my net!", licence="mine alone"
    )
    assert pipeline.entry.name == "my_net" and "my_net" not in zoo.names()
    export(pipeline, tmp_path / "files", formats=["float32_free"])
    about = read_manifest(tmp_path / "files")
    assert (about["name"], about["labels"]) == ("my_net", list("abcd"))
    assert about["licence"]["training data"] == "mine alone"
    assert (tmp_path / "files" / "labels.txt").read_text() == "a\nb\nc\nd\n"
    assert zoo.wrap(seeded(own_nets.plain)).entry.data_licence == "of your data"


def test_facts_of_a_spec_are_read_back_or_refused():
    spec = zoo.wrap(seeded(own_nets.two_inputs), "predict", pixels="torch").spec
    facts = json.loads(json.dumps(own.facts_of(spec)))
    assert own.spec_of(facts) == spec
    for change in (
        {"task": "other"}, {"shape": [1, 2]}, {"multiple": 0}, {"head": "tanh"}, {"more": 1},
        {"noise_level": True},
        {"value_range": [[0.0], [1.0]]}, {"inputs": [{"name": 1, "shape": [1]}]}, {"outputs": []},
    ):  # fmt: skip
        with pytest.raises(ZooError, match="expected the spec of a net"):
            own.spec_of(facts | change)


def wrapped(made):
    """A net of the zoo, taken as a user's own."""
    spec = made.spec
    low, high = spec.value_range
    more = {"pixels": (-low / (high - low), 1 / (high - low))}  # mean and standard deviation
    if spec.value_range in ((0.0, 1.0), (-1.0, 1.0)):
        more = {"pixels": f"{low:g}..{high:g}"}
    if spec.labels:
        more |= {"labels": spec.labels}
    if spec.restores:
        more |= {"degrade": spec.degrade, "receptive_radius": spec.receptive_radius}
    if spec.scales[0] > 1:
        more |= {"scale": spec.scales[0]}
    return zoo.wrap(made.net, spec.task, name=made.entry.name, **more)


def files_on_noise(folder, pipeline):
    """What the float32 files of both ways give of a picture."""
    (function,) = functions(pipeline)
    given = noise(1, *pipeline.spec.shape) / np.float32(255)
    paths = [next((folder / way).glob("*float32_free.tflite")) for way in ("theirs", "mine")]
    return [isolated.run("litert", path, function, [given]).results[0] for path in paths]


PRETRAINED = [  # a net that is told the noise takes two inputs: it is no picture's net to others
    name
    for name in zoo.names()
    if weights.published(zoo.entry(name)) and not zoo.entry(name).spec.noise_level
]


@pytest.mark.slow
@pytest.mark.parametrize("name", PRETRAINED)
def test_a_net_of_the_zoo_gives_the_files_that_it_gives_by_name(name, tmp_path):
    made = zoo.load(name)
    mine = wrapped(made)
    for pipeline, folder in ((made, "theirs"), (mine, "mine")):
        export(pipeline, tmp_path / folder, static_size=32, formats=["float32_free", "float16"])
    assert not failed(verify(tmp_path / "mine", mine))
    if mine.spec.value_range != made.spec.value_range:  # the same numbers, one a channel
        return np.testing.assert_allclose(*files_on_noise(tmp_path, mine), atol=1e-5)
    for path in sorted((tmp_path / "theirs").glob("*.tflite")):
        assert path.read_bytes() == (tmp_path / "mine" / path.name).read_bytes()


APPLICATIONS = {
    "MobileNetV2": "mobilenet_v2", "MobileNetV3Small": "inside", "EfficientNetV2B0": "inside",
    "DenseNet121": "densenet",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", APPLICATIONS)
def test_keras_applications(name, tmp_path, astronaut):
    build = getattr(keras.applications, name)
    net = seeded(lambda: build(weights=None, input_shape=(64, 64, 3), classes=7))
    photos = [
        astronaut[y : y + 64, x : x + 64] for y in range(0, 400, 60) for x in range(0, 400, 60)
    ]
    pixels, taken = APPLICATIONS[name], np.stack(photos).astype(np.float32)
    if pixels != "inside":
        taken = getattr(keras.applications, pixels).preprocess_input(taken)
    own_nets.enliven(net, taken)
    pipeline = zoo.wrap(net, pixels=pixels, examples=photos)
    export(pipeline, tmp_path / "files", formats="all")
    report = verify(tmp_path / "files", pipeline)
    exact = [r for r in report["rows"] if not r["artifact"].endswith(("int8", "dynamic_range"))]
    assert not failed({"rows": exact})


def test_where_rounding_alone_moves_results_as_far_as_inputs_differ_the_reason_says_so(tmp_path):
    net = seeded(own_nets.plain)
    kernel, bias = net.layers[-1].get_weights()
    net.layers[-1].set_weights([kernel + 3000, bias])  # what classes differ by is lost in float16
    pipeline = zoo.wrap(net, examples=noise(9, 16, 16, 3), name="steep")
    rows = verify(export(pipeline, tmp_path / "files", formats=["float16"]), pipeline)["rows"]
    (row,) = (row for row in rows if not row["passed"])
    assert row["artifact"] == "float16"
    assert "no file of them can be told from a wrong one: choose another form" in row["reason"]


def test_pickled_pipelines_are_the_same():
    pipeline = zoo.wrap(
        seeded(own_nets.plain), labels=list("abcd"), name="p", examples=noise(3, 16, 16, 3)
    )
    again = pickle.loads(pickle.dumps(pipeline))
    assert dataclasses.replace(again.entry, build=pipeline.entry.build) == pipeline.entry
    pixels = noise(2, 16, 16, 3) / np.float32(255)
    np.testing.assert_allclose(again.infer(pixels), pipeline.infer(pixels), atol=1e-6)


@pytest.fixture(scope="module")
def fitted():
    """A name of the zoo for three other classes, trained a little in plain Keras."""
    made = zoo.load("cnn_fashion", classes=["red", "green", "blue"])
    pixels = np.stack(
        [np.random.default_rng(0).random((28, 28, 1)) * (1 + n % 3) / 3 for n in range(48)]
    )
    made.net.compile("adam", "sparse_categorical_crossentropy")
    made.net.fit(pixels, np.arange(48) % 3, epochs=2, verbose=0)
    return made, pixels.astype(np.float32)


@pytest.mark.parametrize("ending", ["weights.h5", "keras"])
def test_a_net_fitted_for_other_classes_comes_back_by_its_file(fitted, tmp_path, ending, recwarn):
    made, pixels = fitted
    path = tmp_path / f"mine.{ending}"
    (made.net.save if ending == "keras" else made.net.save_weights)(path)
    again = zoo.load("cnn_fashion", weights=path, classes=["red", "green", "blue"])
    assert not [w for w in recwarn if issubclass(w.category, ZooWarning)]
    np.testing.assert_allclose(again.infer(pixels), made.infer(pixels), atol=1e-6)
    assert again(pixels[0])[0].label in ("red", "green", "blue")
    export(again, tmp_path / "files", formats=["float32_free"])
    assert (tmp_path / "files" / "labels.txt").read_text() == "red\ngreen\nblue\n"
    report = verify_folder(tmp_path / "files")
    assert (report["net_missing"], failed(report)) == ("", [])


def test_a_saved_net_of_the_zoo_is_wrapped_with_its_labels(fitted, tmp_path, folder):
    made, pixels = fitted
    made.net.save(tmp_path / "mine.keras")
    own_one = zoo.wrap(tmp_path / "mine.keras", labels=["red", "green", "blue"])
    np.testing.assert_allclose(own_one.infer(pixels), made.infer(pixels), atol=1e-6)
    export(own_one, tmp_path / "files", formats=["float32_free", "float16"])
    report = verify_folder(tmp_path / "files")
    assert (report["net_missing"], failed(report)) == ("", [])
    folders = tmp_path / "photos"
    for label in ("red", "green", "blue"):
        (folders / label).mkdir(parents=True)
        for path in folder.glob("*.png"):
            (folders / label / path.name).write_bytes(path.read_bytes())
    row = zoo.evaluate(own_one, f"folder:{folders}")
    assert (row["name"], row["count"]) == ("mine", 12)
    assert 0 <= row["metrics"]["accuracy"] <= 100


def test_a_wrapped_net_is_saved_beside_what_is_known_of_it(tmp_path):
    photos = noise(20, 16, 16, 3)
    made = zoo.wrap(seeded(own_nets.plain), labels=list("abcd"), pixels="torch", examples=photos)
    made.save(tmp_path / "saved")
    names = {path.name for path in (tmp_path / "saved").iterdir()}
    assert names == {"model.keras", "run.json", "calibration.npz"}
    again = zoo.load(tmp_path / "saved")
    assert (again.spec, again.entry.name) == (made.spec, made.entry.name)
    pixels = photos[:3] / np.float32(255)
    np.testing.assert_allclose(again.infer(pixels), made.infer(pixels), atol=1e-6)
    # by the sample beside it
    export(tmp_path / "saved", tmp_path / "files", formats=["float32_free", "int8"])
    report = verify_folder(tmp_path / "files")
    assert (report["net_missing"], failed(report)) == ("", [])
    other = zoo.load(tmp_path / "saved", classes=["x", "y"])
    assert other.infer(pixels).shape == (3, 2)
    made.save(tmp_path / "saved")  # what was saved before is replaced
    (tmp_path / "saved" / "model.keras").write_bytes(b"another")
    with pytest.raises(ZooError, match="was changed or cut short"):
        zoo.load(tmp_path / "saved")


def test_an_export_that_says_other_things_of_its_net_fails(tmp_path):
    pipeline = zoo.wrap(seeded(own_nets.plain), labels=list("abcd"), name="p")
    export(pipeline, tmp_path / "files", formats=["float32_free"])
    path = tmp_path / "files" / "export.json"
    about = json.loads(path.read_text())
    about["net"]["spec"]["value_range"] = [0.0, 255.0]
    path.write_text(json.dumps(about))
    report = verify(tmp_path / "files", pipeline)
    assert any("export.json says net" in reason for reason in failed(report))
    about["net"]["spec"]["task"] = "nothing"
    path.write_text(json.dumps(about))
    with pytest.raises(ZooError, match="expected the spec of a net"):
        verify_folder(tmp_path / "files")


def test_nets_that_say_little_are_judged_by_as_tight_bounds():
    net = seeded(own_nets.colours)
    net.layers[-1].set_weights([np.eye(3) * 1e-4, np.zeros(3)])
    pipeline = zoo.wrap(net, pixels="inside")
    (function,) = functions(pipeline)
    found = cases.fresh(pipeline, function, function.inputs, seed=0)[-1]
    assert not found.flaw and 0 < found.spread < cases.LEAST_DIFFERENCE
    other = found.expected[::-1]
    form = FORMS["float32_free"]
    assert np.abs(other - found.expected).max() > found.bound(form) * 4


def test_what_rounding_alone_does_to_ones_own_net_is_allowed_and_no_other_answer():
    net = seeded(own_nets.colours)
    pipeline = zoo.wrap(net, pixels="inside")
    (function,) = functions(pipeline)
    before = net.get_weights()
    case = cases.fresh(pipeline, function, function.inputs, seed=0)[-1]
    for old, new in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    for form in ("float32_free", "float16", "dynamic_range", "int8"):
        wrong = np.roll(case.expected, 1, axis=0)
        rms = np.sqrt(np.square(wrong - case.expected).mean(axis=1)).max()
        assert FORMS[form].bound <= case.bound(FORMS[form]) < rms


def test_constants_of_a_layer_are_in_every_file(tmp_path):
    image = keras.Input((12, 12, 3))
    x = L.Normalization(mean=[90.0, 100.0, 110.0], variance=[900.0, 800.0, 700.0])(image)
    x = L.GlobalAveragePooling2D()(L.Conv2D(4, 3, activation="relu")(x))
    net = seeded(lambda: keras.Model(image, L.Dense(3)(x)))
    pipeline = zoo.wrap(net, pixels="inside", name="n")
    verified(pipeline, tmp_path / "files", ["saved_model", "float32_free", "onnx"])


def test_of_all_forms_those_that_a_net_cannot_have_are_left_out_and_named(tmp_path):
    """It has no weights."""
    net = keras.Sequential([keras.Input((4, 4, 3)), L.GlobalAveragePooling2D(), L.Softmax()])
    pipeline = zoo.wrap(net, examples=noise(8, 4, 4, 3), name="least")
    with pytest.warns(ZooWarning) as said:
        zoo.export(pipeline, tmp_path / "files", formats="all")
    report = zoo.verify(tmp_path / "files", pipeline)
    assert not failed(report)
    written = read_manifest(tmp_path / "files")["formats"]
    left_out = [str(one.message).split()[5] for one in said]
    assert "dynamic_range" in left_out and "dynamic_range" not in written
    with pytest.raises(ZooError, match="has no dynamic_range file"):
        zoo.export(pipeline, tmp_path / "other", formats="dynamic_range")
    assert not (tmp_path / "other").exists()


def test_weights_that_are_not_finite_are_refused(tmp_path):
    net = own_nets.plain()
    kernel, *others = net.layers[1].get_weights()
    kernel[0, 0, 0, 0] = np.nan
    net.layers[1].set_weights([kernel, *others])
    net.save(tmp_path / "net.keras")
    for model in (net, tmp_path / "net.keras"):
        with pytest.raises(ZooError, match=r"conv2d.*kernel: expected finite weights"):
            zoo.wrap(model)


def made_softmax(build):
    image = keras.Input((8, 8, 3))
    x = L.Flatten()(L.AveragePooling2D(4)(image))
    return seeded(lambda: keras.Model(image, build(x)))


@pytest.mark.parametrize(
    "build",
    [
        lambda x: L.Activation("linear", dtype="float32")(L.Dense(3, activation="softmax")(x)),
        lambda x: L.Dropout(0.5)(L.Dense(3, activation="softmax")(x)),
        lambda x: L.Average()([L.Dense(3, activation="softmax")(x) for _ in range(2)]),
        lambda x: keras.ops.softmax(L.Dense(3)(x)),
    ],
    ids=["linear after", "dropout after", "mean of two", "operation"],
)
def test_probabilities_stay_what_they_are_whatever_comes_after_softmax(build):
    net, pictures = made_softmax(build), noise(3, 8, 8, 3)
    expected = net.predict(pictures / np.float32(255), verbose=0)
    np.testing.assert_allclose(zoo.wrap(net).infer(pictures / np.float32(255)), expected, atol=1e-6)


@pytest.mark.parametrize("build", [lambda x: L.ReLU()(L.Dense(3)(x)),
                                   lambda x: keras.ops.sigmoid(L.Dense(3)(x))])  # fmt: skip
def test_outputs_that_are_neither_probabilities_nor_logits_are_refused(build):
    with pytest.raises(ZooError, match=r"expected outputs in softmax, or logits, got (relu|sigm)"):
        zoo.wrap(made_softmax(build))


def test_outputs_of_free_sizes_that_differ_are_not_mixed_up():
    image = keras.Input((None, None, 3))
    alike = keras.Model(image, [L.Conv2D(2, 1, name="a")(image), L.Conv2D(3, 1, name="b")(image)])
    given = np.float32(noise(1, 16, 16, 3)) / 255
    made = zoo.wrap(alike, "predict")(given)
    for name, expected in zip("ab", alike(given), strict=True):
        np.testing.assert_allclose(made[name], expected, atol=1e-6)
    other = keras.Model(image, [L.Conv2D(2, 1)(image), L.Conv2D(3, 1, strides=2)(image)])
    with pytest.raises(ZooError, match="cannot be told apart"):
        zoo.wrap(other, "predict")(given)


def test_what_could_not_be_loaded_again_is_not_saved(tmp_path):
    image = keras.Input((8, 8, 3))
    net = keras.Model(image, L.Dense(2)(L.Flatten()(L.Lambda(lambda x: x * 2)(image))))
    good = zoo.wrap(seeded(own_nets.plain), name="good")
    good.save(tmp_path / "net")
    with pytest.raises(ZooError, match="Lambda"):
        zoo.wrap(net).save(tmp_path / "net")
    assert zoo.load(tmp_path / "net").entry.name == "good"  # the earlier one is as it was


def test_examples_of_tensors_are_kept(tmp_path):
    given = {"numbers": np.float32(np.eye(4)), "image": np.float32(noise(4, 8, 8, 3)) / 255}
    pipeline = zoo.wrap(seeded(own_nets.two_inputs), "predict", name="two", examples=given)
    kept = zoo.load(pipeline.save(tmp_path / "net")).examples
    assert kept.keys() == given.keys()
    assert all(np.array_equal(kept[name], given[name]) for name in given)


def test_a_net_of_bytes_is_not_given_fractions():
    net = keras.Sequential([
        keras.Input((8, 8, 3), dtype="uint8"), L.Flatten(), L.Dense(2, activation="softmax"),
    ])  # fmt: skip
    with pytest.raises(ZooError, match=r"the net takes uint8: expected '0..255'"):
        zoo.wrap(net)
    zoo.wrap(net, pixels="0..255")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"labels": ["a", 2, "c", "d"]}, "labels: expected a list of names"),
        ({"labels": 5}, "labels: expected a list of names, got 5"),
        ({"labels": "abcd"}, "labels: expected a list of names, got 'abcd'"),
        ({"size": 32.5}, "size: expected a number of pixels, or .height, width., got 32.5"),
        ({"size": (32,)}, "size: expected"),
        ({"size": True}, "size: expected"),
        ({"size": 0}, "size: expected"),
        ({"examples": [[1, 2], [3]]}, "expected"),
    ],
)
def test_odd_arguments_say_what_was_expected(asked, message):
    with pytest.raises(ZooError, match=message):
        zoo.wrap(seeded(own_nets.plain), **asked)


def test_labels_may_be_an_array():
    labels = np.array(["a", "b", "c", "d"])
    assert zoo.wrap(seeded(own_nets.plain), labels=labels).spec.labels == ("a", "b", "c", "d")
