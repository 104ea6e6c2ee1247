"""The one kind of error that the zoo raises for what a user can mend."""


class ZooError(ValueError):
    """Says what came, what was expected, and what to do."""


class MissingExtra(ZooError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str, purpose: str):
        super().__init__(
            f"{purpose} needs {package}, which is not installed: "
            f"pip install 'keras-image-zoo[{extra}]'"
        )
