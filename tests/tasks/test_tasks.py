"""A task and a family that nothing in the package knows go from training to verified files."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image
from tiny import data_for

import zoo
from zoo import index, schema
from zoo.export.verify import verify
from zoo.export.write import export
from zoo.tasks import functions
from zoo.tasks.evaluate import evaluate
from zoo.tasks.pipeline import Pipeline
from zoo.tasks.task import Task


class Meter(Pipeline):
    """How bright a picture is."""

    def __call__(self, picture):
        return float(self.infer(zoo.images.pixels.read(picture).values)[0, 0])

    def infer(self, values):
        return self.executor("", values)


@dataclass(frozen=True, kw_only=True)
class Recipe(schema.Recipe):
    """Attributes: goal: what is added to the brightness."""

    goal: float = 0.0


class Measure(Task):
    """The mean of a picture: one number."""

    name, kind, headline = "measure", "measurement", "error"
    recipe, pipeline, gives_pictures = Recipe, Meter, False

    def signatures(self, spec):
        return [functions.of_pictures(spec, "brightness")]

    def functions(self, pipeline):
        def wrapper(net, image):
            return {"brightness": net(pipeline.spec.normalize(image), training=False)}

        (signature,) = self.signatures(pipeline.spec)
        return [signature.of(pipeline.net, wrapper, pipeline.infer)]

    def batches(self, entry, pictures):
        import tensorflow as tf

        from zoo.data.batches import epochs

        take = epochs(entry, pictures)

        def batch(step):
            pixels, _ = take(step)
            mean = tf.reduce_mean(pixels, axis=[1, 2, 3], keepdims=True)
            return pixels, mean + entry.recipe.goal

        return batch

    def evaluate(self, evaluation, infer=None, progress=False):
        figures = self.held_out(evaluation.pipeline, evaluation.pictures)
        return {"protocol": "mean absolute error", "metrics": figures}

    def held_out(self, pipeline, pictures):
        values = pictures.values()
        return {
            "error": float(np.abs(pipeline.infer(values).ravel() - values.mean((1, 2, 3))).mean())
        }

    def preview(self, pipeline, real=None):
        return Image.new("L", (8, 8))


def net():
    import keras

    image = keras.Input((12, 12, 1), name="image")
    x = keras.layers.Conv2D(4, 3, strides=2, activation="relu")(image)
    x = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    return keras.Model(image, keras.layers.Dense(1)(x), name="meter")


@pytest.fixture
def meter(monkeypatch, tmp_path):
    monkeypatch.setitem(index._tasks, "measure", Measure())
    entry = schema.Entry(
        name="meter_small", tag="mine", family="meter", summary="a meter", paper="none", build=net,
        spec=schema.Spec(task="measure", shape=(12, 12, 1)),
        recipe=Recipe(data="none", steps=60, batch=4, learning_rate=3e-2, holdout=4, every=30),
        parameters=45, data_licence="not stated", pretrained=False,
    )  # fmt: skip
    monkeypatch.setitem(index._entries, entry.full_name, entry)
    return entry, data_for(zoo.entry("cnn_tiny"), tmp_path / "data")


def test_a_toy_task_goes_from_training_to_verified_files(meter, tmp_path):
    entry, data = meter
    assert "meter_small" in zoo.names(task="measure")
    run = zoo.train("meter_small", tmp_path / "run", data=data)
    pipeline = zoo.load("meter_small", run)
    assert evaluate(pipeline, data)["metrics"]["error"] < 0.1
    folder = export(pipeline, tmp_path / "files")
    report = verify(folder, pipeline)
    assert not [row["reason"] for row in report["rows"] if not row["passed"]]
    assert len(report["rows"]) > 5
    assert dataclasses.asdict(entry.recipe)["goal"] == 0.0
    with pytest.raises(zoo.ZooError, match="a recipe to measure has no penalty"):
        zoo.train("meter_small", tmp_path / "other", penalty=1.0)
