"""SESR: a few thin convolutions on the small picture, whose last one gives all pixels of a larger.

Bhardwaj, Milosavljevic, O'Neil, Gope, Matas, Chalfin, Suda, Meng, Loh: Collapsible Linear Blocks
for Super-Efficient Super Resolution, MLSys 2022, https://arxiv.org/abs/2103.09404
"""

import dataclasses

from zoo.index import Benchmark, Entry, Spec, in_cycles, register
from zoo.tasks.restore import Recipe

PAPER = (
    "Bhardwaj et al.: Collapsible Linear Blocks for Super-Efficient Super Resolution, MLSys 2022, "
    "https://arxiv.org/abs/2103.09404"
)


def sesr(scale: int, depth: int = 11, width: int = 16, ends: int = 5):
    """Builds the collapsed net of section 3: `[b, h, w, 1]` to `[b, h * scale, w * scale, 1]`.

    A convolution, `depth` of 3x3, and a last one to scale^2 channels, which are laid out as the
    pixels of the larger picture (depth to space): the two are one transposed convolution. Around
    the 3x3 ones goes a skip connection, around all one that repeats pixels; the skips of single
    blocks are in their kernels. The untrained net repeats pixels.

    Activations are ReLU, not the paper's PReLU, which int8 files would have in float32 between
    integer convolutions.

    Args:
        scale: by how much it enlarges.
        depth: number of 3x3 convolutions; the paper's M.
        width: channels between them.
        ends: side of the first and of the last kernel, in pixels of the small picture.
    """
    import keras
    from keras import layers

    options = {"padding": "same", "data_format": "channels_last"}

    def convolution(x, number, side):
        started = {"activation": "relu", "kernel_initializer": "he_normal"}
        return layers.Conv2D(width, side, name=f"conv{number}", **options, **started)(x)

    image = keras.Input((None, None, 1), name="image")
    first = x = convolution(image, 1, ends)
    for number in range(2, depth + 2):
        x = convolution(x, number, 3)
    x = layers.Add(name="features")([first, x])
    options["kernel_initializer"] = "zeros"
    x = layers.Conv2DTranspose(1, ends * scale, scale, name="pixels", **options)(x)
    repeated = layers.UpSampling2D(scale, "channels_last", name="repeated")(image)
    net = keras.Model(image, layers.Add(name="enlarged")([repeated, x]), name="sesr")
    for layer in net.layers:
        if isinstance(layer, layers.Conv2D) and layer.kernel.shape[2] == width:
            _add_skip(layer)
    return net


def _add_skip(layer) -> None:
    kernel, bias = layer.get_weights()
    kernel *= 0.5
    kernel[1, 1] += [[float(a == b) for a in range(len(bias))] for b in range(len(bias))]
    layer.set_weights([kernel, bias])


_RECIPE = Recipe(
    data="T91+BSD400",
    steps=20_000,
    batch=16,
    patch=64,
    rescale=(0.9, 0.8, 0.7),
    optimizer="muon_first",
    learning_rate=3e-3,
    warmup=100,
    augment=("dihedral",),
    holdout=20,
    every=1_000,
    precision="mixed_bfloat16",
    expand=64,
)
_AGAIN = dataclasses.replace(_RECIPE, seed=2)
_QUANTIZED = dataclasses.replace(
    _RECIPE, steps=8_000, seed=3, learning_rate=1e-3, quantization_aware=True
)
_M5, _M11 = 5, 11
_PARAMETERS = {(_M5, 2): 13_617, (_M11, 2): 27_537, (_M11, 3): 29_537, (_M11, 4): 32_337}
_PAPER = {2: {_M5: {"Set5": 37.39, "Set14": 32.84}, _M11: {"Set5": 37.58, "Set14": 33.03}}}


def _published(scale: int, depth: int, data: str) -> dict[str, dict[str, float]]:
    figures = _PAPER.get(scale, {}).get(depth)
    return {f"paper (M{depth}, DIV2K)": {"psnr": figures[data]}} if figures else {}


def _entry(name: str, scale: int, depth: int = _M11, **recipe) -> Entry:
    return Entry(
        name=name,
        tag="t91_bsd400",
        family="sesr",
        summary=f"enlarges pictures {scale} times, fast enough for a phone (M{depth})",
        paper=PAPER,
        build=lambda: sesr(scale, depth),
        spec=Spec(
            task="upscale",
            shape=(None, None, 1),
            degrade=(f"bicubic:{scale}",),
            scales=(scale,),
            upsamples=True,
            luma=True,
            receptive_radius=(depth + 4) * scale,
        ),
        recipe=dataclasses.replace(_RECIPE, **recipe),
        parameters=_PARAMETERS[depth, scale],
        data_licence="T91: not stated; BSD400 (of BSD500): non-commercial research",
        benchmarks=tuple(
            Benchmark(data, _published(scale, depth, data), degrade=f"bicubic:{scale}")
            for data in ("Set5", "Set14")
        ),
        limits=(
            "made for pictures that were reduced by bicubic interpolation, without noise or "
            "JPEG blocks: it enlarges these, too",
            "chroma is enlarged by bicubic interpolation alone",
        ),
        pretrained=False,  # until its training is finished
    )


def _late(first: Recipe) -> tuple[Recipe, Recipe]:
    """A cycle that biases hardly move in, and one as int8 rounds."""
    late = dataclasses.replace(
        first, optimizer="muon_late", learning_rate=1e-3, steps=8_000, every=2_000, seed=2
    )
    quantized = dataclasses.replace(
        late, learning_rate=3e-4, steps=4_000, every=1_000, seed=3, quantization_aware=True
    )
    return late, quantized


def _in_cycles(entry: Entry, **recipe) -> Entry:
    first = dataclasses.replace(_RECIPE, **recipe)
    return dataclasses.replace(entry, recipe=in_cycles(first, *_late(first)), pretrained=True)


# bfloat16 does not show steps of less than its rounding, and what they add up to
_EXACT = dataclasses.replace(_RECIPE, precision="float32")
_X2 = register(
    dataclasses.replace(
        _entry("sesr_x2", 2),
        recipe=in_cycles(_RECIPE, _AGAIN, _QUANTIZED, *_late(_EXACT)),
        pretrained=True,
    )
)
# as many small pixels as of x2: with 15 a side most of x4 stood at a border, and Set5 had 30.26 dB
register(_in_cycles(_entry("sesr_x3", 3), patch=96, data="BSD400"))
register(_in_cycles(_entry("sesr_x4", 4), patch=128, data="BSD400"))
register(_in_cycles(_entry("sesr_small_x2", 2, _M5)))
register(
    dataclasses.replace(
        _X2,
        name="sesr_tiny",
        tag="test",
        summary="four thin layers: the tests' fixture, without weights",
        build=lambda: sesr(2, depth=2, width=4, ends=3),
        spec=dataclasses.replace(_X2.spec, receptive_radius=8),
        recipe=dataclasses.replace(
            _RECIPE, steps=12, batch=4, patch=12, rescale=(), warmup=2, holdout=2, every=4, expand=8
        ),
        parameters=481,
        benchmarks=(),
        pretrained=False,
    )
)
