"""Pictures that ship with the package, to try things out on."""

from pathlib import Path

from zoo.errors import ZooError

FOLDER = Path(__file__).parent / "samples"
SAMPLES = {
    "noisy": "noisy.png",
    "small": "small.png",
    "photo": "photo.jpg",
    "digit": "digit.png",
    "garment": "garment.png",
    "photos": "photos",
}
"""Name -> a file, or a folder of such."""


def sample(name: str) -> Path:
    """Where a picture lies; see `zoo.sample`."""
    if name not in SAMPLES:
        raise ZooError(f"no sample is called {name!r}: expected one of {', '.join(SAMPLES)}")
    return FOLDER / SAMPLES[name]
