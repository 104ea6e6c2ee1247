"""Classifiers for MediaPipe: colour in, and labels and normalisation in the file itself.

MediaPipe's ImageClassifier gives a net RGB in batches of one and refuses grey inputs. How it makes
a net's numbers of pixels 0..255 it reads from a flatbuffer inside the TFLite file (its
`metadata_schema.fbs`, version 1.5.0; the numbers below are that schema's), the labels from a zip
behind it. MediaPipe's own writer of these imports OpenCV and a module that its wheels lack.
"""

import dataclasses
import io
import zipfile
from typing import TypeVar

import numpy as np

from zoo.export import tflite_editor
from zoo.images.pixels import LUMA
from zoo.index import Entry
from zoo.tasks.functions import IMAGE, Function, Input, Signature

_BLOCK, _IDENTIFIER = "TFLITE_METADATA", b"M001"
_NAME, _DESCRIPTION = 0, 1  # the first fields of a model, a tensor and a file
_MODEL_SUBGRAPHS, _MODEL_LICENCE, _MODEL_PARSER = 3, 5, 7
_SUBGRAPH_INPUTS, _SUBGRAPH_OUTPUTS = 2, 3
_TENSOR_CONTENT, _TENSOR_STEPS, _TENSOR_FILES = 3, 4, 6
_IMAGE = {0: 2, 1: {0: 1}}  # content of the second kind, image properties: colour space RGB
_FILE_TYPE, _AXIS_LABELS = 2, 2


S = TypeVar("S", bound=Signature)


def coloured(function: Function) -> Function:
    """The same classifier for RGB: one for grey gets the luma, as its pipeline does."""
    if function.shape(IMAGE)[-1] == 3:
        return function
    return dataclasses.replace(coloured_signature(function), wrapper=_from_rgb(function.wrapper))


def coloured_signature(signature: S) -> S:
    """What a classifier for RGB takes and gives."""
    image = Input(IMAGE, (*signature.shape(IMAGE)[:-1], 3))
    return dataclasses.replace(signature, inputs=(image,))


def described(data: bytes, entry: Entry, labels: str, file_name: str, normalised: bool) -> bytes:
    """A TFLite file with what MediaPipe has to know of it.

    Args:
        data: the TFLite file: RGB to `probs`.
        entry: of the net.
        labels: a line a class.
        file_name: what these are called in the zip.
        normalised: whether it takes pixels in [0, 1], which MediaPipe then divides by 255.

    Returns:
        A TFLite file, which is a zip that holds the labels, too; the same for the same arguments.
    """
    block = _metadata(entry, file_name, normalised)
    file = io.BytesIO()
    file.write(tflite_editor.with_block(data, _BLOCK, block))
    about = zipfile.ZipInfo(file_name)  # of 1980: a file with today's date would differ each day
    about.create_system = 3
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(about, labels)
    return file.getvalue()


def labels(data: bytes, file_name: str) -> str:
    """The labels in a file that `described` made; raises as zipfile does where there are none."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(file_name).decode()


def _from_rgb(wrapper):
    import tensorflow as tf

    luma = LUMA.reshape(1, 1, 3, 1)
    return lambda net, image: wrapper(net, tf.nn.conv2d(image, luma, strides=1, padding="VALID"))


def _metadata(entry: Entry, file_name: str, normalised: bool) -> bytes:
    import flatbuffers

    image = {_NAME: "image", _TENSOR_CONTENT: _IMAGE}
    if normalised:
        mean, std = np.array([0], np.float32), np.array([255], np.float32)
        image[_TENSOR_STEPS] = [{0: 1, 1: {0: mean, 1: std}}]  # normalisation
    names = {_NAME: file_name, _FILE_TYPE: _AXIS_LABELS}
    model = {
        _NAME: entry.full_name,
        _DESCRIPTION: entry.summary,
        _MODEL_SUBGRAPHS: [
            {
                _SUBGRAPH_INPUTS: [image],
                _SUBGRAPH_OUTPUTS: [{_NAME: "probs", _TENSOR_FILES: [names]}],
            }
        ],
        _MODEL_LICENCE: _licence(entry),
        _MODEL_PARSER: "1.0.0",  # nothing above is younger
    }
    builder = flatbuffers.Builder()
    builder.Finish(_table(builder, model), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


def _licence(entry: Entry) -> str:
    weights = f"of the weights: {entry.weights_licence}; " if entry.weights_licence else ""
    return f"{weights}of the training data: {entry.data_licence}"


def _table(builder, fields: dict) -> int:
    """Writes a table, a value for the number of its field; whole numbers are enumerations."""
    held = {n: v if isinstance(v, int) else _written(builder, v) for n, v in fields.items()}
    builder.StartObject(max(fields) + 1)
    for number, value in held.items():
        if isinstance(fields[number], int):
            builder.PrependInt8Slot(number, value, 0)
        else:
            builder.PrependUOffsetTRelativeSlot(number, value, 0)
    return builder.EndObject()


def _written(builder, value) -> int:
    if isinstance(value, str):
        return builder.CreateString(value)
    if isinstance(value, np.ndarray):
        return builder.CreateNumpyVector(value)
    if isinstance(value, dict):
        return _table(builder, value)
    offsets = [_table(builder, table) for table in value]
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()
