"""A classifier made one's own: its trunk stays, its last layer is new, for other classes."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from zoo.data.pictures import Pictures
from zoo.errors import ZooError
from zoo.schema import Entry
from zoo.storage import terminal
from zoo.tasks.functions import signatures

if TYPE_CHECKING:
    import keras


def with_classes(entry: Entry, classes: int | Sequence[str]) -> Entry:
    """The entry of the same net for other classes.

    Args:
        entry: of a classifier.
        classes: their names, or how many (they are then called 0, 1, ...).

    Raises:
        ZooError: the net is no classifier; fewer than two classes, two of one name, or a name
            that cannot stand on a line of text.
    """
    labels = tuple(map(str, range(classes) if isinstance(classes, int) else classes))
    if "probs" not in signatures(entry.spec)[0].outputs:
        raise ZooError(
            f"expected a classifier, which has classes, got {entry.name} ({entry.spec.task})"
        )
    refuse_odd(labels)
    return dataclasses.replace(
        entry,
        build=lambda: with_head(entry.build(), len(labels)),
        spec=dataclasses.replace(entry.spec, labels=labels),
        parameters=with_head(entry.build(), len(labels)).count_params(),
        benchmarks=(),
        pretrained=False,
    )


def with_shape(entry: Entry, shape: tuple[int | None, int | None, int]) -> Entry:
    """The entry of the same net, with the same weights but for the first, for pictures of another
    size, or in other colours.

    Raises:
        ZooError: the net cannot be so.
    """
    if shape == entry.spec.shape:
        return entry

    def build() -> "keras.Model":
        import keras

        net = entry.build()
        image = keras.Input(shape, name=net.inputs[0].name)
        try:
            return keras.models.clone_model(net, image)
        except ValueError as error:
            raise ZooError(f"{entry.name} cannot take pictures of {shape}: {error}") from error

    spec = dataclasses.replace(entry.spec, shape=shape)
    count = build().count_params()
    return dataclasses.replace(entry, build=build, spec=spec, parameters=count, benchmarks=())


def called_alike(pictures: Pictures, labels: tuple[str, ...]) -> bool:
    """Numbers are names of a net's classes only where these are called by numbers, too."""
    numbers = all(name.isdigit() for name in pictures.classes)
    return pictures.known_among(labels) and numbers == all(label.isdigit() for label in labels)


def refuse_one_class(pictures: Pictures) -> None:
    """Raises ZooError where there is nothing to tell apart."""
    if len(pictures.classes) == 1:
        raise ZooError(
            f"{pictures.name} has one class, {pictures.classes[0]}: expected two or more, a folder "
            "each"
        )


def refuse_odd(labels: tuple[str, ...]) -> None:
    """Raises ZooError, as `with_classes`, where these cannot be classes."""
    if len(labels) < 2 or len(set(labels)) < len(labels):
        raise ZooError(f"classes: expected two or more, each with its own name, got {labels}")
    if odd := [label for label in labels if not label.strip() or terminal.flaw(label, "")]:
        raise ZooError(
            f"a class is called {odd[0]!r}: a name must be one line of valid Unicode, not empty, "
            "in one direction, for it stands in labels.txt; rename it"
        )


def with_head(net: "keras.Model", classes: int) -> "keras.Model":
    """The same layers but for the last one, which is fresh and has so many outputs."""
    import keras

    last = net.layers[-1]
    if "units" not in last.get_config():
        raise ZooError(f"{net.name}: expected a dense last layer to replace, got {last.name}")
    fresh = type(last).from_config(last.get_config() | {"units": classes})
    return keras.Model(net.input, fresh(last.input), name=net.name)


def freeze_before(net: "keras.Model", first: str | None) -> None:
    """Leaves the layers from one of that name on to be trained; all of them, where none is named.

    Raises:
        ZooError: there is none of that name.
    """
    if first is None:
        return
    names = [layer.name for layer in net.layers]
    if first not in names:
        raise ZooError(f"trained_from: expected a layer such as {names[-1]}, got {first!r}")
    for layer in net.layers[: names.index(first)]:
        layer.trainable = False


def freeze(net: "keras.Model") -> None:
    """Leaves only the last layer to be trained; batch normalisation then keeps its statistics."""
    for layer in net.layers[:-1]:
        layer.trainable = False
