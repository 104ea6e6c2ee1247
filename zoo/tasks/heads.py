"""A classifier made one's own: its trunk stays, its last layer is new, for other classes."""

import dataclasses
import unicodedata
from collections.abc import Sequence

from zoo.errors import ZooError
from zoo.index import Entry


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
    if entry.spec.kind != "recognition":
        raise ZooError(f"{entry.name} is for {entry.spec.task}: only classifiers have classes")
    if len(labels) < 2 or len(set(labels)) < len(labels):
        raise ZooError(f"classes {labels} came: expected two or more, each with its own name")
    if odd := [label for label in labels if not _is_a_line(label)]:
        raise ZooError(
            f"a class is called {odd[0]!r}: a name must be one line of valid Unicode, not empty, "
            "for it stands in labels.txt; rename it"
        )
    return dataclasses.replace(
        entry,
        build=lambda: with_head(entry.build(), len(labels)),
        spec=dataclasses.replace(entry.spec, labels=labels),
        parameters=with_head(entry.build(), len(labels)).count_params(),
        benchmarks=(),
        pretrained=False,
    )


def _is_a_line(label: str) -> bool:
    """No line break or other control character, and no byte of a file's name that is no UTF-8."""
    odd = {"Cc", "Cs", "Zl", "Zp"}
    return bool(label.strip()) and odd.isdisjoint(map(unicodedata.category, label))


def with_head(net, classes: int):
    """The same layers but for the last one, which is fresh and has so many outputs."""
    import keras

    last = net.layers[-1]
    fresh = type(last).from_config(last.get_config() | {"units": classes})
    return keras.Model(net.input, fresh(last.input), name=net.name)


def freeze(net) -> None:
    """Leaves only the last layer to be trained; batch normalisation then keeps its statistics."""
    for layer in net.layers[:-1]:
        layer.trainable = False
