"""What is known of data sets by their names: classes, licences, and who compares their pictures."""

from pathlib import Path

from zoo.schema import FeatureExtractor

_LISTS = Path(__file__).with_name("labels")

LABELS = {
    "mnist": tuple("0123456789"),
    "fashion_mnist": ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt",
                      "Sneaker", "Bag", "Ankle boot"),
    "imagenet": tuple((_LISTS / "imagenet.txt").read_text(encoding="utf-8").splitlines()),
    "flowers": ("daisy", "dandelion", "roses", "sunflowers", "tulips"),
}  # fmt: skip
"""Data set -> its classes, in the order of their numbers."""

_OF_CELEBA = "CelebA: non-commercial research only (its agreement)"
LICENCES = {
    "mnist": "MNIST: CC BY-SA 3.0 (as Keras states it)",
    "fashion_mnist": "Fashion-MNIST: MIT",
    "imagenet": "ImageNet (ILSVRC 2012): non-commercial research and education only; the weights "
    "are released as said above",
    "celeba": _OF_CELEBA,
    "celeb_a": _OF_CELEBA,
    "flowers": "tf_flowers: CC BY 2.0 (as tensorflow-datasets states it)",
}
"""Data set -> the licence of its pictures."""

FEATURE_EXTRACTORS = {
    "mnist": FeatureExtractor(
        "cnn_mnist", "525a8abd1775f5e7086d35d957ab701c822f8fb9984667fc41b4ff771e6e1c8e"
    ),
    "fashion_mnist": FeatureExtractor(
        "cnn_fashion", "e25c3c8f07a6d748cdf233da8f20349c631567854f6afe91576de07b557e3826"
    ),
    # of photographs nobody has a better one here; of 10,000 faces halves of 5,000 are compared
    "celeba": FeatureExtractor(
        "efficientnet_lite0",
        "0821580e2e7cad5aa56b72dbc269749ddba1e170bdd737eca1ce3dcf048bcf81",
        classes=False,
        split="all",
    ),
}
"""Data set -> whose features pictures like those in it are compared by."""

STAND_INS = {"celeba": "dcgan_celeba", "celeb_a": "dcgan_celeba"}
"""Data set whose pictures may not be handed on -> a generator, whose pictures are in their place
where some lie beside weights."""
