"""What each precision of a TFLite file costs, on pictures held out of the training set.

    python benchmarks/precisions.py dncnn_s25 [--pictures 10]
    python benchmarks/precisions.py mlp_gan_mnist --pictures 1000  # latents, for what makes some

This is what `zoo.export.quantize` was decided by, so no test set is in it: which layers stay in
float32, whether sums are of integers, which forms are refused. Beside the files as they are
exported stand those that were decided against.
"""

import tempfile
from pathlib import Path
from unittest import mock

import click
import numpy as np

import zoo
from zoo.data import sources
from zoo.data.batches import binarised
from zoo.export import calibration, convert, quantize, separate
from zoo.export.forms import FORMS
from zoo.export.runtimes import litert
from zoo.metrics import recognition, restoration
from zoo.tasks.functions import LATENT, functions

FORMS_COMPARED = ("float16", "dynamic_range", "int8")


def held_out(entry, most: int) -> sources.Pictures:
    """The last pictures of the training set, as `zoo train` keeps them out."""
    pictures = sources.load(entry.recipe.data, entry.spec.channels, split="train")
    return pictures.subset(slice(-entry.recipe.holdout, None)).subset(slice(most))


def figure(pipeline, function, pictures, infer) -> float:
    """PSNR in dB, accuracy in percent; of what makes pictures or latents, how far the worst is from
    the net's own: root mean square."""
    spec = pipeline.spec
    if spec.restores:
        damage = spec.degradations[0].middle
        return restoration.measured(infer, pictures, damage)["psnr"]
    if "probs" in function.outputs:
        return recognition.measured(infer, pictures, spec.labels)["accuracy"]
    values = inputs(pipeline, function, pictures)
    off = (infer(values) - function.infer(values)).reshape(len(values), -1)
    return float((off**2).mean(axis=1).max() ** 0.5)


def inputs(pipeline, function, pictures):
    """As many latents as pictures, other ones than ranges are measured on; or the pictures."""
    if LATENT in function.names:
        return pipeline.codes(len(pictures), seed=calibration.SEED + 1)
    pixels = np.stack(pictures.images).astype(np.float32) / 255
    return binarised(pixels, (0, 0)).numpy() if pipeline.spec.binary else pixels


def file_figure(pipeline, function, pictures, data: bytes, form: str) -> float:
    """The same of a file made of a float32 one."""
    values = calibration.inputs(pipeline, function) if FORMS[form].calibrated else None
    made = quantize.quantized(form, data, function, pipeline.entry.name, values)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.tflite"
        path.write_bytes(made)
        return figure(pipeline, function, pictures, litert.open(path, function))


_WHOLE = {"_kept_in_float": lambda *_: [], "_sums_in_float": lambda _: False}
OTHERWISE = (
    ("dynamic_range", "sums in float32", {"_sums_in_float": lambda _: True}),
    ("dynamic_range", "integer sums", {"_sums_in_float": lambda _: False}),
    ("dynamic_range", "nothing kept in float32", _WHOLE),
    ("int8", "nothing kept in float32", _WHOLE),
    ("int8", "outliers cut off", {"_cuts_outliers": lambda _: True}),
    ("int8", "no outliers cut off", {"_cuts_outliers": lambda _: False}),
)
"""What could have been decided: a form, how it would differ, and what decides it."""


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--pictures", "most", default=10, show_default=True, help="How many, at most.")
def main(names, most):
    for name in names:
        pipeline = zoo.load(name)
        pictures = held_out(pipeline.entry, most)
        for function in functions(pipeline):
            report(pipeline, separate.separated(function), pictures)


def report(pipeline, function, pictures):
    """Prints a line a form, as it is exported and as it could have been."""
    name = " ".join(filter(None, (pipeline.entry.full_name, function.name)))
    with tempfile.TemporaryDirectory() as folder:
        convert.to_saved_model(function, Path(folder) / "model", function.inputs)
        data = convert.to_tflite(Path(folder) / "model", name)
    whole = figure(pipeline, function, pictures, function.infer)
    click.echo(f"{name}: {whole:.3f}, {len(pictures)} held-out of {pictures.name}")
    for form in FORMS_COMPARED:
        lost = file_figure(pipeline, function, pictures, data, form) - whole
        click.echo(f"  {form}: {lost:+.3f}")
    for form, label, decisions in OTHERWISE:
        with mock.patch.multiple(quantize, **decisions):
            lost = file_figure(pipeline, function, pictures, data, form) - whole
        click.echo(f"  {form}, {label}: {lost:+.3f}")


if __name__ == "__main__":
    main()
