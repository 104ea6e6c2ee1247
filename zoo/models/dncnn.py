"""DnCNN: a plain stack of convolutions that learns the noise and takes it away.

Zhang, Zuo, Chen, Meng, Zhang: Beyond a Gaussian Denoiser: Residual Learning of Deep CNN
for Image Denoising, IEEE TIP 2017, https://arxiv.org/abs/1608.03981
"""

import dataclasses
from typing import Any

from zoo.index import Benchmark, Entry, Spec, in_cycles, register
from zoo.tasks.denoise import Recipe

PAPER = "Zhang et al.: Beyond a Gaussian Denoiser, IEEE TIP 2017, https://arxiv.org/abs/1608.03981"


def dncnn(depth: int = 17, width: int = 64, channels: int = 1):
    """Builds the net of section III of the paper: `[b, h, w, channels]` to the same shape.

    Convolution and ReLU; `depth - 2` times convolution, batch normalisation and ReLU; a last
    convolution, whose output (the noise, the paper's residual R(y)) is subtracted from the
    input. It starts at zero, so that the untrained net returns its input.

    Args:
        depth: number of 3x3 convolutions, at least 2.
        width: channels between them.
        channels: 1 for grey pictures, 3 for colour.
    """
    import keras
    from keras import layers

    def convolution(number, filters, **options):
        options = {"padding": "same", "kernel_initializer": "he_normal"} | options
        options |= {"data_format": "channels_last"}
        return layers.Conv2D(filters, 3, name=f"conv{number}", **options)

    noisy = keras.Input((None, None, channels), name="image")
    x = convolution(1, width, activation="relu")(noisy)
    for number in range(2, depth):
        x = convolution(number, width, use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.95, epsilon=1e-4, name=f"norm{number}")(x)
        x = layers.ReLU(name=f"relu{number}")(x)
    noise = convolution(depth, channels, kernel_initializer="zeros")(x)
    restored = layers.Subtract(name="restored")([noisy, noise])
    return keras.Model(noisy, restored, name="dncnn")


TRAIN400 = "Train400 (from BSD500): research and education only"
BSD400 = "BSD400 (from BSD500): non-commercial research"
_ONLY_GAUSSIAN = "made for independent Gaussian noise: JPEG blocks and sensor noise are not removed"

_SHORT = Recipe(
    data="Train400",
    steps=12_000,
    batch=16,
    patch=40,
    optimizer="muon",
    learning_rate=1e-2,
    warmup=100,
    augment=("dihedral",),
    holdout=20,
    every=500,
)
_LONG = dataclasses.replace(
    _SHORT, data="BSD400", rescale=(0.9, 0.8, 0.7), precision="mixed_bfloat16", every=1000
)


def _benchmarks(data: str, kind: str, published: dict[str, dict[int, float]]):
    """One a strength, from `{label: {strength: PSNR in dB}}`."""
    return tuple(
        Benchmark(
            data,
            {label: {"psnr": row[strength]} for label, row in published.items()},
            degrade=f"{kind}:{strength}",
        )
        for strength in next(iter(published.values()))
    )


def _noise_levels(data: str, sigmas, **published: tuple[float, float, float]):
    """The paper's tables: figures at sigma 15, 25 and 50, of which those at `sigmas` are taken."""
    rows = {
        _LABELS[method]: {s: f for s, f in zip((15, 25, 50), figures, strict=True) if s in sigmas}
        for method, figures in published.items()
    }
    return _benchmarks(data, "noise", rows)


_LABELS = {"bm3d": "BM3D", "single": "paper (DnCNN-S)", "blind": "paper (DnCNN-B)"}
_THREE = "paper (DnCNN-3)"
_BM3D = {"BSD68": (31.07, 28.57, 25.62), "Set12": (32.37, 29.97, 26.72)}


def _single(sigma: int, recipe: Recipe) -> Entry:
    """The paper's DnCNN-S: made for one noise level."""
    sigmas = (sigma,)
    return Entry(
        name=f"dncnn_s{sigma}",
        tag="bsd400",
        family="dncnn",
        summary=f"removes Gaussian noise of sigma {sigma} from grey or, channel by channel, "
        "colour pictures",
        paper=PAPER,
        build=dncnn,
        spec=Spec(
            task="denoise", shape=(None, None, 1), degrade=(f"noise:{sigma}",), receptive_radius=17
        ),
        recipe=recipe,
        parameters=558_017,
        data_licence=_BOTH,
        benchmarks=(
            *_noise_levels("BSD68", sigmas, bm3d=_BM3D["BSD68"], single=(31.73, 29.23, 26.23)),
            *_noise_levels("Set12", sigmas, bm3d=_BM3D["Set12"], single=(32.86, 30.44, 27.18)),
        ),
        limits=(
            f"made for noise of sigma {sigma}: weaker noise is over-smoothed, stronger noise stays",
            _ONLY_GAUSSIAN,
        ),
    )


_FURTHER = dataclasses.replace(
    _LONG, steps=30_000, every=2_000, learning_rate=5e-3, frozen_batch_norm=True
)


_LARGE: dict[str, Any] = {
    "batch": 128,
    "optimizer": "muon_late",
    "learning_rate": 1e-2,
    "seed": 9,
    "kept_in": "float16",
}
"""A late cycle of large batches, which an accelerator takes in a minute or two."""


def _cycles(first: Recipe, *changes: dict) -> Recipe:
    """The cycles after the first, each by how it differs from `_FURTHER`.

    A new seed draws other crops and other noise.
    """
    return in_cycles(first, *(dataclasses.replace(_FURTHER, **one) for one in changes))


_BOTH = f"{TRAIN400}; {BSD400}"
_S25 = register(
    _single(
        25,
        _cycles(
            _SHORT,
            {"steps": 8_000, "every": 1_000},
            {"steps": 20_000},
            {"steps": 12_000, "seed": 2},
            {"seed": 3},
            _LARGE | {"steps": 10_000},
        ),
    )
)
_FROM_S25 = dataclasses.replace(_FURTHER, start="dncnn_s25@3", steps=6_000, every=1_000)
register(_single(50, _cycles(_FROM_S25, _LARGE | {"steps": 10_000})))
register(_single(15, _cycles(_FROM_S25, {"steps": 6_000, "seed": 2}, _LARGE | {"steps": 7_500})))

_BLIND = Entry(
    name="dncnn_blind",
    tag="bsd400",
    family="dncnn",
    summary="removes Gaussian noise of any sigma up to 55 from grey or, channel by channel, "
    "colour pictures",
    paper=PAPER,
    build=lambda: dncnn(depth=20),
    spec=Spec(task="denoise", shape=(None, None, 1), degrade=("noise:0-55",), receptive_radius=20),
    recipe=_cycles(
        dataclasses.replace(_LONG, steps=12_000),
        {},
        {"steps": 25_000, "seed": 2},
        {"steps": 40_000, "seed": 3},
        {"steps": 40_000, "seed": 4},
        {"steps": 18_000, "seed": 5, "learning_rate": 3e-3},
        {"seed": 6},
        {"steps": 28_000, "seed": 7, "optimizer": "muon_late", "learning_rate": 1e-2},
        _LARGE | {"steps": 14_000},
    ),
    parameters=669_377,
    data_licence=BSD400,
    benchmarks=(
        *_noise_levels("BSD68", (15, 25, 50), bm3d=_BM3D["BSD68"], blind=(31.61, 29.16, 26.23)),
        *_noise_levels("Set12", (15, 25, 50), bm3d=_BM3D["Set12"], blind=(32.68, 30.36, 27.21)),
    ),
    limits=("noise above sigma 55 stays in part", _ONLY_GAUSSIAN),
)
register(_BLIND)
_FROM_BLIND = dataclasses.replace(_FURTHER, start="dncnn_blind@1")
_QUANTIZED = {"quantization_aware": True, "every": 1_000}
_COLOR = dataclasses.replace(
    _BLIND,
    name="dncnn_color",
    summary="removes Gaussian noise of any sigma up to 55 from colour pictures",
    build=lambda: dncnn(depth=20, channels=3),
    spec=dataclasses.replace(_BLIND.spec, shape=(None, None, 3)),
    recipe=_cycles(
        dataclasses.replace(_FROM_BLIND, frozen_batch_norm=False),
        {"steps": 6_000, "every": 1_000, "learning_rate": 3e-3},
        _QUANTIZED | {"steps": 5_000, "learning_rate": 2e-3},
        _QUANTIZED | {"steps": 8_000, "learning_rate": 4e-3, "seed": 2},
    ),
    parameters=671_683,
    benchmarks=_noise_levels(
        "CBSD68", (15, 25, 50), bm3d=(33.52, 30.71, 27.38), blind=(33.89, 31.23, 27.92)
    ),
)
register(_COLOR)
_OF_A_MIXTURE: dict[str, Any] = {"batch": 12, "patch": 48}
_WITH_T91 = _OF_A_MIXTURE | {"data": "T91+BSD400"}
_RESTORE = dataclasses.replace(
    _BLIND,
    name="dncnn_3",
    tag="t91_bsd400",
    summary="one net for noise, JPEG blocks, and enlarging 2, 3 or 4 times (`scale`)",
    spec=Spec(
        task="restore",
        shape=(None, None, 1),
        degrade=("bicubic:2-4", "jpeg:5-99", "noise:0-55"),
        scales=(1, 2, 3, 4),
        luma=True,
        receptive_radius=20,
    ),
    recipe=_cycles(
        dataclasses.replace(_FROM_BLIND, steps=20_000, **_OF_A_MIXTURE),
        _WITH_T91 | {"steps": 20_000},
        _WITH_T91 | {"steps": 25_000, "every": 2_500},
        _WITH_T91 | {"steps": 38_000, "seed": 2},
        _WITH_T91 | {"steps": 22_000, "seed": 3, "learning_rate": 3e-3},
        _WITH_T91 | _LARGE | {"steps": 21_500},
    ),
    data_licence=f"T91: not stated; {BSD400}",
    benchmarks=(
        *_benchmarks("Set5", "bicubic", {_THREE: {2: 37.58, 3: 33.75, 4: 31.40}}),
        *_benchmarks("Classic5", "jpeg", {_THREE: {10: 29.40, 20: 31.63, 30: 32.91, 40: 33.77}}),
        *_benchmarks("LIVE1", "jpeg", {_THREE: {10: 29.19, 20: 31.59, 30: 32.98, 40: 33.96}}),
    ),
    limits=(
        "works on luma: noise and blocks in the colours stay",
        "one damage at a time: not made for a reduced picture that is also noisy",
        "its exported file works at scale 1: enlarge the picture (bicubic) before it",
    ),
)
register(_RESTORE)
register(
    dataclasses.replace(
        _S25,
        name="dncnn_tiny",
        tag="test",
        summary="three thin layers: the tests' fixture, without weights",
        build=lambda: dncnn(depth=3, width=4),
        spec=dataclasses.replace(_S25.spec, receptive_radius=3),
        recipe=dataclasses.replace(
            _SHORT, steps=12, batch=4, patch=16, warmup=2, holdout=2, every=4
        ),
        parameters=237,
        benchmarks=(),
        pretrained=False,
    )
)
