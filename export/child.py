"""Runs exported files. A script for a process of its own; never imported.

    python -I child.py '{"path": sys.path, "forbidden": ["zoo", "keras"]}'

Each line that it reads is a job, in JSON: `runtime`, a module of `zoo.export.runtimes`; `file`;
its `signature`, the names of `inputs` and `outputs`; and the paths `values`, of an `.npz` file that
holds `0:image`, `1:image`, ... (a number and the name of an input), and `results`, which gets what
the file makes of each under its number, several outputs side by side. A line answers each: `ends`,
as `ends` of the module gives them, and `error`, "" or why the file does not run. A file that ends
the process is the last.
"""

import importlib
import importlib.machinery
import json
import os
import sys
import types
from pathlib import Path


def forbid(names: list[str]) -> None:
    """Makes any import of these fail; TensorFlow, which imports Keras, gets on without."""
    for name in names:
        sys.modules[name] = None  # type: ignore[assignment]


def engine(key: str, forbidden: list[str]) -> types.ModuleType:
    """A module of `zoo.export.runtimes`; by itself, where the zoo is forbidden."""
    if "zoo" not in forbidden:
        return importlib.import_module(f"zoo.export.runtimes.{key}")
    path = Path(__file__).with_name("runtimes") / f"{key}.py"
    module = types.ModuleType(key)
    importlib.machinery.SourceFileLoader(key, str(path)).exec_module(module)
    return module


def main(forbidden: list[str], lines, answers) -> None:
    forbid(forbidden)
    if forbidden:
        engine("saved_model", forbidden).package()  # while the first job is made ready
    for line in lines:
        try:
            answer: dict = {"error": "", "ends": run(forbidden, **json.loads(line))}
        except Exception as error:
            answer = {"error": f"{error or type(error).__name__}", "ends": None}
        print(json.dumps(answer), file=answers, flush=True)


def run(
    forbidden: list[str], runtime: str, file: str, signature: dict, values: str, results: str
) -> list:
    import numpy as np

    module = engine(runtime, forbidden)
    ends = module.ends(Path(file))
    names = signature["inputs"]
    ends_of = types.SimpleNamespace(names=names, outputs=signature["outputs"])
    call, given = module.open(Path(file), ends_of), dict[str, dict]()
    with np.load(values) as arrays:
        for key, array in arrays.items():
            number, _, name = key.partition(":")
            given.setdefault(number, {})[name] = array
    found = {number: call(one) for number, one in given.items()}
    loaded = [m for m in sys.modules if m.split(".")[0] in forbidden and sys.modules[m]]
    assert not loaded, f"the SavedModel needed {loaded}"
    np.savez(results, **found)
    return ends


if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    sys.path[:] = options["path"]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print does not get between the answers
    main(options["forbidden"], sys.stdin, answers)
