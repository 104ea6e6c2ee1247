"""How each step of a net is rounded: what files fuse, what keeps its scale, what stays in float."""

import functools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import keras

from zoo.errors import ZooError
from zoo.quantization import precision
from zoo.quantization.fusion import (
    ARITHMETIC,
    FUSED,
    activation_of,
    folds,
    functional,
    joins,
    nodes_of,
    takes_in,
)
from zoo.quantization.grids import SIGMOID_RANGE, TANH_RANGE, FixedGrid, Grid, Mode, Swish
from zoo.quantization.layers import KINDS, Norm, Weighted

_FIXED = {"sigmoid": SIGMOID_RANGE, "softmax": SIGMOID_RANGE, "tanh": TANH_RANGE}
_OWN = ARITHMETIC | {
    "Average", "Concatenate", "ELU", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "LeakyReLU",
    "Maximum", "Minimum", "Normalization", "PReLU", "Rescaling",
}  # fmt: skip
_AS_BEFORE = {
    "Cropping2D": "", "Dropout": "", "Flatten": "", "Identity": "", "MaxPooling2D": "",
    "Permute": "", "Reshape": "", "SpatialDropout2D": "", "ZeroPadding2D": "",
    "AveragePooling2D": "away", "Resizing": "up", "UpSampling2D": "up",
}  # fmt: skip
"""What keeps the scale of its input, and how it rounds what lies between two steps."""


@dataclass
class Plan:
    """How each step of a net is rounded, and the net whose weights its twin has.

    Attributes:
        net: the plain net.
        keep_float: names of layers that are not rounded.
        mode: of all layers of the twin.
        grids: all of these whose ranges are measured.
        cuts_outliers: as `zoo.quantization.precision.cuts_outliers`.
    """

    net: keras.Model
    keep_float: Sequence[str]
    mode: Mode = field(default_factory=Mode)
    _grids: dict = field(default_factory=dict)  # tensor's id -> the tensor and its grid
    _rounded: dict = field(default_factory=dict)  # one of float steps -> itself, and rounded
    _waiting: dict = field(default_factory=dict)  # one that is no tensor of the file -> itself
    _folded: dict = field(default_factory=dict)

    def __post_init__(self):
        self.grids: list[Grid] = []
        nodes = list(nodes_of(self.net))
        self._steps = [node.operation for node in nodes]
        self._outputs = {id(node.operation): node.outputs[0] for node in nodes}
        pictures = [len(ends[0].shape) == 4 for ends in (self.net.inputs, self.net.outputs)]
        self.cuts_outliers = precision.cuts_outliers(*pictures)
        self._readers = defaultdict(list)
        for node in nodes:
            for given in node.input_tensors:
                self._readers[id(given)].append(node.operation)
        self._float = self._in_float(*pictures)

    def outputs(self):
        return self.net._run_through_graph(self.net.input, operation_fn=self._of)

    def _in_float(self, takes: bool, gives: bool) -> set[int]:
        """What stays in float32, by `id`."""
        known = {step.name for step in self._steps}
        if unknown := sorted(set(self.keep_float) - known):
            raise ZooError(f"keep_float: {self.net.name} has no layer {unknown[0]}")
        found = {id(step) for step in self._steps if step.name in self.keep_float}
        weighted = [n for n, step in enumerate(self._steps) if type(step) in KINDS]
        if not weighted:
            raise ZooError(f"{self.net.name} has no layer with a kernel: there is nothing to round")
        dense = type(self._steps[weighted[-1]]) is keras.layers.Dense
        first, last = precision.float_ends(takes, gives, dense, len(self.net.inputs))
        whole = not precision.in_two_pieces(self._steps[weighted[0]])
        begin = precision.first_rounded(weighted, first, whole)
        end = weighted[-last] if last else len(self._steps)
        found |= {id(step) for step in [*self._steps[:begin], *self._steps[end:]]}
        return found | {
            id(after)
            for step in self._steps
            if id(step) in found
            for after in self._fused_with(step)
        }

    def _fused_with(self, step):
        """What comes after a step and is one with it in the file."""
        match self._only_reader(step):
            case [reader] if not joins(reader) and takes_in(reader, step):
                yield reader
                yield from self._fused_with(reader)

    def _of(self, step):
        return functools.partial(self._call, step)

    def _call(self, step, *given, **options):
        if isinstance(step, keras.Model):
            return functional(step)._run_through_graph(given[0], operation_fn=self._of)
        if id(step) in self._float:
            return _unrounded(step, *given, **options)
        given = keras.tree.map_structure(self._in_int8, given)
        if type(step) in KINDS:
            return self._weighted(step, *given)
        if type(step) is keras.layers.BatchNormalization:
            return self._finish(step, self._normalised(step, *given))
        if function := activation_of(step):
            return self._activated(step, function, *given)
        name = type(step).__name__
        if name in _AS_BEFORE:
            return self._as_before(step, *given, **options)
        if name in _OWN:
            return self._finish(step, step(*given, **options))
        raise ZooError(
            f"quantization-aware training does not know the layer {step.name} ({name}): build the "
            f"net without it, or name it in keep_float"
        )

    def _weighted(self, layer, values):
        (reader,) = self._only_reader(layer) or (None,)
        function = layer.activation.__name__
        norm = reader if function == "linear" and folds(layer, reader) else None
        norm = None if norm is None or id(norm) in self._float else norm
        if norm is not None:
            self._folded[id(norm)] = norm
        fused = layer.activation if function in FUSED else keras.activations.linear
        made = Weighted(self.mode, layer, norm, fused, name=f"{layer.name}_rounded")
        if made.between is not None:
            made.between.build(None)
            self.grids.append(made.between)
        if function in FUSED:
            return self._finish(layer, made(values))
        return self._activated(layer, layer.activation, self._round(made(values)))

    def _normalised(self, norm, values):
        if id(norm) in self._folded:
            return values
        made = Norm(self.mode, norm, name=f"{norm.name}_rounded")
        made.between.build(None)
        self.grids.append(made.between)
        return made(values)

    def _activated(self, step, function, values):
        name = function.__name__
        if name in ("swish", "silu"):
            return self._finish(step, Swish(self.mode, name=f"{step.name}_swish")(values))
        apply = step if isinstance(step, keras.layers.ReLU) else keras.layers.Activation(function)
        if name not in _FIXED:
            return self._finish(step, apply(values))
        at_end = not self._readers[id(self._outputs[id(step)])]
        grid = FixedGrid(self.mode, _FIXED[name], at_end, name=f"{step.name}_grid")
        return self._remember(grid(apply(values)), grid)

    def _as_before(self, step, values, **options):
        """Of the scale that it takes: what it computes is rounded to that."""
        grid, ties = self._grids[id(values)][1], _AS_BEFORE[type(step).__name__]
        results = step(values, **options)
        return self._remember(grid(results, ties=ties) if ties else results, grid)

    def _finish(self, step, values):
        """Rounds what is a tensor of the file: not what goes into the next step there."""
        self._waiting.pop(id(values), None)
        match self._only_reader(step):
            case [reader] if id(reader) not in self._float and takes_in(reader, step):
                self._waiting[id(values)] = values
                return values
        return self._round(values)

    def _only_reader(self, step) -> list:
        given = self._outputs[id(step)]
        found = self._readers[id(given)]
        given_out = any(given is one for one in self.net.outputs)
        return found if len(found) == 1 and not given_out else []

    def _in_int8(self, values):
        """What a float step gave, rounded once for all that read it."""
        if not isinstance(values, keras.KerasTensor):
            return values
        if id(values) in self._grids or id(values) in self._waiting:
            return values
        if id(values) not in self._rounded:
            self._rounded[id(values)] = values, self._round(values)
        return self._rounded[id(values)][1]

    def _round(self, values):
        grid = Grid(self.mode, name=f"grid_{len(self.grids)}")
        self.grids.append(grid)
        return self._remember(grid(values), grid)

    def _remember(self, values, grid):
        self._grids[id(values)] = values, grid
        return values


def _unrounded(step, *given, **options):
    norm = isinstance(step, keras.layers.BatchNormalization)  # keeps its averages
    return step(*given, **options | ({"training": False} if norm else {}))
