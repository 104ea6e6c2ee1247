"""What an int8 file rounds and how far its numbers reach: decided here, for files and training."""

from collections.abc import Sequence

import numpy as np

LEAST_SIDE = 5
"""Of a kernel of one channel that files have in two pieces (`zoo.export.separate`), the first of
which only lays out pixels: as a first layer it is rounded. A 3x3 one of DnCNN is one of seventeen
layers, and not worth it."""
_SHARES = np.arange(1.0, 0.45, -0.05)
_STRIDE = 7  # of the values that a range is judged by; enough, and prime to all widths


def in_two_pieces(layer) -> bool:
    """Whether files have a convolution of large kernels as two steps."""
    return (
        type(layer).__name__ == "Conv2D"
        and min(layer.kernel_size) >= LEAST_SIDE
        and layer.strides == (1, 1)
        and 1 in layer.kernel.shape[2:]
    )


def float_ends(
    takes_pictures: bool, gives_pictures: bool, ends_dense: bool, inputs: int = 1
) -> tuple[int, int]:
    """How many layers with a kernel stay in float32, at a net's start and at its end, and with
    them all that comes before and after these.

    At the end of what makes pictures the noise is taken from the input, or logits become grey: in
    256 steps that would cost more than all layers before. With the last layer of the first
    dcgan_fashion rounded its Frechet distance rose by 0.064, else it fell by 0.006; with that of
    srcnn_x2, it loses 1 dB. Enlarging passes the picture itself on; with the first layer of
    dncnn_color rounded, it loses 0.085 dB. (Held-out pictures, as in `benchmarks/precisions.py`,
    without `Recipe.quantization_aware`.) All have few weights; a last dense layer would have most.
    Of several inputs the first layer of each does, and what joins them: of ffdnet_color, rounded
    between its first layers and the activation of their sum, a file lost .3 dB at a sigma of 15.

    Args:
        takes_pictures: the input is `[b, h, w, c]`.
        gives_pictures: so is the output.
        ends_dense: the last layer with a kernel is dense.
        inputs: how many there are.
    """
    if not gives_pictures:
        return 0, 0
    return (inputs, 1) if takes_pictures else (0, int(not ends_dense))


def first_rounded(layers: Sequence[int], first: int, whole: bool = True) -> int:
    """Where rounding begins among a net's steps.

    Args:
        layers: where those with a kernel stand.
        first: how many of them stay in float32, as `float_ends` says.
        whole: a first one does so as a whole: it is not the step of two pieces.
    """
    if first > 1:
        return layers[min(first, len(layers) - 1)]
    return layers[0] + whole if first else 0


def cuts_outliers(takes_pictures: bool, gives_pictures: bool) -> bool:
    """Whether ranges leave out a few values far out, which would leave few steps to all others.

    A restored picture's PSNR is a mean over all pixels. Of latents and of what is made of them the
    rare one counts, and outliers are what makes it: of 1,000 digits of mlp_gan_mnist the worst is
    0.080 off with ranges cut, 0.033 with whole ones (root mean square).
    """
    return takes_pictures and gives_pictures


def range_of(seen: np.ndarray, cut: bool) -> tuple[float, float]:
    """As `Values.range`, of all values at once."""
    values = Values(seen.size)
    values.add(seen)
    return values.range(cut)


class Values:
    """The values of a tensor, of many pictures, as far as their range depends on them.

    Args:
        size: how many there will be.
    """

    def __init__(self, size: int):
        self._stride = _STRIDE if size > 1000 * _STRIDE else 1
        self._count, self._low, self._high = 0, 0.0, 0.0
        self._samples: list[np.ndarray] = []

    def add(self, values: np.ndarray) -> None:
        flat = values.ravel()
        self._low, self._high = min(self._low, flat.min()), max(self._high, flat.max())
        self._samples.append(flat[-self._count % self._stride :: self._stride].copy())
        self._count += flat.size

    def range(self, cut: bool) -> tuple[float, float]:
        """The least and greatest value, and zero; with outliers cut off, that of the ranges from
        whole to half with the least squared error."""
        if not cut:
            return self._low, self._high
        sample = np.concatenate(self._samples)
        low, high = self._low, self._high
        share = min(_SHARES, key=lambda s: _squared_error(sample, low * s, high * s))
        return low * share, high * share


def _squared_error(values: np.ndarray, low: float, high: float) -> float:
    step = (high - low) / 255 or 1.0
    rounded = np.rint(np.clip(values, low, high) / step) * step
    return float(np.square(values - rounded).mean())
