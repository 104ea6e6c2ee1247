"""TFLite files changed: in one piece, with other ends, with activations apart."""

import copy

import numpy as np

from zoo.errors import ZooError
from zoo.export import tflite_reader


def in_one_piece(data: bytes) -> bytes:
    """The same file with its weights inside its tables, where every reader looks for them."""
    model = tflite_reader.read(data)
    for held in model.buffers:
        if held.offset:
            held.data = np.frombuffer(data, np.uint8, held.size, held.offset)
            held.offset = held.size = 0
    return written(model, len(data))


def starting_at(data: bytes, shapes: dict[str, tuple[int, ...]]) -> bytes:
    """The same file, whose inputs have these shapes until others come, in place of 1x1 pixels: a
    step that mirrors borders cannot be prepared for so few. What is free stays free."""
    model = tflite_reader.read(data)
    for name, number in tflite_reader.input_numbers(model).items():
        model.subgraphs[0].tensors[number].shape = np.array(shapes[name], np.int32)
    return written(model, len(data))


def with_block(data: bytes, name: str, held: bytes) -> bytes:
    """The same file with a named block of bytes, for whoever knows the name."""
    generated = tflite_reader.schema("a TFLite file with metadata")
    model = tflite_reader.read(data)
    buffer, entry = generated.BufferT(), generated.MetadataT()
    buffer.data = np.frombuffer(held, np.uint8)
    entry.name, entry.buffer = name, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    return written(model, len(data))


def with_activations_apart(data: bytes, kind: str) -> bytes:
    """The same function, with what is fused into steps of a kind as steps of their own."""
    model = tflite_reader.read(data)
    graph, steps = model.subgraphs[0], []
    for step in graph.operators:
        steps.append(step)
        if tflite_reader.kind(model, step) == kind and step.builtinOptions.fusedActivationFunction:
            steps.append(_apart(model, graph, step))
    if len(steps) == len(graph.operators):
        return data
    graph.operators = steps
    return written(model, len(data))


def with_uint8_ends(data: bytes) -> bytes:
    """A file that is int8 inside and float32 at its ends, with uint8 ends.

    The step that made int8 of the input makes it of uint8; so does the output's the other way.

    Raises:
        ZooError: an end is not rounded.
    """
    model = tflite_reader.read(data)
    graph = model.subgraphs[0]
    steps = [(tflite_reader.kind(model, step), step) for step in graph.operators]
    firsts = [s for k, s in steps if k == "QUANTIZE" and s.inputs[0] == graph.inputs[0]]
    lasts = [s for k, s in steps if k == "DEQUANTIZE" and s.outputs[0] == graph.outputs[0]]
    if not firsts or not lasts:
        raise ZooError(
            "a file with uint8 ends needs a first and a last layer that are rounded, and one is "
            "kept in float32; take int8, whose ends are float32"
        )
    first, last = firsts[0], lasts[0]
    _become_uint8(graph.tensors[first.inputs[0]], graph.tensors[first.outputs[0]])
    _become_uint8(graph.tensors[last.outputs[0]], graph.tensors[last.inputs[0]])
    last.opcodeIndex = first.opcodeIndex
    last.builtinOptionsType, last.builtinOptions = first.builtinOptionsType, first.builtinOptions
    model.operatorCodes[first.opcodeIndex].version = 2  # int8 from and to uint8
    return written(model, len(data))


def _apart(model, graph, step):
    """A step that does what was fused into another one."""
    generated = tflite_reader.schema("taking steps apart")
    names = {code: name for name, code in vars(generated.ActivationFunctionType).items()}
    operator, after = generated.OperatorCodeT(), generated.OperatorT()
    before = copy.copy(graph.tensors[step.outputs[0]])
    before.name += b", before its activation"
    fused = names[step.builtinOptions.fusedActivationFunction]
    operator.builtinCode = operator.deprecatedBuiltinCode = getattr(
        generated.BuiltinOperator, fused
    )
    after.opcodeIndex = len(model.operatorCodes)
    after.inputs, after.outputs = [len(graph.tensors)], step.outputs
    model.operatorCodes.append(operator)
    graph.tensors.append(before)
    step.outputs, step.builtinOptions.fusedActivationFunction = after.inputs, 0
    return after


def _become_uint8(tensor, like) -> None:
    """The same values as an int8 tensor's: its zero point moved by 128."""
    generated = tflite_reader.schema("an uint8 file")
    tensor.type = generated.TensorType.UINT8
    tensor.quantization = generated.QuantizationParametersT()
    tensor.quantization.scale = like.quantization.scale
    tensor.quantization.zeroPoint = [point + 128 for point in like.quantization.zeroPoint]


def written(model, size: int) -> bytes:
    """A file of what `zoo.export.tflite_reader.read` gave."""
    import flatbuffers

    builder = flatbuffers.Builder(size)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())
