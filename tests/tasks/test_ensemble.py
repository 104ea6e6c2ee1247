"""A classifier's mean over several views of a picture. A restorer's is in test_pipeline.py."""

import dataclasses
import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import zoo
from zoo import loading
from zoo.cli import main
from zoo.storage import weights


def trained_with(classifier, *augment):
    """The same net, as if its recipe had these augmentations."""
    recipe = dataclasses.replace(classifier.entry.recipe, augment=augment)
    return loading.pipeline(dataclasses.replace(classifier.entry, recipe=recipe), classifier.net)


@pytest.fixture(scope="module")
def garments():
    """Parts of a photograph inside a black border: what is moved by a pixel loses nothing."""
    from skimage import data

    parts = [data.camera()[40 * n :, 90 * n :][:10, :10, None] for n in range(4)]
    return np.pad(np.stack(parts), ((0, 0), (1, 1), (1, 1), (0, 0))).astype(np.float32) / 255


MIRRORED = (lambda v: v, lambda v: v[:, :, ::-1])
MOVED = tuple(
    lambda v, by=by: np.roll(v, by, (1, 2)) for by in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))
)


@pytest.mark.parametrize(
    ("augment", "views"),
    [
        (("mirror", "erase"), MIRRORED),
        (("rotate", "shift"), MOVED),
        (("mirror", "shift"), [lambda v, a=a, b=b: a(b(v)) for a in MOVED for b in MIRRORED]),
    ],
    ids=["mirrored", "moved", "both"],
)
def test_it_is_the_mean_over_what_the_recipe_says_is_harmless(classifier, garments, augment, views):
    expected = np.mean([classifier.infer(view(garments)) for view in views], axis=0)
    result = trained_with(classifier, *augment).infer(garments, ensemble=True)
    np.testing.assert_allclose(result, expected, atol=1e-5)
    np.testing.assert_allclose(result.sum(-1), 1, atol=1e-5)
    assert np.abs(result - classifier.infer(garments)).max() > 1e-4


def test_it_does_not_care_which_way_a_photograph_looks(classifier, astronaut):
    once, again = (
        classifier(picture, ensemble=True) for picture in (astronaut, astronaut[:, ::-1])
    )
    assert dict(once) == pytest.approx(dict(again), abs=1e-5)
    assert [dict(once)] * 2 == [dict(a) for a in classifier([astronaut] * 2, ensemble=True)]


def test_a_net_that_no_change_is_known_to_leave_alone_has_none(classifier, garments):
    with pytest.raises(zoo.ZooError, match="neither mirrored nor moved: it has no self-ensemble"):
        trained_with(classifier, "erase").infer(garments, ensemble=True)


def test_the_command_line_takes_the_mean_too(tmp_path):
    folder = weights.pretrained_folder(zoo.entry("cnn_fashion"))
    with np.load(folder / weights.GOLDEN) as golden:
        Image.fromarray(golden["pixels"][0, ..., 0]).save(tmp_path / "garment.png")
    command = ["run", "cnn_fashion", str(tmp_path / "garment.png"), "--json"]
    answers = []
    for options in ((), ("--ensemble",)):
        done = CliRunner().invoke(main, [*command, *options])
        assert done.exit_code == 0, done.output
        answers.append(json.loads(done.output)[0]["labels"])
    plain, mean = ({row["label"]: row["probability"] for row in rows} for rows in answers)
    assert plain != mean and max(plain, key=plain.get) == max(mean, key=mean.get)
