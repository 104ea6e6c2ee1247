"""From a function of a pipeline to a SavedModel, and from that to TFLite and ONNX."""

import contextlib
import os
import re
import warnings
from collections.abc import Collection
from pathlib import Path

from zoo.errors import ZooError, import_extra
from zoo.export import tflite_reader
from zoo.export.signature import SERVE, Inputs, specs
from zoo.tasks.functions import Function

OPSET = 17  # of 2022: what runtimes of the last years all know
_SIDES = "height", "width"


def to_saved_model(function: Function, folder: Path, inputs: Inputs) -> None:
    """Writes a function of a pipeline as a SavedModel with one endpoint, `serve`.

    Args:
        function: what is exported, with its preprocessing.
        folder: the SavedModel.
        inputs: what it takes there, as much of it free as is to be.

    Raises:
        OSError: the folder cannot be written.
    """
    import keras
    import tensorflow as tf

    archive = keras.export.ExportArchive()
    archive.track(function.net)
    archive.add_endpoint(SERVE, function.serve, specs(inputs))
    try:
        archive.write_out(str(folder), verbose=False)
    except tf.errors.OpError as error:  # how TensorFlow reports a full disk
        raise OSError(error.message) from error


def to_tflite(saved_model: Path, name: str, layers: Collection[str] = ()) -> bytes:
    """Converts a SavedModel to a float32 TFLite file.

    Args:
        saved_model: with an endpoint `serve`.
        name: of the net, for the messages.
        layers: the names of its layers, likewise.

    Raises:
        ZooError: the net needs operators that LiteRT does not have built in.
    """
    import tensorflow as tf
    from tensorflow.lite.python.convert_phase import ConverterError

    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model), signature_keys=[SERVE])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    try:
        data = converter.convert()
    except ConverterError as error:
        missing = _missing_operators(str(error))
        raise _not_builtin(name, missing + _where(saved_model, missing, layers)) from error
    custom = [op for op in tflite_reader.operators(data) if op.startswith("CUSTOM")]
    if custom:
        raise _not_builtin(name, ", ".join(custom))
    return data


def to_onnx(saved_model: Path, function: Function) -> bytes:
    """Converts a SavedModel to an ONNX file in float32, with the same names and free sizes.

    Args:
        saved_model: with an endpoint `serve`.
        function: what was exported.

    Raises:
        ZooError: the net needs operators that ONNX does not have.
        MissingExtra: tf2onnx is not installed.
    """
    tf2onnx = _tf2onnx()
    import tensorflow as tf

    loaded = tf.saved_model.load(str(saved_model))  # which holds the variables
    serve = loaded.signatures[SERVE]
    names = function.names
    served = tf.function(lambda *tensors: serve(**dict(zip(names, tensors, strict=True))))
    try:
        with warnings.catch_warnings(), _identities_kept():
            warnings.simplefilter("ignore")  # of the converter, about what it imports
            model, _ = tf2onnx.convert.from_function(served, specs(function.inputs), opset=OPSET)
    except (KeyError, NotImplementedError, RuntimeError, ValueError) as error:
        raise ZooError(f"no ONNX file can be made: {error}; leave out onnx") from error
    _hold_constants(model.graph, served.get_concrete_function(*specs(function.inputs)))
    custom = sorted({n.op_type for n in model.graph.node if n.domain not in ("", "ai.onnx")})
    if custom:
        raise ZooError(f"ONNX does not have {', '.join(custom)}: leave out onnx")
    _name_axes(model.graph)
    return model.SerializeToString(deterministic=True)


def _hold_constants(graph, concrete) -> None:
    """Writes what a function holds beside its variables, as the mean of a Normalization, into the
    graph: the converter would ask for it as an input."""
    from onnx import numpy_helper

    held = {inner.name: outer for outer, inner in concrete.graph.captures}
    for one in [one for one in graph.input if one.name in held]:
        graph.input.remove(one)
        graph.initializer.append(numpy_helper.from_array(held[one.name].numpy(), one.name))


def _name_axes(graph) -> None:
    """Names what is free, which the converter only numbers; a side of what is enlarged by itself:
    the same name would say that it is as long as that of the input."""
    for value in (*graph.input, *graph.output):
        names = [f"{value.name}_{side}" if value.name == "enlarged" else side for side in _SIDES]
        shape = value.type.tensor_type.shape.dim
        for name, side in zip(["batch", *names], shape, strict=False):
            if not side.HasField("dim_value"):
                side.dim_param = name


@contextlib.contextmanager
def _identities_kept():
    """Without them tf2onnx 1.17 loses half of what it writes for a transposition at a graph's end,
    by chance: every fourth file of a DnCNN gave pictures `[1, b, h, w, c]`."""
    from tf2onnx import optimizer

    every = optimizer._optimizers
    optimizer._optimizers = {k: o for k, o in every.items() if k != "remove_identity"}
    try:
        yield
    finally:
        optimizer._optimizers = every


def _tf2onnx():
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # it imports ONNX Runtime, if that is there
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_extra("tf2onnx", "an ONNX file")


def _missing_operators(message: str) -> str:
    found = re.search(r"(?:TF Select|Custom) ops: (.*)", message)
    return found[1] if found else message.splitlines()[0]


def _where(saved_model: Path, missing: str, layers: Collection[str]) -> str:
    """The layers that some operators are of, as the graph's names say."""
    from tensorflow.core.protobuf import saved_model_pb2

    held = saved_model_pb2.SavedModel()
    held.ParseFromString((saved_model / "saved_model.pb").read_bytes())
    wanted, found = set(re.findall(r"\w+", missing)), dict[str, None]()
    for function in held.meta_graphs[0].graph_def.library.function:
        for node in function.node_def:
            if node.op in wanted:
                parts = [re.sub(r"_\d+$", "", part) for part in node.name.split("/")]
                found |= dict.fromkeys({*parts, *node.name.split("/")} & set(layers))
    return f", of the layer {' and '.join(sorted(found))}" if found else ""


def _not_builtin(name: str, which: str) -> ZooError:
    return ZooError(
        f"{name} cannot become a TFLite file of builtin operators only: {which}. Build the net "
        "without them, or keep that step outside of it; files with Flex operators fail on phones"
    )
