"""What each precision of a TFLite file costs, on pictures held out of the training set.

    python benchmarks/precisions.py dncnn_s25 [--pictures 10]

This is what `export.quantize` was decided by, so no test set is in it: which layers stay in
float32, whether sums are of integers, which forms are refused. Beside the files as they are
exported stand those that were decided against.
"""

import tempfile
from pathlib import Path
from unittest import mock

import click

import zoo
from export import calibration, quantize, saved_model, separate, tflite
from zoo import evaluate
from zoo.data import sources
from zoo.parts import parts

FORMS = ("float16", "dynamic_range", "int8")


def held_out(entry, most: int) -> sources.Pictures:
    """The last pictures of the training set, as `zoo train` keeps them out."""
    pictures = sources.load(entry.recipe.data, entry.spec.channels, split="train")
    return pictures.part(slice(-entry.recipe.holdout, None)).part(slice(most))


def exported(pipeline):
    """What its files are made of."""
    return separate.separated(*parts(pipeline))


def figure(pipeline, pictures, infer) -> float:
    """PSNR in dB, or accuracy in percent."""
    spec = pipeline.spec
    if spec.restores:
        damage = spec.degradations[0].middle
        return evaluate.restoration(infer, pictures, damage)["psnr"]
    return evaluate.recognition(infer, pictures, spec.labels)["accuracy"]


def file_figure(pipeline, pictures, data: bytes, form: str) -> float:
    """The same of a file made of a float32 one."""
    part = exported(pipeline)
    values = calibration.inputs(pipeline, part) if form in quantize.CALIBRATED else None
    made = quantize.quantized(form, data, part, pipeline.entry.name, values)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.tflite"
        path.write_bytes(made)
        return figure(pipeline, pictures, tflite.opened(path, part))


_WHOLE = {"_kept_in_float": lambda *_: [], "_sums_in_float": lambda _: False}
OTHERWISE = (
    ("dynamic_range", "sums in float32", {"_sums_in_float": lambda _: True}),
    ("dynamic_range", "integer sums", {"_sums_in_float": lambda _: False}),
    ("dynamic_range", "nothing kept in float32", _WHOLE),
    ("int8", "nothing kept in float32", _WHOLE),
)
"""What could have been decided: a form, how it would differ, and what decides it."""


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--pictures", "most", default=10, show_default=True, help="How many, at most.")
def main(names, most):
    for name in names:
        pipeline = zoo.load(name)
        pictures = held_out(pipeline.entry, most)
        part = exported(pipeline)
        with tempfile.TemporaryDirectory() as folder:
            saved_model.write(part, Path(folder) / "model", part.shape)
            data = tflite.convert(Path(folder) / "model", name)
        whole = figure(pipeline, pictures, pipeline.infer)
        click.echo(f"{name}: {whole:.3f}, {len(pictures)} held-out of {pictures.name}")
        for form in FORMS:
            lost = file_figure(pipeline, pictures, data, form) - whole
            click.echo(f"  {form}: {lost:+.3f}")
        for form, label, decisions in OTHERWISE:
            with mock.patch.multiple(quantize, **decisions):
                lost = file_figure(pipeline, pictures, data, form) - whole
            click.echo(f"  {form}, {label}: {lost:+.3f}")


if __name__ == "__main__":
    main()
