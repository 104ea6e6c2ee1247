"""Exported files: written from a pipeline, then verified in the runtimes that will run them.

`zoo.export` is this package, and can be called: `zoo.export(pipeline, "folder")` writes files.
"""

import inspect
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any


class _Export(types.ModuleType):
    """The package as the function `zoo.export.write.export`: called, and told of, as that."""

    def __call__(self, *args: Any, **options: Any) -> Path:
        return self._function(*args, **options)

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self._function)

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        return f"export{self.__signature__}\n\n{inspect.getdoc(self._function)}"

    @property
    def _function(self) -> Callable[..., Path]:
        from zoo.export.write import export

        return export


sys.modules[__name__].__class__ = _Export
