"""One row of the table: the protocol is followed and named."""

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.data import sources
from zoo.images.pixels import to_uint8
from zoo.tasks.evaluate import evaluate


def write_flat(folder, grey, count=4, size=(96, 96)):
    folder.mkdir(parents=True)
    for number in range(count):
        Image.new("L", size, grey).save(folder / f"{number}.png")
    return f"folder:{folder}"


def test_a_row_of_a_denoiser_says_what_was_measured_and_how(folder):
    pipeline = zoo.load("dncnn_tiny", weights=None)
    row = evaluate(pipeline, f"folder:{folder}")
    assert set(row) == {"name", "tag", "data", "degrade", "count", "protocol", "metrics"}
    assert (row["name"], row["data"], row["count"]) == (
        "dncnn_tiny",
        f"folder:{folder}",
        4,
    )
    for part in ("sigma 25 ", "not clipped", "seed 0", "rounded to 8 bits"):
        assert part in row["protocol"]
    assert set(row["metrics"]) == {"psnr", "ssim"}
    assert 15 < row["metrics"]["psnr"] < 25 and 0 < row["metrics"]["ssim"] < 1


def test_two_measurements_are_equal(folder, denoiser):
    rows = [evaluate(denoiser, f"folder:{folder}") for _ in range(2)]
    assert rows[0] == rows[1]


def test_doing_nothing_to_a_flat_picture_leaves_the_noise(tmp_path):
    data = write_flat(tmp_path / "flat", 128)
    row = evaluate(zoo.load("dncnn_tiny", weights=None), data)
    assert row["metrics"]["psnr"] == pytest.approx(20 * np.log10(255 / 25), abs=0.1)


def test_the_noise_is_not_clipped_before_it_is_restored(folder):
    """On black, half of the noise lies below zero; a mean over what came finds black again."""
    seen = []

    def restore(values):
        seen.append(values)
        return np.full_like(values, values.mean())

    data = write_flat(folder.parent / "black", 0)
    row = evaluate(zoo.load("dncnn_tiny", weights=None), data, infer=restore)
    assert all(values.min() < -0.2 and abs(values.mean()) < 0.01 for values in seen)
    assert row["metrics"]["psnr"] > 48


def test_each_picture_has_a_noise_of_its_own(tmp_path):
    seen = []

    def restore(values):
        seen.append(values)
        return values

    evaluate(
        zoo.load("dncnn_tiny", weights=None), write_flat(tmp_path / "flat", 128, 2), infer=restore
    )
    assert np.abs(np.corrcoef(seen[0].ravel(), seen[1].ravel())[0, 1]) < 0.05


def test_another_method_takes_the_pipelines_place(folder):
    pipeline = zoo.load("dncnn_tiny", weights=None)
    clean = iter(sources.load(f"folder:{folder}", 1).images)
    row = evaluate(
        pipeline, f"folder:{folder}", infer=lambda _: next(clean)[None] / np.float32(255)
    )
    assert row["metrics"] == {"psnr": np.inf, "ssim": pytest.approx(1)}


def test_the_figures_are_of_the_pipelines_own_results(folder, denoiser):
    """Worked out again by hand, from the picture that the pipeline gives back."""
    inputs = []

    def restore(values):
        inputs.append(values)
        return denoiser.infer(values)

    row = evaluate(denoiser, f"folder:{folder}", infer=restore)
    assert row == evaluate(denoiser, f"folder:{folder}")
    figures = []
    for noisy, clean in zip(inputs, sources.load(f"folder:{folder}", 1).images, strict=True):
        error = to_uint8(denoiser.infer(noisy)[0]).astype(float) - clean
        figures.append(10 * np.log10(255**2 / np.mean(error**2)))
    assert row["metrics"]["psnr"] == pytest.approx(np.mean(figures), abs=1e-3)


@pytest.fixture
def classes(tmp_path, camera):
    """A class folder of photographs of different sizes, three in each of three classes."""
    for number in range(9):
        below = tmp_path / "classes" / ("left", "middle", "right")[number // 3]
        below.mkdir(parents=True, exist_ok=True)
        part = camera[40 * number :, 30 * number :][: 12 + number, :20]
        Image.fromarray(part).save(below / f"{number}.png")
    return tmp_path / "classes"


def test_a_row_of_a_classifier_agrees_with_its_answers(classes, classifier):
    row = evaluate(classifier, f"folder:{classes}")
    assert set(row) == {"name", "tag", "data", "degrade", "count", "protocol", "metrics"}
    assert row["count"] == 9 and "top-1 in percent" in row["protocol"]
    answers = [classifier(path) for path in sorted(classes.rglob("*.png"))]
    labels = np.repeat(classifier.spec.labels, 3)
    right = [answer[0].label == label for answer, label in zip(answers, labels, strict=True)]
    losses = [-np.log(dict(answer)[label]) for answer, label in zip(answers, labels, strict=True)]
    assert row["metrics"]["accuracy"] == pytest.approx(100 * np.mean(right))
    assert row["metrics"]["nll"] == pytest.approx(np.mean(losses), abs=1e-4)


def test_a_set_of_other_classes_is_refused(classes, classifier):
    (classes / "d").mkdir()
    Image.new("L", (12, 12)).save(classes / "d" / "0.png")
    with pytest.raises(zoo.ZooError, match="does not know: d; expected left, middle, right"):
        evaluate(classifier, f"folder:{classes}")


def test_a_set_without_classes_is_refused_by_a_classifier(folder, classifier):
    with pytest.raises(zoo.ZooError, match="has no classes"):
        evaluate(classifier, f"folder:{folder}")


def test_a_set_with_a_picture_too_small_for_the_metric_is_refused(tmp_path, denoiser):
    data = write_flat(tmp_path / "small", 128, size=(40, 8))
    with pytest.raises(zoo.ZooError, match="at least 11 pixels"):
        evaluate(denoiser, data)


def test_a_broken_picture_of_a_set_is_left_out_and_named(folder, denoiser):
    (folder / "2.png").write_bytes(b"broken")
    with pytest.warns(zoo.ZooWarning, match=r"1 of 4 pictures cannot be read .*2.png: not a pict"):
        row = evaluate(denoiser, f"folder:{folder}")
    assert row["count"] == 3


def test_a_name_without_a_benchmark_asks_for_a_set(denoiser):
    with pytest.raises(zoo.ZooError, match="dncnn_tiny has no benchmark of its own: name a set"):
        evaluate(denoiser)
