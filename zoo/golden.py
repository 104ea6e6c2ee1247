"""Goldens: what the parts of a net are given and make of it, to be compared elsewhere."""

from collections.abc import Callable

import numpy as np

from zoo import files
from zoo.errors import ZooError
from zoo.tasks.parts import LATENT, parts

PIXELS = "pixels"


def made(pipeline, pixels: Callable[[], np.ndarray]) -> dict[str, np.ndarray]:
    """A golden of a pipeline.

    Args:
        pipeline: from `zoo.load`.
        pixels: gives the pictures, uint8 `[b, h, w, c]`; called where a part takes some.

    Returns:
        `pixels` uint8 `[b, h, w, c]` and float32 `latent` `[b, n]`, as far as there are parts that
        take them; and each part's `result`, or `encoder_result` and `decoder_result`.
    """
    given, results = {}, {}
    for part in parts(pipeline):
        if part.input == LATENT:
            given[LATENT] = values = pipeline.codes(16)
        else:
            given[PIXELS] = taken = pixels()
            values = taken.astype(np.float32) / 255
        results[_result(part.name)] = part.infer(values)
    return given | results


def read(data: bytes, part: str = "", given: str = "image") -> tuple[np.ndarray, np.ndarray]:
    """What a part was given, and what it made of it.

    Args:
        data: an `.npz` file of what `made` returned.
        part: "", or "encoder" or "decoder".
        given: what the part takes, `image` or `latent`.

    Returns:
        float32 pixels `[b, h, w, c]` in [0, 1], or latents `[b, n]`; and the result.

    Raises:
        ZooError: the data hold no golden of such a part.
    """
    arrays = files.read_npz(data, "golden.npz")
    wanted = LATENT if given == LATENT else PIXELS, _result(part)
    if missing := [name for name in wanted if name not in arrays]:
        raise ZooError(f"this is no golden of a net's {_result(part)}: it has no {missing[0]}")
    values, result = (arrays[name] for name in wanted)
    return values if given == LATENT else values.astype(np.float32) / 255, result


def _result(part: str) -> str:
    return "_".join(filter(None, (part, "result")))
