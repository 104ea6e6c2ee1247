"""DnCNN: a plain stack of convolutions that learns the noise and takes it away.

Zhang, Zuo, Chen, Meng, Zhang: Beyond a Gaussian Denoiser: Residual Learning of Deep CNN
for Image Denoising, IEEE TIP 2017, https://arxiv.org/abs/1608.03981
"""

import dataclasses

from zoo.index import Benchmark, Entry, Recipe, Spec, register

PAPER = (
    "Zhang, Zuo, Chen, Meng, Zhang: Beyond a Gaussian Denoiser, IEEE TIP 2017, "
    "https://arxiv.org/abs/1608.03981"
)


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


def _published(bm3d: float, paper: float) -> dict:
    return {"BM3D": {"psnr": bm3d}, "paper (DnCNN-S)": {"psnr": paper}}


_S25 = Entry(
    name="dncnn_s25",
    tag="train400",
    family="dncnn",
    summary="removes Gaussian noise of sigma 25 from grey or, channel by channel, colour pictures",
    paper=PAPER,
    build=dncnn,
    spec=Spec(task="denoise", shape=(None, None, 1), sigma=25.0, reach=17),
    recipe=Recipe(
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
    ),
    parameters=558_017,
    data_licence="Train400 (from BSD500): research and education only",
    benchmarks=(
        Benchmark("BSD68", _published(28.57, 29.23)),
        Benchmark("Set12", _published(29.97, 30.44)),
    ),
    limits=(
        "made for noise of sigma 25: weaker noise is over-smoothed, stronger noise stays",
        "made for independent Gaussian noise: JPEG blocks and sensor noise are not removed",
    ),
)

register(_S25)
register(
    dataclasses.replace(
        _S25,
        name="dncnn_tiny",
        tag="test",
        summary="three thin layers: the tests' fixture, without weights",
        build=lambda: dncnn(depth=3, width=4),
        spec=dataclasses.replace(_S25.spec, reach=3),
        recipe=dataclasses.replace(
            _S25.recipe, steps=12, batch=4, patch=16, warmup=2, holdout=2, every=4
        ),
        parameters=237,
        benchmarks=(),
        pretrained=False,
    )
)
