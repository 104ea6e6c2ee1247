"""The classical method that stands beside a net: what one can have without any learning."""

import numpy as np

from zoo.data.degradation import Degradation
from zoo.errors import MissingExtra
from zoo.images.resize import enlarge

LABELS = {"noise": "non-local means", "bicubic": "bicubic", "jpeg": "JPEG as it is"}


def baseline(values: np.ndarray, damage: Degradation) -> np.ndarray:
    """Damaged `[b, h, w, c]` in [0, 1] -> restored, at `scale` times the size.

    Noise goes by non-local means told its level (Buades et al. 2005; scikit-image), reduced
    pictures by bicubic interpolation; JPEG stays.

    Raises:
        MissingExtra: scikit-image is not installed.
    """
    if damage.kind == "noise":
        restored = np.stack([_non_local_means(picture, damage.low / 255) for picture in values])
    else:
        restored = np.asarray(enlarge(values, damage.scale))
    return np.clip(restored, 0, 1)


def _non_local_means(picture: np.ndarray, sigma: float) -> np.ndarray:
    try:
        from skimage.restoration import denoise_nl_means
    except ImportError:
        raise MissingExtra("scikit-image", "demo", "non-local means") from None
    options = {"patch_size": 5, "patch_distance": 6, "h": 0.8 * sigma, "sigma": sigma}
    result = denoise_nl_means(picture, fast_mode=True, channel_axis=-1, **options)
    return result.reshape(picture.shape)  # it drops a single channel
