"""FFDNet: a denoiser that is told how strong the noise is, and works at half the size.

Zhang, Zuo, Zhang: FFDNet: Toward a Fast and Flexible Solution for CNN-based Image Denoising,
IEEE TIP 2018, https://arxiv.org/abs/1710.04026
"""

import dataclasses

from zoo.index import Benchmark, Entry, Spec, in_cycles, register
from zoo.tasks.denoise import Recipe

PAPER = (
    "Zhang, Zuo, Zhang: FFDNet: Toward a Fast and Flexible Solution for CNN-based Image "
    "Denoising, IEEE TIP 2018, https://arxiv.org/abs/1710.04026"
)


def ffdnet(depth: int = 15, width: int = 64, channels: int = 1):
    """Builds the net of section III: `[b, h, w, channels]` and the noise level to the same shape.

    The noise level is `[b, h, w, 1]`, a standard deviation in the picture's own units at each
    pixel. Each square of two by two pixels becomes one with four times the channels, and the mean
    of its noise levels goes beside them; after `depth` convolutions of 3x3 the squares are laid
    out again. A first kernel of 6x6 in steps of two is the first of both, a transposed one at the
    end the last of both: the weights are the paper's, but for a bias of each pixel of a square.
    The net gives the noise, which is taken away; it starts at zero, so that the untrained net
    returns its input. Convolutions between start near the identity: on held-out pictures 400 steps
    gain .5 dB by it. Sides are even.

    Args:
        depth: number of convolutions, at least 2.
        width: channels between them.
        channels: 1 for grey pictures, 3 for colour.
    """
    import keras
    from keras import layers

    options = {"padding": "same", "data_format": "channels_last", "kernel_initializer": "he_normal"}
    noisy = keras.Input((None, None, channels), name="image")
    sigma = keras.Input((None, None, 1), name="sigma")
    x = layers.Conv2D(width, 6, 2, name="conv1", **options)(noisy)
    level = layers.AveragePooling2D(2, data_format="channels_last", name="level")(sigma)
    level = layers.Conv2D(width, 3, use_bias=False, name="conv1_level", **options)(level)
    x = layers.ReLU(name="relu1")(layers.Add(name="told")([x, level]))
    for number in range(2, depth):
        layer = layers.Conv2D(width, 3, activation="relu", name=f"conv{number}", **options)
        x = layer(x)
        layer.kernel.assign(_near_identity(layer.kernel))
    options["kernel_initializer"] = "zeros"
    noise = layers.Conv2DTranspose(channels, 6, 2, name=f"conv{depth}", **options)(x)
    restored = layers.Subtract(name="restored")([noisy, noise])
    return keras.Model([noisy, sigma], restored, name="ffdnet")


def _near_identity(kernel):
    """A tenth of a fresh kernel `[3, 3, n, n]`, and 1 where a channel meets itself."""
    from keras import ops

    middle = ops.reshape([0.0] * 4 + [1.0] + [0.0] * 4, (3, 3, 1, 1))
    return 0.1 * kernel + middle * ops.eye(kernel.shape[-1])


_RECIPE = Recipe(
    data="BSD400",
    steps=30_000,
    batch=6,
    patch=48,
    optimizer="muon",
    learning_rate=5e-4,  # at 2e-3 seven of ten inner channels end as zero for every picture
    warmup=100,
    augment=("dihedral",),
    holdout=10,
    every=3_000,
    precision="mixed_bfloat16",
    kept_in="float16",
)
_LATE = dataclasses.replace(
    _RECIPE, optimizer="muon_late", learning_rate=3e-4, steps=10_000, every=2_000, seed=2
)
_QUANTIZED = dataclasses.replace(
    _RECIPE, steps=12_000, every=2_000, seed=3, quantization_aware=True
)
_QUANTIZED_LATE = dataclasses.replace(
    _QUANTIZED, optimizer="muon_late", learning_rate=3e-4, steps=8_000, seed=4
)
_COLOR_RECIPE = in_cycles(_RECIPE, _QUANTIZED, _QUANTIZED_LATE)
_GREY_RECIPE = in_cycles(
    *(
        dataclasses.replace(cycle, data="Train400")
        for cycle in (_RECIPE, _LATE, _QUANTIZED, _QUANTIZED_LATE)
    )
)


_LICENCES = {
    1: "Train400 (from BSD500): research and education only",
    3: "BSD400 (from BSD500): non-commercial research",
}
_LIMITS = (
    "told too little, it leaves noise; told too much, it takes detail for noise: raise or lower "
    "the level by `strength`",
    "its int8 file loses most at weak noise, for its steps are as wide as strong noise needs",
)
_PAPER = {
    "BSD68": {15: 31.63, 25: 29.19, 50: 26.29},
    "CBSD68": {15: 33.87, 25: 31.21, 50: 27.96},
}


def _entry(name: str, parameters: int, build, channels: int, depth: int, recipe: Recipe) -> Entry:
    data = "CBSD68" if channels == 3 else "BSD68"
    colour = "colour pictures" if channels == 3 else "grey or, channel by channel, colour pictures"
    return Entry(
        name=name,
        tag="bsd400",
        family="ffdnet",
        summary=f"removes Gaussian noise of a sigma that it is told, up to 75, from {colour}",
        paper=PAPER,
        build=build,
        spec=Spec(
            task="denoise",
            shape=(None, None, channels),
            degrade=("noise:0-75",),
            noise_level=True,
            multiple=2,
            receptive_radius=2 * depth + 1,
        ),
        recipe=recipe,
        parameters=parameters,
        data_licence=_LICENCES[channels],
        benchmarks=tuple(
            Benchmark(data, {"paper": {"psnr": psnr}}, degrade=f"noise:{sigma}")
            for sigma, psnr in _PAPER[data].items()
        ),
        limits=(
            *_LIMITS,
            "made for independent Gaussian noise: of a camera's, which is correlated, a part stays",
        ),
    )


_GREY = register(_entry("ffdnet_grey", 485_313, ffdnet, 1, 15, _GREY_RECIPE))
_COLOR = register(
    _entry(
        "ffdnet_color",
        852_099,
        lambda: ffdnet(depth=12, width=96, channels=3),
        3,
        12,
        _COLOR_RECIPE,
    )
)
register(
    dataclasses.replace(
        _COLOR,
        name="ffdnet_photo",
        summary="removes a camera's noise, correlated and in a JPEG, from colour photographs",
        spec=dataclasses.replace(_COLOR.spec, degrade=("camera:0-15",)),
        recipe=dataclasses.replace(
            _QUANTIZED,
            start="ffdnet_color",
            steps=6_000,
            every=1_000,
            optimizer="muon_late",  # at the whole rate biases lose more than kernels gain
            seed=1,
            loss="charbonnier",  # of squares the strongest noise alone would count
        ),
        benchmarks=(Benchmark("PolyU", degrade="pairs"), Benchmark("CBSD68", degrade="camera:5")),
        limits=(
            "made for noise as `zoo.data.camera` makes it, and for JPEG of quality 60 and more",
            "a picture that shows hardly any white noise, or more of it in a reduced copy, is "
            "taken for one of sigma 3 that a camera smoothed (nine of the 100 pairs of PolyU had a "
            "part in that): a clean one loses some texture",
            *_LIMITS,
        ),
    )
)
register(
    dataclasses.replace(
        _GREY,
        name="ffdnet_tiny",
        tag="test",
        summary="three thin layers: the tests' fixture, without weights",
        build=lambda: ffdnet(depth=3, width=4),
        spec=dataclasses.replace(_GREY.spec, receptive_radius=7),
        recipe=dataclasses.replace(
            _RECIPE, steps=12, batch=4, patch=16, warmup=2, holdout=2, every=4
        ),
        parameters=477,
        benchmarks=(),
        pretrained=False,
    )
)
