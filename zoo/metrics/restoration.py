"""How restored pictures are compared with the clean ones: the papers' protocols."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from zoo.data.degradation import Degradation
from zoo.data.sources import Pictures
from zoo.images.pixels import to_uint8
from zoo.metrics import quality

SEED = 0
"""Of the noise."""


@dataclass(frozen=True)
class Protocol:
    """How restored pictures are compared with the clean ones; as the papers do.

    The clean picture has 8 bits: grey, luma Y (BT.601, 16..235) or colour, as the net's spec says.
    It is cut to a multiple of the factor, where it is reduced.

    Attributes:
        input: what is done to it, in words.
        border: so many pixels are left out at each side, times the factor.
    """

    input: str
    border: int = 0

    def text(self, degradation: Degradation, channels: int | str) -> str:
        """One line for the card."""
        parts = [
            self.input.format(strength=f"{degradation.low:g}", seed=SEED),
            "result rounded to 8 bits",
            f"{self.border * degradation.scale} pixels of border cut" if self.border else "",
            {"Y": "on Y (BT.601)", 1: "on grey", 3: "over all three channels"}[channels],
            "mean over pictures",
        ]
        return "; ".join(filter(None, parts))


PROTOCOLS = {
    "noise": Protocol("Gaussian noise of sigma {strength} (0..255), not clipped, seed {seed}"),
    "bicubic": Protocol(
        "reduced {strength} times (bicubic, antialiased, as MATLAB's imresize), not rounded",
        border=1,
    ),
    "camera": Protocol(
        "noise of a sensor of sigma {strength} at middle grey, demosaiced, reduced, in a JPEG, "
        "seed {seed}"
    ),
    "pairs": Protocol("pictures as they were taken, beside clean ones of the same"),
    "jpeg": Protocol("JPEG of quality {strength} (libjpeg)"),
}


def measured(
    infer: Callable, pictures: Pictures, damage: Degradation, progress: bool = False
) -> dict:
    """PSNR in dB and SSIM of restored pictures against the clean ones, averaged; see `each`."""
    pairs = each(infer, pictures, damage, (quality.psnr, quality.ssim), progress)
    psnr, ssim = np.mean(pairs, axis=0)
    return {"psnr": float(psnr), "ssim": float(ssim)}


def each(
    infer: Callable,
    pictures: Pictures,
    damage: Degradation,
    metrics: Sequence[Callable[[np.ndarray, np.ndarray], float]],
    progress: bool = False,
) -> np.ndarray:
    """Restored pictures against the clean ones, by the protocol of the degradation.

    Args:
        infer: damaged float32 `[1, h, w, c]` to `[1, h * scale, w * scale, c]` in [0, 1].
        pictures: clean.
        damage: of fixed strength.
        metrics: of a result and a clean picture, uint8 `[h, w, c]`.
        progress: show a bar.

    Returns:
        `[pictures, metrics]`.
    """
    from zoo.data.degrade import degrade, divisible

    border = PROTOCOLS[damage.kind].border * damage.scale
    rows = []
    for number, image in enumerate(tqdm(pictures.images, "pictures", disable=not progress)):
        clean = divisible(image, damage)
        values = clean[None].astype(np.float32) / 255
        if pictures.given is None:
            given = degrade(values, damage, seed=(SEED, number)).numpy()
        else:
            given = pictures.given[number][None].astype(np.float32) / 255
        result = to_uint8(infer(given)[0])
        pair = _without_border(result, border), _without_border(clean, border)
        rows.append([metric(*pair) for metric in metrics])
    return np.array(rows)


def _without_border(image: np.ndarray, border: int) -> np.ndarray:
    return image[border : image.shape[0] - border, border : image.shape[1] - border]
