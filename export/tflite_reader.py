"""What is inside a TFLite file: its operations in order, its weights by type, its ends."""

from dataclasses import dataclass

import numpy as np

from zoo.errors import import_extra


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
    model = read(data)
    graph = model.subgraphs[0]
    return [
        Operation(kind(model, step), graph.tensors[step.outputs[0]].name.decode())
        for step in graph.operators
    ]


def operators(data: bytes) -> list[str]:
    """The operators of a TFLite file, sorted: `CONV_2D`; one that is not builtin, `CUSTOM FlexErf`.

    Raises:
        MissingExtra: ai-edge-litert is not installed.
    """
    generated = schema()
    builtin = {code: name for name, code in vars(generated.BuiltinOperator).items()}
    model = generated.Model.GetRootAs(data)
    codes = [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
    names = [
        f"CUSTOM {c.CustomCode().decode()}" if c.CustomCode() else builtin[_code(c)] for c in codes
    ]
    return sorted(set(names))


def census(data: bytes) -> dict[str, dict[str, int]]:
    """What the constants of a file are: type -> how many `tensors`, and their `bytes`.

    Biases of integer layers are int32, as are shapes and axes.
    """
    model = read(data)
    found: dict[str, dict[str, int]] = {}
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
    model = read(data)
    found = [
        kind(model, step)
        for graph in model.subgraphs
        for step in graph.operators
        if _types()[graph.tensors[step.inputs[0]].type] == "FLOAT32"
    ]
    return sorted(kind for kind in found if kind in kinds)


def inputs(data: bytes) -> dict[str, str]:
    """The name that each input of the signature has among the main graph's tensors."""
    model = read(data)
    tensors = model.subgraphs[0].tensors
    return {name: tensors[number].name.decode() for name, number in input_numbers(model).items()}


def input_shape(data: bytes) -> list[int | None]:
    """The shape of the main graph's input, None where free."""
    graph = read(data).subgraphs[0]
    tensor = graph.tensors[graph.inputs[0]]
    signed = tensor.shapeSignature
    sides = tensor.shape if signed is None else signed
    return [None if side == -1 else int(side) for side in sides]


def quantized_ends(data: bytes) -> list[dict]:
    """Of a file with integer ends, what its input and its output are: a value is
    `scale * (number - zero_point)`."""
    graph = read(data).subgraphs[0]
    tensors = [graph.tensors[number] for number in (graph.inputs[0], graph.outputs[0])]
    return [
        {
            "dtype": _types()[tensor.type].lower(),
            "scale": float(tensor.quantization.scale[0]),
            "zero_point": int(tensor.quantization.zeroPoint[0]),
        }
        for tensor in tensors
    ]


def kernels(data: bytes, kinds: tuple[str, ...]) -> dict[Operation, np.ndarray]:
    """Of these kinds of operations, the constant kernel of each: float32 `[outputs, ...]`."""
    model, found = read(data), {}
    graph = model.subgraphs[0]
    for step, operation in zip(graph.operators, operations(data), strict=True):
        tensor = graph.tensors[step.inputs[1]] if operation.kind in kinds else None
        if tensor is not None and is_constant(model, tensor):
            held = np.asarray(model.buffers[tensor.buffer].data, np.uint8)
            kernel = held.view(np.float32).reshape(tensor.shape)
            last = operation.kind == "DEPTHWISE_CONV_2D"
            found[operation] = np.moveaxis(kernel, -1, 0) if last else kernel
    return found


def steps_of_activations(data: bytes) -> set[float]:
    """The scales of all int8 tensors that are computed, to six places."""
    model = read(data)
    return {
        round(float(tensor.quantization.scale[0]), 6)
        for graph in model.subgraphs
        for tensor in graph.tensors
        if _types()[tensor.type] == "INT8" and not is_constant(model, tensor)
    }


def is_constant(model, tensor) -> bool:
    held = model.buffers[tensor.buffer].data
    return held is not None and len(held) > 0


def input_numbers(model) -> dict[str, int]:
    """Numbers of tensors of the main graph by the names that the signature gives them."""
    return {one.name.decode(): one.tensorIndex for one in model.signatureDefs[0].inputs}


def read(data: bytes):
    """A file as objects of its schema."""
    generated = schema()
    return generated.ModelT.InitFromObj(generated.Model.GetRootAs(data))


def schema(purpose: str = "looking into a TFLite file"):
    """The generated schema. Raises MissingExtra where ai-edge-litert is not installed."""
    return import_extra("ai_edge_litert.schema_py_generated", purpose)


def _code(operator) -> int:
    # Files older than 2020 have a one-byte code, which says 127 where it does not suffice.
    return max(operator.BuiltinCode(), operator.DeprecatedBuiltinCode())


def kind(model, step) -> str:
    """Of a step, such as `CONV_2D`."""
    generated = schema()
    code = model.operatorCodes[step.opcodeIndex]
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    return {code: name for name, code in vars(generated.BuiltinOperator).items()}[number]


def _types() -> dict[int, str]:
    generated = schema()
    return {code: name for name, code in vars(generated.TensorType).items()}
