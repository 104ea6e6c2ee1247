"""A picture of what a net does: input, result, original, difference, and a part of each."""

import math
from statistics import NormalDist

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from zoo.data import sources
from zoo.data.degradation import Degradation
from zoo.data.degrade import degrade, divisible
from zoo.errors import MissingExtra
from zoo.images.pixels import fit_channels, to_uint8
from zoo.images.sheet import grid
from zoo.index import Entry
from zoo.metrics import quality
from zoo.metrics.baselines import LABELS, baseline
from zoo.tasks import evaluate

PHOTOGRAPHS = {  # of scikit-image: name -> rows and columns of the part that is shown
    "astronaut": (slice(0, 264), slice(96, 360)),
    "camera": (slice(60, 324), slice(120, 384)),
    "chelsea": (slice(20, 284), slice(100, 364)),
    "coffee": (slice(90, 354), slice(150, 414)),
}
AMPLIFIED = 4
_ZOOM, _GAP, _LINE = (96, 88, 66), 8, 18  # top, left and side of the enlarged part; pixels


def photograph(name: str) -> np.ndarray:
    """Part of a photograph that scikit-image ships: uint8 `[264, 264, c]`.

    Raises:
        MissingExtra: scikit-image is not installed.
    """
    try:
        from skimage import data
    except ImportError:
        raise MissingExtra("scikit-image", "demo", "photographs") from None
    return np.atleast_3d(getattr(data, name)())[PHOTOGRAPHS[name]]


def columns(pipeline, name: str, damage: Degradation) -> dict[str, np.ndarray]:
    """A photograph damaged, restored by a classical method and by the net, and clean.

    Returns:
        label -> uint8 `[h, w, c]`; the damaged one enlarged by repeating its pixels, if it was
        reduced. The last is the original.
    """
    channels = 1 if pipeline.spec.channels == 1 else 3
    clean = divisible(
        fit_channels(photograph(name)[None].astype(np.float32) / 255, channels), damage
    )
    values = np.asarray(degrade(clean, damage, seed=(0, 0)))
    scale = damage.scale
    made = {
        f"input ({damage})": values.repeat(scale, 1).repeat(scale, 2),
        LABELS[damage.kind]: baseline(values, damage),
        pipeline.entry.name: pipeline.infer(values, scale),
        "original": clean,
    }
    return {label: to_uint8(pixels[0]) for label, pixels in made.items()}


def strip(pipeline, name: str = "astronaut") -> Image.Image:
    """The net's picture for its card: one row whole, one row a part of it, four times as large."""
    damage = pipeline.spec.degradations[0].middle
    shown = columns(pipeline, name, damage)
    result, original = shown[pipeline.entry.name], shown["original"]
    error = np.abs(result.astype(int) - original) * AMPLIFIED
    difference = {f"difference x{AMPLIFIED}": error.clip(0, 255).astype(np.uint8)}
    captions = {
        label: label if label == "original" else f"{label}, {quality.psnr(pixels, original):.2f} dB"
        for label, pixels in shown.items()
    }
    return _drawn([(captions.get(k, k), v) for k, v in (shown | difference).items()])


def made(pipeline, real: np.ndarray | None = None) -> Image.Image:
    """What a net makes, for its card; an autoencoder also of real pictures.

    A generator's classes stand in columns. Two latents are laid out as a plane, in equal steps of
    probability; of more, the four that vary most each go from -3 to 3 in a row.

    Args:
        pipeline: from `zoo.load`.
        real: uint8 `[15, h, w, c]`; by default pictures of the test set.
    """
    spec = pipeline.spec
    if spec.latent == 2:
        return grid(_plane(pipeline, 20))
    if spec.task == "generate":
        return grid(pipeline.sample(120, seed=0), columns=len(spec.labels) or 15)
    real = _of_test_set(pipeline.entry) if real is None else real
    blank = np.full_like(real, 255)
    rows = [pipeline.sample(60, seed=0), blank, real, pipeline(real), blank]
    return grid(np.concatenate([*rows, *_traversals(pipeline, real)]), columns=15)


def _of_test_set(entry: Entry) -> np.ndarray:
    images = sources.load(entry.benchmarks[0].data, entry.spec.channels, split="test").images
    apart = max(1, len(images) // 15)  # some sets are sorted by class
    return np.stack(images[::apart][:15])


def mistakes(pipeline, most: int = 20) -> Image.Image:
    """How a classifier errs on its test set, for its card.

    To the left, in percent of each class (a row), what it was taken for; to the right the pictures
    that it was most sure of and wrong.
    """
    spec = pipeline.spec
    pictures = sources.load(pipeline.entry.benchmarks[0].data, spec.channels, split="test")
    probabilities = evaluate.probabilities(pipeline.infer, pictures)
    right = pictures.labels_among(spec.labels)
    said = probabilities.argmax(-1)
    shares = np.zeros((len(spec.labels),) * 2)
    np.add.at(shares, (right, said), 100 / np.bincount(right)[right])
    wrong = np.flatnonzero(said != right)
    worst = wrong[np.argsort(-probabilities[wrong].max(-1))][:most]
    captions = [f"{spec.labels[said[i]]}, not {spec.labels[right[i]]}" for i in worst]
    matrix = _matrix(shares, spec.labels)
    shown = _captioned([pictures.images[i] for i in worst], captions)
    sheet = Image.new("RGB", (matrix.width + _GAP + shown.width, max(matrix.height, shown.height)))
    sheet.paste("white", (0, 0, *sheet.size))
    sheet.paste(matrix, (0, 0))
    sheet.paste(shown, (matrix.width + _GAP, 0))
    return sheet


def _matrix(shares: np.ndarray, labels: tuple[str, ...], cell: int = 38) -> Image.Image:
    """Rows and columns are headed by the labels; those of the columns stand upright."""
    font, side = ImageFont.load_default(12), len(labels) * cell
    left = top = 12 + math.ceil(max(map(font.getlength, labels)))
    image = Image.new("RGB", (left + side, top + side), "white")
    draw = ImageDraw.Draw(image)
    for row, label in enumerate(labels):
        draw.text((left - 6, top + row * cell + cell // 2), label, "black", font, anchor="rm")
        image.paste(_upright(label, font, top - 6, cell), (left + row * cell, 0))
        for column, share in enumerate(shares[row]):
            corner = left + column * cell, top + row * cell
            shade = int(255 - (1.2 if row == column else 2.5) * share)
            box = (*corner, corner[0] + cell - 2, corner[1] + cell - 2)
            draw.rectangle(box, fill=(shade, shade, 255) if row == column else (255, shade, shade))
            if share >= 0.05:
                middle = (corner[0] + cell // 2, corner[1] + cell // 2)
                draw.text(middle, f"{share:.1f}", "black", font, anchor="mm")
    return image


def _upright(label: str, font, length: int, width: int) -> Image.Image:
    """A label that reads upwards, from the lower edge."""
    line = Image.new("RGB", (length, width), "white")
    ImageDraw.Draw(line).text((0, width // 2), label, "black", font, anchor="lm")
    return line.transpose(Image.Transpose.ROTATE_90)


def _captioned(pictures: list[np.ndarray], captions: list[str], side: int = 84) -> Image.Image:
    font, columns, width = ImageFont.load_default(11), 5, 150
    height = side + 2 * _LINE
    image = Image.new("RGB", (columns * width, -(-len(pictures) // columns) * height), "white")
    draw = ImageDraw.Draw(image)
    for number, (pixels, caption) in enumerate(zip(pictures, captions, strict=True)):
        left, top = number % columns * width, number // columns * height
        part = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        image.paste(part.resize((side, side), Image.NEAREST), (left, top))
        draw.text((left, top + side + 3), caption, "black", font)
    return image


def _plane(pipeline, side: int) -> np.ndarray:
    steps = [NormalDist().inv_cdf((i + 0.5) / side) for i in range(side)]
    points = [(x, y) for y in reversed(steps) for x in steps]
    return to_uint8(pipeline.decode(np.array(points)))


def _traversals(pipeline, real: np.ndarray) -> list[np.ndarray]:
    means, logvars = pipeline.encode(real)
    varied = np.argsort(logvars.mean(0))[:4]
    codes = np.repeat(means[:1], 15, axis=0)[None].repeat(4, 0)
    for row, which in enumerate(varied):
        codes[row, :, which] = np.linspace(-3, 3, 15)
    return [to_uint8(pipeline.decode(row)) for row in codes]


def _drawn(pictures: list[tuple[str, np.ndarray]]) -> Image.Image:
    height, width = pictures[0][1].shape[:2]
    step = width + _GAP
    sheet = Image.new("RGB", (step * len(pictures) - _GAP, 2 * height + _LINE + _GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for number, (caption, pixels) in enumerate(pictures):
        left = number * step
        draw.text((left + 2, 2), caption, "black", font)
        whole = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        sheet.paste(whole, (left, _LINE))
        top, first, side = _ZOOM
        part = whole.crop((first, top, first + side, top + side))
        sheet.paste(part.resize((width, height), Image.NEAREST), (left, _LINE + height + _GAP))
    return sheet


STRIPS = {"restoration": strip, "generation": made, "recognition": mistakes}
"""Kind of task -> the picture for a card of that kind, a function of the pipeline."""
