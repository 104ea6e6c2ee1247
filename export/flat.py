"""What is inside a TFLite file: its operations in order, its weights by type, its ends."""

import copy
from dataclasses import dataclass

import numpy as np

from zoo.export.tflite import litert


@dataclass(frozen=True)
class Operation:
    """One step of the main graph.

    Attributes:
        kind: such as `CONV_2D`.
        output: the name of the first tensor that it gives.
    """

    kind: str
    output: str


def operations(data: bytes) -> list[Operation]:
    """The steps of the main graph, in the order in which they run."""
    model = _read(data)
    graph = model.subgraphs[0]
    return [
        Operation(_kind(model, step), graph.tensors[step.outputs[0]].name.decode())
        for step in graph.operators
    ]


def census(data: bytes) -> dict[str, dict[str, int]]:
    """What the constants of a file are: type -> how many `tensors`, and their `bytes`.

    Biases of integer layers are int32, as are shapes and axes.
    """
    model, found = _read(data), {}
    constants = {t.buffer: t for graph in model.subgraphs for t in graph.tensors}
    for number, tensor in constants.items():
        held = model.buffers[number].data
        if held is None or not len(held):
            continue
        row = found.setdefault(_types()[tensor.type].lower(), {"tensors": 0, "bytes": 0})
        row["tensors"] += 1
        row["bytes"] += len(held)
    return dict(sorted(found.items()))


def in_float(data: bytes, kinds: tuple[str, ...]) -> list[str]:
    """Of these kinds of operations, each one that takes float32, sorted; in any graph."""
    model = _read(data)
    found = [
        _kind(model, step)
        for graph in model.subgraphs
        for step in graph.operators
        if _types()[graph.tensors[step.inputs[0]].type] == "FLOAT32"
    ]
    return sorted(kind for kind in found if kind in kinds)


def input_name(data: bytes) -> str:
    """The name that the main graph's input has among its tensors."""
    graph = _read(data).subgraphs[0]
    return graph.tensors[graph.inputs[0]].name.decode()


def ends(data: bytes) -> list[dict]:
    """Of a file with integer ends, what its input and its output are: a value is
    `scale * (number - zero_point)`."""
    graph = _read(data).subgraphs[0]
    tensors = [graph.tensors[number] for number in (graph.inputs[0], graph.outputs[0])]
    return [
        {
            "dtype": _types()[tensor.type].lower(),
            "scale": float(tensor.quantization.scale[0]),
            "zero_point": int(tensor.quantization.zeroPoint[0]),
        }
        for tensor in tensors
    ]


def in_one_piece(data: bytes) -> bytes:
    """The same file with its weights inside its tables, where every reader looks for them."""
    model = _read(data)
    for held in model.buffers:
        if held.offset:
            held.data = np.frombuffer(data, np.uint8, held.size, held.offset)
            held.offset = held.size = 0
    return _written(model, len(data))


def starting_at(data: bytes, shape: tuple[int, ...]) -> bytes:
    """The same file, whose input has this shape until another comes, in place of 1x1 pixels: a
    step that mirrors borders cannot be prepared for so few. What is free stays free."""
    model = _read(data)
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].shape = np.array(shape, np.int32)
    return _written(model, len(data))


def with_block(data: bytes, name: str, held: bytes) -> bytes:
    """The same file with a named block of bytes, for whoever knows the name."""
    schema = litert("a TFLite file with metadata").schema_py_generated
    model = _read(data)
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(held, np.uint8)
    entry.name, entry.buffer = name, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    return _written(model, len(data))


def with_activations_apart(data: bytes, kind: str) -> bytes:
    """The same function, with what is fused into steps of a kind as steps of their own."""
    model = _read(data)
    graph, steps = model.subgraphs[0], []
    for step in graph.operators:
        steps.append(step)
        if _kind(model, step) == kind and step.builtinOptions.fusedActivationFunction:
            steps.append(_apart(model, graph, step))
    if len(steps) == len(graph.operators):
        return data
    graph.operators = steps
    return _written(model, len(data))


def with_uint8_ends(data: bytes) -> bytes:
    """A file that is int8 inside and float32 at its ends, with uint8 ends.

    The step that made int8 of the input makes it of uint8; so does the output's the other way.
    """
    model = _read(data)
    graph = model.subgraphs[0]
    steps = [(_kind(model, step), step) for step in graph.operators]
    first = next(s for k, s in steps if k == "QUANTIZE" and s.inputs[0] == graph.inputs[0])
    last = next(s for k, s in steps if k == "DEQUANTIZE" and s.outputs[0] == graph.outputs[0])
    _become_uint8(graph.tensors[first.inputs[0]], graph.tensors[first.outputs[0]])
    _become_uint8(graph.tensors[last.outputs[0]], graph.tensors[last.inputs[0]])
    last.opcodeIndex = first.opcodeIndex
    last.builtinOptionsType, last.builtinOptions = first.builtinOptionsType, first.builtinOptions
    model.operatorCodes[first.opcodeIndex].version = 2  # int8 from and to uint8
    return _written(model, len(data))


def _apart(model, graph, step):
    """A step that does what was fused into another one."""
    schema = litert("taking steps apart").schema_py_generated
    names = {code: name for name, code in vars(schema.ActivationFunctionType).items()}
    operator, after = schema.OperatorCodeT(), schema.OperatorT()
    before = copy.copy(graph.tensors[step.outputs[0]])
    before.name += b", before its activation"
    fused = names[step.builtinOptions.fusedActivationFunction]
    operator.builtinCode = operator.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, fused)
    after.opcodeIndex = len(model.operatorCodes)
    after.inputs, after.outputs = [len(graph.tensors)], step.outputs
    model.operatorCodes.append(operator)
    graph.tensors.append(before)
    step.outputs, step.builtinOptions.fusedActivationFunction = after.inputs, 0
    return after


def _become_uint8(tensor, like) -> None:
    """The same values as an int8 tensor's: its zero point moved by 128."""
    schema = litert("an uint8 file").schema_py_generated
    tensor.type = schema.TensorType.UINT8
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.scale = like.quantization.scale
    tensor.quantization.zeroPoint = [point + 128 for point in like.quantization.zeroPoint]


def _read(data: bytes):
    schema = litert("looking into a TFLite file").schema_py_generated
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(data))


def _written(model, size: int) -> bytes:
    import flatbuffers

    builder = flatbuffers.Builder(size)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _kind(model, step) -> str:
    schema = litert("looking into a TFLite file").schema_py_generated
    code = model.operatorCodes[step.opcodeIndex]
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    return {code: name for name, code in vars(schema.BuiltinOperator).items()}[number]


def _types() -> dict[int, str]:
    schema = litert("looking into a TFLite file").schema_py_generated
    return {code: name for name, code in vars(schema.TensorType).items()}
