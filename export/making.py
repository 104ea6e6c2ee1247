"""The files of one part of a pipeline, each made whole in memory or in a scratch folder."""

import functools
import shutil
import tempfile
from pathlib import Path

from zoo.export import calibration, metadata, onnx_file, quantize, saved_model, tflite
from zoo.export.forms import FORMS
from zoo.export.separate import separated
from zoo.export.signature import static_shape
from zoo.images.pixels import fit_channels
from zoo.tasks.parts import Part

LABELS = "labels.txt"
_SIDE_BY_SIDE = 8  # channels that LiteRT's kernels compute together


def labels_text(pipeline) -> str:
    """What `LABELS` holds: a class a line."""
    return "".join(f"{label}\n" for label in pipeline.spec.labels)


class Maker:
    """Makes the files of one part. What several are made from is made once, and if one is asked.

    Args:
        pipeline: from `zoo.load`.
        part: one of its `zoo.tasks.parts.parts`.
        scratch: a folder for what is needed on the way.
        static_size: side of a static file's picture.
        calibration_set: as `zoo.export.artifacts.export` takes it.
    """

    def __init__(self, pipeline, part: Part, scratch: Path, static_size: int, calibration_set):
        self._pipeline, self._part, self._scratch = pipeline, separated(part), scratch
        self._static_size, self._calibration_set = static_size, calibration_set

    def write(self, form: str, part: Part, path: Path) -> None:
        """Writes one form.

        Args:
            form: a key of `zoo.export.forms.FORMS`.
            part: what the file does; one that takes colour, in the forms for MediaPipe.
            path: the file, or folder, which is not there yet.
        """
        if form == "saved_model":
            shutil.copytree(self._free_model, path)
        elif FORMS[form].mediapipe:
            path.write_bytes(self._for_mediapipe(form, part))
        else:
            path.write_bytes(self._data(form))

    def _data(self, form: str) -> bytes:
        part = self._part
        if form == "float32_free":
            return self._free
        if form == "float32_static":
            return self._static
        if form == "onnx":
            return onnx_file.convert(self._free_model, part, part.shape)
        return self._quantized(form, self._static if self._best_one_by_one else self._free, part)

    def _for_mediapipe(self, form: str, part: Part) -> bytes:
        """A file of a classifier, whose size is fixed; the uint8 file takes any batch, as others
        do."""
        whole = not FORMS[form].calibrated
        data = self._converted(part, (1, *part.shape[1:]) if whole else part.shape)
        if not whole:
            data = self._quantized("uint8", data, part)
        return metadata.described(
            data, self._pipeline.entry, labels_text(self._pipeline), LABELS, normalised=whole
        )

    def _quantized(self, form: str, data: bytes, part: Part) -> bytes:
        values = fit_channels(self._seen, part.shape[-1]) if FORMS[form].calibrated else None
        return quantize.quantized(form, data, part, self._pipeline.entry.name, values)

    def _converted(self, part: Part, shape) -> bytes:
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            model = Path(folder) / "saved_model"
            saved_model.write(part, model, shape)
            return tflite.convert(model, self._pipeline.entry.name)

    @functools.cached_property
    def _free_model(self) -> Path:
        folder = self._scratch / "saved_model"
        saved_model.write(self._part, folder, self._part.shape)
        return folder

    @functools.cached_property
    def _free(self) -> bytes:
        return tflite.convert(self._free_model, self._pipeline.entry.name)

    @functools.cached_property
    def _static(self) -> bytes:
        return self._converted(self._part, static_shape(self._part, self._static_size))

    @property
    def _best_one_by_one(self) -> bool:
        """Whether LiteRT is fast for a batch of one only: its kernel of transposed convolutions
        takes those of known size, and gains where it has many channels to do side by side. In
        int8 dcgan_mnist takes half the time so; the VAEs, whose last one has one, a third more.
        """
        from keras.layers import Conv2DTranspose

        wide = [one.filters for one in self._part.net.layers if isinstance(one, Conv2DTranspose)]
        return min(wide, default=0) >= _SIDE_BY_SIDE

    @functools.cached_property
    def _seen(self):
        return calibration.inputs(self._pipeline, self._part, self._calibration_set)
