"""Runs SavedModels with TensorFlow alone. A script for a process of its own; never imported.

    python -I fresh.py

Each line that it reads is a job, in JSON: `[saved_model, inputs, outputs, input_name,
[output_name, ...]]`. The file of inputs holds `arr_0`, `arr_1`, ...; that of outputs gets the
results under the same names, several outputs side by side on the last axis, and `version`. A line
says that a job is done; the first one that fails ends the process.
"""

import json
import os
import sys

FORBIDDEN = ("zoo", "keras")


def forbid() -> None:
    """Makes any import of these fail; TensorFlow, which imports Keras, gets on without."""
    for name in FORBIDDEN:
        sys.modules[name] = None


def main(lines, answers) -> None:
    forbid()
    import tensorflow  # noqa: F401  while the first job is made ready

    for line in lines:
        run(*json.loads(line))
        print("done", file=answers, flush=True)


def run(folder: str, inputs: str, outputs: str, input_name: str, names: list[str]) -> None:
    import numpy as np
    import tensorflow as tf

    serve = tf.saved_model.load(folder).signatures["serve"]
    with np.load(inputs) as arrays:
        given = {key: tf.constant(arrays[key]) for key in arrays.files}
    made = {key: serve(**{input_name: value}) for key, value in given.items()}
    results = {key: np.concatenate([out[n] for n in names], -1) for key, out in made.items()}
    loaded = [m for m in sys.modules if m.split(".")[0] in FORBIDDEN and sys.modules[m]]
    assert not loaded, f"the SavedModel needed {loaded}"
    np.savez(outputs, version=tf.__version__, **results)


if __name__ == "__main__":
    said = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print does not get between the answers
    main(sys.stdin, said)
