"""A zoo of Keras image models: a name, pretrained weights, measured figures, files for the phone.

>>> import zoo
>>> zoo.names(task="denoise")
>>> restored = zoo.load("dncnn_s25")(zoo.sample("noisy"))

Importing this loads neither TensorFlow nor Keras; `load` and `train` do, but `load` from a file
that another runtime runs. `zoo.export` is a function and the package that it comes from.
"""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from zoo.errors import ZooError, ZooWarning
from zoo.index import Entry, Recipe, Spec, entry, names, register, register_task
from zoo.version import __version__ as __version__

if TYPE_CHECKING:
    import keras

    from zoo.export.write import export as export
    from zoo.tasks.functions import Infer
    from zoo.tasks.pipeline import Pipeline

    class AnyPipeline(Pipeline):
        """A pipeline whose kind its name alone tells: a checker lets pass what only some have."""

        def __getattr__(self, name: str) -> Any: ...


__all__ = [
    "Entry", "Recipe", "Spec", "ZooError", "ZooWarning", "entry", "evaluate", "export", "load",
    "names", "quantize_aware", "register", "register_task", "sample", "train", "verify", "wrap",
]  # fmt: skip


def load(
    name: str | Path,
    weights: str | Path | None = "pretrained",
    classes: int | Sequence[str] | None = None,
    runtime: str = "keras",
) -> "AnyPipeline":
    """Loads a net with the preprocessing of its weights: pixels in, labels or pictures out.

    Args:
        name: `family_variant` or `family_variant.tag`; or a folder that `zoo.train` or
            `Pipeline.save` wrote, which says itself what it holds; or the address of what `zoo
            publish` wrote, `https://HOST/FOLDER#sha256=...`: it is fetched once.
        weights: "pretrained"; a run directory or a `.h5` file; None for fresh weights. For another
            runtime than Keras also a folder that `zoo.export` wrote.
        classes: of a classifier, the names of other classes, or how many. Where the weights are
            of a net for so many (a `.h5` file) or for these (a run directory), all of it is kept;
            else its last layer is fresh, to be trained, and all others have the weights.
        runtime: what computes: "keras", or, only to predict, "litert", "onnx" or "openvino", from
            an exported file; "fastest" is the one of these that was measured to be so, of those
            installed. TensorFlow is not imported then, but once: where no folder is given, the
            file is made and verified at the first call, and kept (`zoo.export.serving`). "auto" is
            what such a file runs in where there is one already, and else "keras".

    Returns:
        A callable `zoo.tasks.pipeline.Pipeline`.

    Raises:
        ZooError: unknown name or runtime; weights missing, changed, cut short, or of another net;
            classes for what is no classifier, or for another runtime than Keras; a file that is
            not right.
        MissingExtra: what the runtime takes is not installed.

    Warns:
        ZooWarning: the weights of a file or run directory have a last layer for other classes.
    """
    from zoo.storage.fetched import local
    from zoo.storage.weights import located
    from zoo.wrapping.entry import is_saved

    name = local(name)
    if weights == "pretrained" and is_saved(name):
        return _saved(name, classes, runtime)
    name, weights = located(name, weights)
    if runtime == "keras":
        from zoo import loading

        return cast("AnyPipeline", loading.load(name, weights, classes))
    from zoo.export import serving

    return cast("AnyPipeline", serving.load(name, weights, classes, runtime))


def _saved(folder: str | Path, classes: int | Sequence[str] | None, runtime: str) -> "AnyPipeline":
    from zoo import loading

    if runtime not in ("keras", "auto"):
        raise ZooError(
            f'{folder} holds a net of your own: expected runtime="keras", got {runtime!r}; '
            "zoo.export it, and run the files"
        )
    return cast("AnyPipeline", loading.load_own(folder, classes))


def sample(name: str) -> Path:
    """Where a picture lies that ships with the package, to try things out on.

    Args:
        name: "noisy" (colour, 160x160, Gaussian noise of sigma 25), "small" (colour, 96x96, to be
            enlarged), "photo" (colour, 192x288), "digit" or "garment" (grey, 28x28); or "photos": a
            folder for `folder:PATH`, `train` and `test` with a folder a class in each. Its
            pictures are parts of three photographs: enough to see what happens, and for no figure.

    Returns:
        A path, which pipelines take. Origins and licences: `LICENCES.txt` beside the files.

    Raises:
        ZooError: no sample is called so.
    """
    from zoo.data.sample import sample

    return sample(name)


def wrap(
    model: "keras.Model | str | Path",
    task: str = "classify",
    labels: Sequence[str] | None = None,
    pixels: str | Sequence[Any] = "0..1",
    size: int | tuple[int, int] | None = None,
    name: str | None = None,
    examples: Any = None,
    degrade: str | Sequence[str] = (),
    scale: int | None = None,
    receptive_radius: int | None = None,
    licence: str = "of your data",
) -> "AnyPipeline":
    """Makes a pipeline of a Keras 3 model of one's own, with preprocessing inside its files.

    The pipeline runs, exports and verifies as one from `load`; no index has its name. A model that
    computes in float16 is taken as its twin in float32, with a warning.

    Args:
        model: functional or Sequential, channels last; or the path of a `.keras` file of at most
            2 GB. Nothing in the file is run: one with a Lambda, or with a layer that is not
            registered (`keras.saving.register_keras_serializable`), is refused.
        task: "classify" (pictures to classes: softmax, logits, or one sigmoid for two);
            "restore", "denoise" or "upscale" (pictures to pictures); "autoencode" (two nets in it
            called encoder and decoder); "generate" (`[b, n]` to pictures); "predict" (any tensors,
            inputs and outputs by the names of their layers; of pictures `[b, h, w, 1 or 3]`,
            `pixels` holds, and the only one is called `image`).
        labels: the classes in the order of the outputs; by default their numbers. Of a generator,
            those that the last of its numbers are the one-hot of.
        pixels: what the net takes of pixels, which the pipeline and every file take in [0, 1]:
            "0..1", "0..255" or "-1..1"; `(mean, std)` of pixels in [0, 1], numbers or one a
            channel; "inside": the net has a Rescaling or Normalization layer and takes 0..255; a
            mode of `keras.applications`, "caffe" (blue first), "tf" or "torch", or a family that
            has one, such as "mobilenet_v2". What a restorer or generator gives is in it, too.
        size: of a net that takes any size, the one that pictures to classify are brought to.
        name: of the files; by default the model's, or the file's.
        examples: pictures as it will meet them, which int8 ranges are measured on and files are
            compared on: `folder:PATH` (one folder a class: files are then judged by their
            accuracy, too), an array `[n, h, w, c]`, or a list of pictures. For several inputs, or
            one that is no picture, arrays by the inputs' names.
        degrade: what a restorer undoes, such as "noise:25" or "noise:0-55": examples are clean
            then, and damaged so; without it they are as the net takes them.
        scale: by how much it enlarges; where the net itself does not, pictures are enlarged
            (bicubic) before it. By default what the net does.
        receptive_radius: how many pixels away a pixel can change a restorer's result: larger
            pictures then go through in tiles. By default they go through whole.
        licence: of the training data, as exports say it.

    Returns:
        A callable `zoo.tasks.pipeline.Pipeline`; `save(folder)` writes the `.keras` file, labels
        and preprocessing, and `load(folder)` gives it back.

    Raises:
        ZooError: the model, or the file, is none that can be taken; it does not fit the task; the
            labels are not as many as its outputs; the message says which layer and why.

    Warns:
        ZooWarning: the model computes in less than float32; a range is said beside a Rescaling
            layer; all examples give the same.
    """
    from zoo.wrapping.wrap import wrap

    made = wrap(model, task, labels, pixels, size, name, examples, degrade, scale,
                receptive_radius, licence)  # fmt: skip
    return cast("AnyPipeline", made)


def train(
    name: str,
    run: str | Path | None = None,
    start: str | Path | None = None,
    strategy: Any = None,
    **changes: Any,
) -> Path:
    """Trains a name by its recipe, or goes on with a training that was stopped.

    The same call on the same machine ends with the same bytes, stopped in between or not. The whole
    training is repeated, cycle after cycle of the learning rate, unless something is changed: then
    it is one cycle, the first from fresh weights, or the last from those of `start`.

    Args:
        name: from the index.
        run: the run directory; `runs/NAME` by default.
        start: weights to start from in place of the recipe's: a name, a run directory or a `.h5`
            file.
        strategy: a `tf.distribute.Strategy`; by default one device, or, where TF_CONFIG is set,
            `MultiWorkerMirroredStrategy` on the machines that it names. Of several workers the
            chief alone writes the run directory, which all have to see.
        **changes: fields of the recipe to replace, such as `steps=100` or `data="folder:DIR"`.

    Returns:
        The run directory.

    Raises:
        ZooError: unknown name or field; data that does not fit; a run directory of another
            recipe; a loss that is no longer finite; a disk that is full; a TF_CONFIG that is not
            as TensorFlow takes it; another worker that has gone, or trains something else.
    """
    from zoo.training import run as training

    return training.train(name, run, start, strategy, **changes)


def quantize_aware(model: "keras.Model", keep_float: Sequence[str] = ()) -> "keras.Model":
    """A twin of a net that rounds as the net's int8 file will, to be trained on.

    `compile` and `fit` it, some hundred steps at a small learning rate from trained weights; then
    `zoo.quantization.aware.deliver` gives the plain net, whose int8 file loses what the twin
    does. The net that came is not changed. Batch normalisation keeps its averages.

    Args:
        model: functional or Sequential, of stock layers: convolutions (plain, depthwise, separable,
            transposed), dense ones, batch normalisation, activations, arithmetic, joining, pooling,
            resizing.
        keep_float: names of layers that stay in float32, beside those that files have so anyway
            (`zoo.quantization.precision.float_ends`).

    Returns:
        A Keras model that takes and gives the same. Its ranges follow the values that it is trained
        on; before the first step activations are not rounded.

    Raises:
        ZooError: the net is not such a model, or has a layer of another kind; no such layer.
    """
    from zoo.quantization.aware import quantize_aware

    return quantize_aware(model, keep_float)


def evaluate(
    pipeline: "Pipeline | str | Path",
    data: str | None = None,
    degrade: str | None = None,
    infer: "Infer | None" = None,
    progress: bool = False,
) -> dict[str, Any]:
    """Measures a pipeline on a set of pictures by its task's protocol.

    Args:
        pipeline: from `load`, or what `load` takes.
        data: a set, or `folder:PATH`; by default the entry's first benchmark.
        degrade: what is done to the pictures, such as `noise:25`; by default what the entry's
            benchmark of that set says, or else what the net was made for, at half strength.
        infer: takes the place of `pipeline.infer` (of `decode`, for what makes pictures), such as
            an exported file or a classical method.
        progress: show a bar.

    Returns:
        `name`, `tag`, `data`, `degrade`, `count`, `protocol` and `metrics`, such as `psnr` in dB
        and `ssim`, or `accuracy` and `ece` in percent and `nll` in nats; of generators also
        `floor`, the fidelity of real pictures to other real ones.

    Raises:
        ZooError: the set is not there or does not fit the task; the net cannot undo that.
    """
    from zoo.tasks.evaluate import evaluate

    pipeline = load(pipeline) if isinstance(pipeline, (str, Path)) else pipeline
    return evaluate(pipeline, data, degrade, infer, progress)


def verify(
    folder: str | Path,
    pipeline: "Pipeline | None" = None,
    trust: bool = False,
    data: str | None = None,
) -> dict[str, Any]:
    """Checks the files of an export against the net, each in the runtimes that run it.

    Args:
        folder: that `export` wrote.
        pipeline: the net; by default the one that the export came from.
        trust: of an export that was not made here: run its SavedModel, a program that can read and
            write any file that you can, and read the weights that it names.
        data: pictures with classes (of what restores, clean ones), such as `folder:PATH`, that
            files of rounded numbers are judged by; by default the examples of `wrap`.

    Returns:
        The report, also written to `report.json` in the folder: `passed`, and `rows`, one a file,
        runtime and input.

    Raises:
        ZooError: the folder is no export, or was changed so that it cannot be read.
        MissingExtra: ai-edge-litert is not installed.
    """
    from zoo.export import report
    from zoo.export.verify import verify, verify_folder

    if pipeline is None:
        return verify_folder(folder, trust=trust, data=data)
    result = verify(folder, pipeline, trust=trust, data=data)
    report.write(result, folder)
    return result


def __getattr__(name: str) -> Any:
    if name == "export":  # which takes a moment, and is not always needed
        return importlib.import_module("zoo.export")
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")
