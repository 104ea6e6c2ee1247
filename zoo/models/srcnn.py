"""SRCNN: three convolutions that sharpen a picture which bicubic interpolation has enlarged.

Dong, Loy, He, Tang: Image Super-Resolution Using Deep Convolutional Networks, IEEE TPAMI 2016,
https://arxiv.org/abs/1501.00092
"""

import dataclasses

from zoo.index import Benchmark, Entry, Spec, in_cycles, register
from zoo.tasks.restore import Recipe

PAPER = (
    "Dong, Loy, He, Tang: Image Super-Resolution Using Deep Convolutional Networks, "
    "IEEE TPAMI 2016, https://arxiv.org/abs/1501.00092"
)


def srcnn(kernels: tuple[int, int, int] = (9, 5, 5), widths: tuple[int, int] = (64, 32)):
    """Builds the net of section 3.1: `[b, h, w, 1]` to `[b, h - 2m, w - 2m, 1]`.

    The convolutions see no padding, as in the paper; m is half of what the kernels lack
    (`border_of`). The input is luma, already enlarged, and the untrained net returns its middle:
    one channel passes it on, and the last layer gives no weight to the others.

    Args:
        kernels: sides of the three kernels: patches, mapping, reconstruction.
        widths: channels after the first two.
    """
    import keras
    from keras import layers

    def convolution(number, filters, activation=None):
        side = kernels[number - 1]
        options = {"activation": activation, "kernel_initializer": "he_normal"}
        options |= {"data_format": "channels_last"}
        return layers.Conv2D(filters, side, name=f"conv{number}", **options)

    image = keras.Input((None, None, 1), name="image")
    patches = convolution(1, widths[0], "relu")(image)
    mapped = convolution(2, widths[1], "relu")(patches)
    net = keras.Model(image, convolution(3, 1)(mapped), name="srcnn")
    _pass_through(net.layers[1:])
    return net


def _pass_through(layers) -> None:
    for layer in layers:
        kernel, bias = layer.get_weights()
        if layer is layers[-1]:
            kernel[:] = 0
        middle = len(kernel) // 2
        kernel[..., 0] = 0
        kernel[middle, middle, 0, 0] = 1
        layer.set_weights([kernel, bias])


def border_of(kernels: tuple[int, int, int]) -> int:
    """How many pixels the output lacks at each side."""
    return sum(side // 2 for side in kernels)


_KERNELS = {"9-5-5": (9, 5, 5), "9-1-5": (9, 1, 5)}
_PARAMETERS = {"9-5-5": 57_281, "9-1-5": 8_129}
_PAPER = {  # Set5, Set14
    "bicubic": {2: (33.66, 30.23), 3: (30.39, 27.54), 4: (28.42, 26.00)},
    "9-5-5": {2: (36.66, 32.45), 3: (32.75, 29.30), 4: (30.49, 27.50)},
    "9-1-5": {2: (36.34, 32.18), 3: (32.39, 29.00), 4: (30.09, 27.20)},
}

_RECIPE = Recipe(
    data="T91+BSD400",
    steps=10_000,
    batch=16,
    patch=48,
    rescale=(0.9, 0.8, 0.7),
    optimizer="muon_first",
    learning_rate=3e-3,
    warmup=100,
    augment=("dihedral",),
    holdout=20,
    every=1_000,
    quantization_aware=True,
)


def _published(scale: int, net: str, column: int) -> dict[str, dict[str, float]]:
    return {
        "bicubic": {"psnr": _PAPER["bicubic"][scale][column]},
        f"paper ({net})": {"psnr": _PAPER[net][scale][column]},
    }


def _entry(name: str, scale: int, recipe: Recipe = _RECIPE, net: str = "9-5-5") -> Entry:
    kernels = _KERNELS[net]
    return Entry(
        name=name,
        tag="t91_bsd400",
        family="srcnn",
        summary=f"enlarges pictures {scale} times ({net})",
        paper=PAPER,
        build=lambda: srcnn(kernels),
        spec=Spec(
            task="upscale",
            shape=(None, None, 1),
            degrade=(f"bicubic:{scale}",),
            scales=(scale,),
            luma=True,
            receptive_radius=border_of(kernels),
            border=border_of(kernels),
        ),
        recipe=recipe,
        parameters=_PARAMETERS[net],
        data_licence="T91: not stated; BSD400 (of BSD500): non-commercial research",
        benchmarks=tuple(
            Benchmark(data, _published(scale, net, column), degrade=f"bicubic:{scale}")
            for column, data in enumerate(("Set5", "Set14"))
        ),
        limits=(
            "made for pictures that were reduced by bicubic interpolation, without noise or "
            "JPEG blocks: it enlarges these, too",
            "chroma is enlarged by bicubic interpolation alone",
        ),
    )


_X2 = register(_entry("srcnn_x2", 2))
register(_entry("srcnn_x3", 3, dataclasses.replace(_RECIPE, start="srcnn_x2", steps=20_000)))
_X4 = dataclasses.replace(_RECIPE, start="srcnn_x3", steps=20_000)
_X4_AGAIN = dataclasses.replace(_RECIPE, steps=12_000, seed=2)
register(_entry("srcnn_x4", 4, in_cycles(_X4, _X4_AGAIN)))
register(_entry("srcnn_small_x3", 3, dataclasses.replace(_RECIPE, steps=6_000), net="9-1-5"))
register(
    dataclasses.replace(
        _X2,
        name="srcnn_tiny",
        tag="test",
        summary="two thin layers and a third: the tests' fixture, without weights",
        build=lambda: srcnn((3, 1, 3), (4, 3)),
        spec=dataclasses.replace(_X2.spec, receptive_radius=2, border=2),
        recipe=dataclasses.replace(
            _X2.recipe, steps=12, batch=4, patch=12, rescale=(), warmup=2, holdout=2, every=4
        ),
        parameters=83,
        benchmarks=(),
        pretrained=False,
    )
)
