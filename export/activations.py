"""All that a TFLite file computes of its inputs on the way, as far as its ranges depend on it."""

import numpy as np

from zoo.errors import import_extra
from zoo.export import tflite_reader
from zoo.export.runtimes.litert import accepted, in_batches
from zoo.export.signature import SERVE
from zoo.quantization import precision
from zoo.tasks.functions import Function

_AT_ONCE = 2**20  # numbers that go in


def activations(
    data: bytes, function: Function, given: dict[str, np.ndarray]
) -> dict[str, tuple[precision.Values, int]]:
    """All that a file computes of its inputs, by the names of its tensors, and their ranks."""
    litert = import_extra("ai_edge_litert.interpreter", "calibrating")
    plain = litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = litert.Interpreter(
        model_content=data,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=plain,
        num_threads=2,
    )
    runner = interpreter.get_signature_runner(SERVE)
    computed = {step.output for step in tflite_reader.operations(data)}
    numbers = [d for d in interpreter.get_tensor_details() if d["dtype"] == np.float32]
    wanted = {d["name"]: d["index"] for d in numbers if d["name"] in computed}
    found: dict[str, tuple[precision.Values, int]] = {}
    takes = accepted(runner, function)
    batches = [one for some in _parts(given) for one in in_batches(some, takes)]
    for batch in batches:
        runner(**batch)
        for name, index in wanted.items():
            values = interpreter.get_tensor(index)
            if name not in found:
                found[name] = precision.Values(values.size * len(batches)), values.ndim
            found[name][0].add(values)
    return found


def _parts(given: dict[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
    """As many at once as memory should hold all results of: of photographs, a few."""
    count = len(next(iter(given.values())))
    each = sum(array.size for array in given.values()) // count
    step = max(1, _AT_ONCE // each)
    return [{n: a[i : i + step] for n, a in given.items()} for i in range(0, count, step)]
