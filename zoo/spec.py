"""What goes into a net and what comes out of it: a frozen record that imports no Keras."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.data.degradation import Degradation
from zoo.errors import ZooError
from zoo.recipe import Recipe as Recipe

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Input:
    """One input of a function.

    Attributes:
        name: such as `image` or `latent`.
        shape: `[b, ...]`, None where free.
    """

    name: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True)
class Spec:
    """What goes into a net and what comes out of it.

    Attributes:
        task: the name of a `zoo.tasks.task.Task`.
        shape: of one picture, `(h, w, c)`; `None` where the net takes any size.
        value_range: what stands in the net for black and for white; numbers, or tuples of one a
            channel.
        bgr: the net takes colour with blue first.
        labels: the classes in the order of the net's outputs (classify), or those that a picture
            can be asked of (generate).
        latent: how many normal numbers a picture is made from (generate, autoencode).
        background: what shows through where a picture is transparent, in [0, 1]: white, as on a
            page, unless the net was trained on things that lie on another (classify, autoencode).
        binary: pixels are black or white; those of grey pictures are Bernoulli-sampled by their
            intensity (autoencode).
        degrade: what it undoes, each as `Degradation.parse` reads it (restoration).
        scales: by which factors it can enlarge; the first unless another is asked for.
        upsamples: the net enlarges by the one scale itself; otherwise pictures are enlarged
            (bicubic) before it.
        noise_level: the net is told how strong the noise is, too: its standard deviation at each
            pixel, `[b, h, w, 1]`, in the net's value range.
        luma: of colour pictures, only the luma Y (BT.601, 16..235) goes through the net; chroma
            is enlarged at most. Otherwise a grey net restores each colour channel by itself.
        border: so many pixels the net's output lacks at each side (valid padding); the picture is
            mirrored at its border first, so that none are lost.
        receptive_radius: of the receptive field: how many pixels of the result away an input
            pixel can change it; the overlap of tiles. Meaningful where the size is free.
        multiple: the net takes sides that are multiples of it; pictures are mirrored at their end
            up to those.
        head: what a classifier's last layer gives: "softmax", probabilities; "logits"; "sigmoid",
            the probability of the second of two classes.
        inputs, outputs: of any tensors, by name (predict); the shape is then that of the picture
            among them, `(1, 1, 1)` without.
    """

    task: str
    shape: tuple[int | None, int | None, int]
    value_range: tuple[Any, Any] = (0.0, 1.0)
    bgr: bool = False
    labels: tuple[str, ...] = ()
    latent: int = 0
    background: float = 1.0
    binary: bool = False
    degrade: tuple[str, ...] = ()
    scales: tuple[int, ...] = (1,)
    upsamples: bool = False
    noise_level: bool = False
    luma: bool = False
    border: int = 0
    receptive_radius: int = 0
    multiple: int = 1
    head: str = "softmax"
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Input, ...] = ()

    @property
    def free_size(self) -> bool:
        return self.shape[0] is None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the pictures. Raises ZooError where they are free."""
        height, width, _ = self.shape
        if height is None or width is None:
            raise ZooError("expected a net of one size, got one that takes any; name a size")
        return height, width

    @property
    def restores(self) -> bool:
        return bool(self.degrade)

    @property
    def enlarged_before(self) -> int:
        """By how much pictures are enlarged before the net, unless another scale is asked for."""
        return 1 if self.upsamples else self.scales[0]

    @property
    def enlarged_by_net(self) -> int:
        """By how much the net itself enlarges."""
        return self.scales[0] if self.upsamples else 1

    @property
    def code(self) -> int:
        """Length of what a picture is made from: the latent, and the class as one-hot."""
        return self.latent + (len(self.labels) if self.latent else 0)

    @property
    def channels(self) -> int | str:
        """What a data set is read as: 1 (grey), 3 (colour) or "Y" (luma)."""
        return "Y" if self.luma else self.shape[-1]

    @property
    def degradations(self) -> tuple[Degradation, ...]:
        return tuple(map(Degradation.parse, self.degrade))

    def normalize(self, pixels: Any, scale: int = 1) -> Any:
        """Pixels in [0, 1] -> the net's value range. Any array or tensor, any shape.

        With a scale, `[b, h, w, c]` is enlarged by it first (bicubic).
        """
        if scale != 1:
            from zoo.images.resize import enlarge

            pixels = enlarge(pixels, scale)
        low, high = self._ends
        return (_turned(pixels) if self.bgr else pixels) * (high - low) + low

    def denormalize(self, values: Any) -> Any:
        """The net's value range -> pixels in [0, 1], not clipped. The inverse of `normalize`."""
        low, high = self._ends
        pixels = (values - low) / (high - low)
        return _turned(pixels) if self.bgr else pixels

    def level(self, sigma: Any) -> Any:
        """A standard deviation in grey levels of 0..255 -> in the net's value range."""
        low, high = self._ends
        return sigma * ((high - low) / 255)

    @property
    def _ends(self) -> tuple[Any, Any]:
        """Numbers, or arrays `[c]`."""
        import numpy as np

        low, high = (
            np.array(end, np.float32) if isinstance(end, tuple) else end for end in self.value_range
        )
        return low, high


def _turned(pixels: Any) -> Any:
    """Red and blue change places. Of tensors by slices: all runtimes have these."""
    if hasattr(pixels, "strides"):  # an array
        return pixels[..., ::-1]
    import tensorflow as tf

    return tf.concat([pixels[..., i : i + 1] for i in (2, 1, 0)], axis=-1)
