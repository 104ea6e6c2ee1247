"""The classical method that stands beside a net: what one can have without any learning."""

import numpy as np

from zoo.data.degradation import Degradation
from zoo.data.photographs import photograph
from zoo.errors import MissingExtra
from zoo.images import noise
from zoo.images.pixels import fit_channels, to_uint8
from zoo.images.resize import enlarge

LABELS = {
    "noise": "non-local means",
    "camera": "non-local means",
    "pairs": "non-local means",
    "bicubic": "bicubic",
    "jpeg": "JPEG as it is",
}


def baseline(values: np.ndarray, damage: Degradation) -> np.ndarray:
    """Damaged `[b, h, w, c]` in [0, 1] -> restored, at `scale` times the size.

    Noise goes by non-local means told its level, or the estimate of a camera's (Buades et al. 2005;
    scikit-image), reduced pictures by bicubic interpolation; JPEG stays.

    Raises:
        MissingExtra: scikit-image is not installed.
    """
    if LABELS[damage.kind] == LABELS["noise"]:
        known = damage.kind == "noise"
        sigmas = np.full(len(values), damage.low) if known else noise.estimated(values)
        each = zip(values, sigmas / 255, strict=True)
        restored = np.stack([_non_local_means(picture, sigma) for picture, sigma in each])
    else:
        restored = np.asarray(enlarge(values, damage.scale))
    return np.clip(restored, 0, 1)


def compared(pipeline, name: str, damage: Degradation) -> dict[str, np.ndarray]:
    """A photograph damaged, restored by a classical method and by the net, and clean.

    Returns:
        label -> uint8 `[h, w, c]`; the damaged one enlarged by repeating its pixels, if it was
        reduced. The last is the original.
    """
    from zoo.data.degrade import degrade, divisible

    channels = 1 if pipeline.spec.channels == 1 else 3
    pixels = photograph(name)[None].astype(np.float32) / 255
    clean = divisible(fit_channels(pixels, channels), damage)
    values, scale = np.asarray(degrade(clean, damage, seed=(0, 0))), damage.scale
    results = {
        f"input ({damage})": values.repeat(scale, 1).repeat(scale, 2),
        LABELS[damage.kind]: baseline(values, damage),
        pipeline.entry.name: pipeline.undo(damage)(values),
        "original": clean,
    }
    return {label: to_uint8(picture[0]) for label, picture in results.items()}


def _non_local_means(picture: np.ndarray, sigma: float) -> np.ndarray:
    try:
        from skimage.restoration import denoise_nl_means
    except ImportError:
        raise MissingExtra("scikit-image", "demo", "non-local means") from None
    options = {"patch_size": 5, "patch_distance": 6, "h": 0.8 * sigma, "sigma": sigma}
    result = denoise_nl_means(picture, fast_mode=True, channel_axis=-1, **options)
    return result.reshape(picture.shape)  # it drops a single channel
