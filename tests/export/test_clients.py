"""Other people's programs open the exported files: MediaPipe Tasks and saved_model_cli."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import needs, needs_package
from PIL import Image

import zoo
from zoo.data import sources
from zoo.data.pictures import of_size
from zoo.export.forms import NET_BOUND
from zoo.export.manifest import LABELS, read_manifest
from zoo.export.verify import verify
from zoo.export.write import export
from zoo.images.pixels import fit_channels
from zoo.images.probes import pictures
from zoo.storage import weights

CLI = Path(sys.executable).with_name("saved_model_cli")
mediapipe = needs_package("mediapipe", "ai_edge_quantizer")


@pytest.fixture(scope="module")
def fashion():
    return zoo.load("cnn_fashion")


@pytest.fixture(scope="module")
def garments(fashion) -> np.ndarray:
    """Real pictures, uint8 `[16, 28, 28, 1]`."""
    values, _ = weights.golden(fashion.entry)
    return np.rint(values * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def fashion_export(fashion, garments, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fashion")
    for number, pixels in enumerate(garments):
        (folder / "0").mkdir(exist_ok=True)
        Image.fromarray(pixels[..., 0]).save(folder / "0" / f"{number:02}.png")
    forms = ("saved_model", "mediapipe", "mediapipe_uint8")
    return export(fashion, folder / "out", formats=forms, calibration=f"folder:{folder / '0'}")


@pytest.fixture(scope="module")
def tasks():
    from mediapipe.tasks.python import BaseOptions, vision

    def classifier(path: Path):
        options = vision.ImageClassifierOptions(BaseOptions(model_asset_path=str(path)))
        return vision.ImageClassifier.create_from_options(options)

    return classifier


def classified(classifier, pixels: np.ndarray) -> list:
    """What MediaPipe says of a picture, uint8 `[h, w, 3]`, most probable first."""
    import mediapipe

    image = mediapipe.Image(mediapipe.ImageFormat.SRGB, np.ascontiguousarray(pixels))
    (head,) = classifier.classify(image).classifications
    return head.categories


@mediapipe
@pytest.mark.parametrize(("form", "bound"), [("mediapipe", 1e-5), ("mediapipe_uint8", 0.1)])
def test_mediapipe_agrees_with_the_pipeline(form, bound, fashion, fashion_export, garments, tasks):
    tinted = np.round(pictures(np.random.default_rng(0), (4, 28, 28, 3)) * 255).astype(np.uint8)
    about = read_manifest(fashion_export)["artifacts"][form]
    labels = list(fashion.spec.labels)
    with tasks(fashion_export / about["path"]) as classifier:
        for pixels in [*fit_channels(garments, 3), *tinted]:
            found = classified(classifier, pixels)
            expected = dict(fashion(pixels))
            assert [labels[c.index] for c in found] == [c.category_name for c in found]
            assert {c.category_name for c in found} == set(labels)
            assert max(abs(c.score - expected[c.category_name]) for c in found) <= bound
            order = np.array([expected[c.category_name] for c in found])
            assert (np.diff(order) <= 2 * bound).all(), "most probable first"
            best = max(expected, key=expected.get)
            runner_up = sorted(expected.values())[-2]
            assert found[0].category_name == best or expected[best] - runner_up <= 2 * bound


@mediapipe
@pytest.mark.slow
@needs("flowers_test")
def test_mediapipe_agrees_on_photographs_of_the_nets_size(tasks, tmp_path):
    """As the notes for phones give them to it; its own resizing answers otherwise."""
    pipeline = zoo.load("efficientnet_lite0")
    path = (
        export(pipeline, tmp_path / "out", formats="mediapipe")
        / "efficientnet_lite0_mediapipe.tflite"
    )
    photographs = sources.load("flowers_test", 3, "test").images[::25]
    given, resized, by_itself = [], [], []
    with tasks(path) as classifier:
        for pixels in photographs:
            small = of_size(pixels, pipeline.spec.size)
            given.append(dict(pipeline(pixels)))
            resized.append(scores(classifier, small))
            assert apart(resized[-1], dict(pipeline(small))) <= 1e-4
            by_itself.append(scores(classifier, pixels))
    of_small, of_large = (
        np.mean([apart(*pair) for pair in zip(found, given, strict=True)])
        for found in (resized, by_itself)
    )
    print(
        f"mean of the largest difference: {of_small:.2g} resized here, {of_large:.2g} by MediaPipe"
    )
    assert of_small < 0.02, "what rounding to 8 bits costs a net of a thousand classes"
    assert of_small < of_large, "the day that this fails the notes may leave the resizing to it"


def scores(classifier, pixels: np.ndarray) -> dict[str, float]:
    return {c.category_name: c.score for c in classified(classifier, pixels)}


def apart(one: dict[str, float], other: dict[str, float]) -> float:
    """The largest difference of a probability."""
    assert one.keys() == other.keys()
    return max(abs(one[label] - other[label]) for label in one)


@mediapipe
def test_mediapipe_refuses_grey(fashion, tasks, tmp_path):
    """Why these forms are there: the day that this fails they may go."""
    path = export(fashion, tmp_path / "out") / "cnn_fashion_float32_static.tflite"
    with pytest.raises(ValueError, match=r"depth = 3 or 4\. Got 1 x 28 x 28 x 1"):
        tasks(path)


@mediapipe
def test_mediapipes_own_reader_finds_the_metadata(fashion, fashion_export):
    import zipfile

    from ai_edge_litert import schema_py_generated as tflite
    from mediapipe.tasks.metadata import metadata_schema_py_generated as schema

    for form, steps in (("mediapipe", [(0, 255)]), ("mediapipe_uint8", [])):
        path = fashion_export / read_manifest(fashion_export)["artifacts"][form]["path"]
        model = tflite.ModelT.InitFromObj(tflite.Model.GetRootAs(path.read_bytes()))
        (held,) = (m.buffer for m in model.metadata if m.name == b"TFLITE_METADATA")
        block = bytes(model.buffers[held].data)
        assert schema.ModelMetadata.ModelMetadataBufferHasIdentifier(block, 0)
        about = schema.ModelMetadataT.InitFromObj(schema.ModelMetadata.GetRootAs(block))
        assert about.name.decode() == fashion.entry.full_name
        (graph,) = about.subgraphMetadata
        (image,), (probs,) = graph.inputTensorMetadata, graph.outputTensorMetadata
        assert (image.name, probs.name) == (b"image", b"probs")
        assert image.content.contentProperties.colorSpace == schema.ColorSpaceType.RGB
        found = [(*u.options.mean, *u.options.std) for u in image.processUnits or []]
        assert found == steps
        (file,) = probs.associatedFiles
        assert file.type == schema.AssociatedFileType.TENSOR_AXIS_LABELS
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            assert {about.date_time for about in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
            assert archive.read(file.name.decode()) == (fashion_export / LABELS).read_bytes()


def test_two_exports_for_mediapipe_are_byte_equal_and_run_in_litert(classifier, tmp_path):
    twin = zoo.load("cnn_tiny", weights=None)
    twin.net.set_weights(classifier.net.get_weights())
    made = [
        export(one, tmp_path / str(number), formats="mediapipe")
        for number, one in enumerate((classifier, twin))
    ]
    one, other = (folder / "cnn_tiny_mediapipe.tflite" for folder in made)
    assert one.read_bytes() == other.read_bytes()
    assert verify(made[0], classifier)["passed"]


@pytest.mark.slow
def test_saved_model_cli_shows_and_runs_it(fashion, fashion_export, garments, tmp_path):
    model = fashion_export / "saved_model"
    shown = ran("show", "--dir", model, "--all")
    serve = shown.split("signature_def['serve']:")[1].split("signature_def[")[0]
    for tensor, shape in (("inputs['image']", "(-1, 28, 28, 1)"), ("outputs['probs']", "(-1, 10)")):
        about = serve.split(f"{tensor} tensor_info:")[1].split("name:")[0]
        assert "dtype: DT_FLOAT" in about and f"shape: {shape}" in about
    values = garments.astype(np.float32) / 255
    np.save(tmp_path / "pictures.npy", values)
    given = f"image={tmp_path / 'pictures.npy'}"
    ends = ("--signature_def", "serve", "--inputs", given, "--outdir", tmp_path)
    ran("run", "--dir", model, "--tag_set", "serve", *ends)
    found = np.load(tmp_path / "probs.npy")
    assert np.abs(found - fashion.infer(values)).max() <= NET_BOUND


def ran(*arguments) -> str:
    """Runs saved_model_cli in a process of its own; returns what it printed."""
    done = subprocess.run([CLI, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
