"""The one kind of error that the zoo raises for what a user can mend."""

from collections.abc import Callable


class ZooError(ValueError):
    """Says what came, what was expected, and what to do."""


class OtherNet(ZooError):
    """Weights are of another net than that they are loaded into."""


class MissingExtra(ZooError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str, purpose: str):
        super().__init__(
            f"{purpose} needs {package}, which is not installed: "
            f"pip install 'keras-image-zoo[{extra}]'"
        )


def left_out(needed: Callable) -> str:
    """Why something optional cannot be had, or "": what a call that needs it says is missing."""
    try:
        needed()
    except MissingExtra as missing:
        return str(missing)
    return ""
