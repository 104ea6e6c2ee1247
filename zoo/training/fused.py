"""The net's twin that training runs on; what is delivered is the plain net.

It has TensorFlow's fused batch normalisation, which Keras does not use on the CPU (one step of
DnCNN-17 is about a quarter faster so), and may compute in bfloat16 (on a CPU that can, 1.7 times as
fast again). Its weights, its input and its last layer are float32 in any case. Normalisation by
fixed averages is part of the convolution before it (a bfloat16 step of DnCNN-20 takes a quarter
less time so).

It may also fake-quantize as an int8 file will round, so that training makes up for it (Jacob et
al.: Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference,
CVPR 2018, https://arxiv.org/abs/1712.05877, section 3).
"""

import collections
from collections.abc import Callable

import keras
import tensorflow as tf

from zoo.images import subpixel
from zoo.quantization import precision as files
from zoo.training.collapsible import Collapsible, collapsible

# Of inputs, in training: half of the file's, so that what a net learns to bear is four times the
# error there. With the file's own 255 srcnn_x2 loses 0.103 dB in int8, so 0.047 (held out).
_STEPS = 127


class _FusedBatchNormalization(keras.layers.BatchNormalization):
    """BatchNormalization over the channels of `[b, h, w, c]`, in one kernel while training."""

    def call(self, inputs, training=None, mask=None):
        if not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        nothing = tf.zeros([0])
        outputs, mean, variance, *_ = self._kernel(inputs, nothing, nothing, is_training=True)
        count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), tf.float32)
        biased = (
            variance * (count - 1) / count
        )  # the kernel gives the unbiased, Keras averages this
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, biased)
        return outputs

    def _kernel(self, inputs, mean, variance, is_training: bool):
        return tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma.value,
            offset=self.beta.value,
            mean=mean,
            variance=variance,
            epsilon=self.epsilon,
            is_training=is_training,
        )

    def _move(self, average, value):
        average.assign(average * self.momentum + value * (1 - self.momentum))


class _FrozenBatchNormalization(_FusedBatchNormalization):
    """Its averages stay; scale and offset are trained."""

    def call(self, inputs, training=None, mask=None):
        averages = self.moving_mean.value, self.moving_variance.value
        return self._kernel(inputs, *averages, is_training=False)[0]


class _Folded(keras.layers.BatchNormalization):
    """With fixed averages, too; what it does is done by the convolution before it."""

    def call(self, inputs, training=None, mask=None):
        return inputs

    def scale_and_offset(self):
        """What it does to a channel, `[c]` each."""
        scale = self.gamma.value * tf.math.rsqrt(self.moving_variance.value + self.epsilon)
        return scale, self.beta.value - self.moving_mean.value * scale


class _Folding(keras.layers.Conv2D):
    """A convolution that scales and offsets as the normalisation after it does.

    With a ReLU after that, TensorFlow has one kernel for the three.
    """

    scale_and_offset: Callable[[], tuple]  # that of the `_Folded` after it

    def convolution_op(self, inputs, kernel):
        scale, offset = (tf.cast(of, inputs.dtype) for of in self.scale_and_offset())
        return tf.nn.bias_add(super().convolution_op(inputs, kernel * scale), offset)


class _FakeQuantizedInput(keras.layers.Conv2D):
    """A convolution of values that an int8 file has in steps from the least to the greatest."""

    def convolution_op(self, inputs, kernel):
        return super().convolution_op(_fake_quantized(inputs), kernel)


class _FakeQuantized(_FakeQuantizedInput):
    """Its kernel, too, is in the file's steps: 255 about zero for each output."""

    def convolution_op(self, inputs, kernel):
        return super().convolution_op(inputs, _fake_quantized_kernel(kernel))


class _Subpixel(keras.layers.Conv2DTranspose):
    """As `zoo.images.subpixel`: a faster kernel."""

    def call(self, inputs):
        kernel = tf.cast(subpixel.kernel_of(self), inputs.dtype)
        return subpixel.laid_out(self, tf.nn.conv2d(inputs, kernel, 1, "SAME"))


class _FakeQuantizedInputSubpixel(_Subpixel):
    def call(self, inputs):
        return super().call(_fake_quantized(inputs))


def _fake_quantized(values):
    least, most = (tf.cast(f(values), tf.float32) for f in (tf.reduce_min, tf.reduce_max))
    return in_steps(values, (tf.maximum(most, 0) - tf.minimum(least, 0)) / _STEPS)


def _fake_quantized_kernel(kernel):
    most = tf.reduce_max(tf.abs(kernel), axis=[0, 1, 2])
    return in_steps(kernel, tf.cast(most, tf.float32) / 127)


def in_steps(values, step):
    """Fake quantization to float32 multiples of a step, with a straight-through gradient for the
    values; the step's gradient is that of Esser et al.: Learned Step Size Quantization, ICLR 2020,
    equation 3, https://arxiv.org/abs/1902.08153, and reaches the greatest value."""
    counts = tf.math.divide_no_nan(tf.cast(values, tf.float32), step)
    moved = step * tf.stop_gradient(tf.round(counts) - counts)
    return values + tf.cast(moved, values.dtype)


def fused_twin(
    net,
    precision: str = "float32",
    frozen_batch_norm: bool = False,
    quantization_aware: bool = False,
    expand: int = 0,
):
    """A copy of a functional net, its weights too, with fused batch normalisation where it fits.

    Args:
        net: of stock layers.
        precision: a dtype policy of Keras, "float32" or "mixed_bfloat16".
        frozen_batch_norm: batch normalisation never uses the averages of a batch.
        quantization_aware: convolutions compute as in an int8 file of a net that restores: there
            the last layer is in float32, and so is the first of each input, unless it is in two
            pieces.
        expand: convolutions are trained as wide ones of so many channels, see
            `zoo.training.collapsible`; 0: as they are.
    """
    norm = _FrozenBatchNormalization if frozen_batch_norm else _FusedBatchNormalization
    weighted = [layer for layer in net.layers if layer.weights]
    first = [one for one in weighted[: len(net.inputs)] if not files.in_two_pieces(one)]
    folded = _foldable(net) if frozen_batch_norm and not quantization_aware else {}
    folding = dict.fromkeys(folded, _Folding) | dict.fromkeys(folded.values(), _Folded)

    def kind_of(layer):
        if layer.name in folding:
            return folding[layer.name]
        if _fits(layer):
            return norm
        if subpixel.fits(layer) and layer is weighted[-1]:
            return _FakeQuantizedInputSubpixel if quantization_aware else _Subpixel
        if not quantization_aware or type(layer) is not keras.layers.Conv2D:
            return type(layer)
        if layer in first:
            return type(layer)
        return _FakeQuantizedInput if layer is weighted[-1] else _FakeQuantized

    def copy(layer):
        kind = kind_of(layer)
        if expand and type(layer) is keras.layers.Conv2D:
            kind = collapsible(kind, expand)
        config = layer.get_config()
        if not isinstance(layer, keras.layers.InputLayer) and layer.name not in net.output_names:
            config["dtype"] = precision
        return kind.from_config(config)

    twin = keras.models.clone_model(net, clone_function=copy)
    for convolution, after in folded.items():
        twin.get_layer(convolution).scale_and_offset = twin.get_layer(after).scale_and_offset
    for theirs, ours in zip(net.layers, twin.layers, strict=True):
        shared = theirs.get_weights()
        ours.set_weights([*shared, *ours.get_weights()[len(shared) :]])
        ours.trainable = theirs.trainable
    return twin


def deliver(twin, net) -> None:
    """Puts what the twin has learnt into the plain net.

    Wide kernels are collapsed. Fake-quantized ones stay so: the net was trained with these, and
    files of int8 weights compute what it does.
    """
    for learnt, layer in zip(twin.layers, net.layers, strict=True):
        layer.set_weights(learnt.get_weights()[: len(layer.weights)])
        if isinstance(learnt, Collapsible):
            layer.kernel.assign(learnt.collapsed())
        if isinstance(learnt, _FakeQuantized):
            layer.kernel.assign(_fake_quantized_kernel(layer.kernel.value))


def _foldable(net) -> dict[str, str]:
    """Convolutions whose results go to a normalisation and nowhere else -> that normalisation."""
    readers = collections.defaultdict(list)
    for layer in net.layers:
        for given in keras.tree.flatten(layer.input):
            readers[id(given)].append(layer)
    found = {}
    for layer in filter(_is_linear, net.layers):
        match readers[id(layer.output)]:
            case [norm] if _fits(norm) and layer.name not in net.output_names:
                found[layer.name] = norm.name
    return found


def _is_linear(layer) -> bool:
    return (
        type(layer) is keras.layers.Conv2D
        and not layer.use_bias
        and layer.activation is keras.activations.linear
    )


def _fits(layer) -> bool:
    return (
        type(layer) is keras.layers.BatchNormalization
        and layer.axis in (-1, 3)
        and layer.scale
        and layer.center
        and not getattr(layer, "renorm", False)  # Keras 3.12 has no renorm
        and len(layer.output.shape) == 4
    )
