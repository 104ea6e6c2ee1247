"""Makes the files of one function of a net; what several are made from is made once."""

import functools
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from zoo.export import calibration as calibrating
from zoo.export import convert, metadata, quantize
from zoo.export import mixed as mixing
from zoo.export.artifacts import Artifact
from zoo.export.forms import FORMS
from zoo.export.manifest import (
    LABELS,
    labels_text,
)
from zoo.export.separate import separated
from zoo.export.signature import Inputs, static_inputs
from zoo.tasks.functions import Function, Values, coloured
from zoo.tasks.pipeline import Pipeline

_SIDE_BY_SIDE = 8  # channels that LiteRT's kernels compute together


class Maker:
    """Makes the files of one function; what several are made from is made once, and if needed.

    Args:
        pipeline: from `zoo.load`.
        function: one of its `zoo.tasks.functions.functions`.
        scratch: a folder for what is needed on the way.
        static_size: side of a static file's picture.
        calibration_set: as `export` takes it.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        function: Function,
        scratch: Path,
        static_size: int,
        calibration_set: str | None,
    ):
        self._pipeline, self._function, self._scratch = pipeline, separated(function), scratch
        self._static_size, self._calibration_set = static_size, calibration_set
        self.keep()

    def keep(self, keep_float: Sequence[str] = (), mixed: str | None = None) -> None:
        """Chooses what stays in float32, as `export` takes it; of other parts' layers nothing."""
        known = mixing.layer_names(self._function) if keep_float else []
        self._keep_float, self._mixed = [name for name in keep_float if name in known], mixed

    def write(self, artifact: Artifact[Function], path: Path) -> list[str]:
        """Writes an artifact to a path that is not there yet.

        Returns:
            The layers that were chosen to stay in float32 in it.
        """
        self._in_float: list[str] = []
        if artifact.form == "saved_model":
            shutil.copytree(self._free_model, path)
        elif FORMS[artifact.form].mediapipe:
            path.write_bytes(self._for_mediapipe(artifact.form, artifact.function))
        else:
            path.write_bytes(self._data(artifact.form))
        return self._in_float

    def _data(self, form: str) -> bytes:
        function = self._function
        if form == "float32_free":
            return self._free
        if form == "float32_static":
            return self._static
        if form == "onnx":
            return convert.to_onnx(self._free_model, function)
        data = self._static if self._best_one_by_one else self._free
        return self._quantized(form, data, function)

    def _for_mediapipe(self, form: str, function: Function) -> bytes:
        """A file of a classifier, whose size is fixed; the uint8 file takes any batch, as others
        do."""
        in_float = not FORMS[form].calibrated
        data = self._converted(
            function, static_inputs(function, self._static_size) if in_float else function.inputs
        )
        if not in_float:
            data = self._quantized("uint8", data, function)
        labels = labels_text(self._pipeline.spec)
        return metadata.described(data, self._pipeline.entry, labels, LABELS, normalised=in_float)

    def _quantized(self, form: str, data: bytes, function: Function) -> bytes:
        calibrated = FORMS[form].calibrated
        values = coloured(self._samples, function) if calibrated else None
        made_of = data, function, self._pipeline.entry.name, values
        if form != "float16":
            self._in_float = self._keep_float
        if self._mixed and values is not None:
            int8 = quantize.Quantization("int8", *made_of)
            self._in_float = mixing.fewest(int8, values, self._keep_float)
        kept = mixing.steps_of(data, function, self._in_float)
        return quantize.quantized(form, *made_of, kept)

    def _converted(self, function: Function, inputs: Inputs) -> bytes:
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            model = Path(folder) / "saved_model"
            convert.to_saved_model(function, model, inputs)
            return self._lite(model)

    def _lite(self, model: Path) -> bytes:
        layers = [x.name for x in self._function.net._flatten_layers(include_self=False)]
        return convert.to_tflite(model, self._pipeline.entry.name, layers)

    @functools.cached_property
    def _free_model(self) -> Path:
        folder = self._scratch / "saved_model"
        convert.to_saved_model(self._function, folder, self._function.inputs)
        return folder

    @functools.cached_property
    def _free(self) -> bytes:
        return self._lite(self._free_model)

    @functools.cached_property
    def _static(self) -> bytes:
        return self._converted(self._function, static_inputs(self._function, self._static_size))

    @property
    def _best_one_by_one(self) -> bool:
        """Whether LiteRT is fast for a batch of one only: its kernel of transposed convolutions
        takes those of known size, and gains where it has many channels to do side by side. In
        int8 dcgan_mnist takes half the time so; the VAEs, whose last one has one, a third more.
        """
        from keras.layers import Conv2DTranspose

        layers = self._function.net.layers
        wide = [layer.filters for layer in layers if isinstance(layer, Conv2DTranspose)]
        return min(wide, default=0) >= _SIDE_BY_SIDE

    @functools.cached_property
    def _samples(self) -> Values:
        return calibrating.inputs(self._pipeline, self._function, self._calibration_set)
