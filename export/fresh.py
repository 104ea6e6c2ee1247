"""Runs a SavedModel with TensorFlow alone. A script for a process of its own; never imported.

    python -I fresh.py SAVED_MODEL INPUTS.npz OUTPUTS.npz INPUT_NAME OUTPUT_NAME...

INPUTS holds `arr_0`, `arr_1`, ...; OUTPUTS gets the results under the same names, several outputs
side by side on the last axis, and `version`.
"""

import sys

FORBIDDEN = ("zoo", "export", "keras")


def forbid() -> None:
    """Makes any import of these fail; TensorFlow, which imports Keras, gets on without."""
    for name in FORBIDDEN:
        sys.modules[name] = None


def main(folder: str, inputs: str, outputs: str, input_name: str, *names: str) -> None:
    forbid()
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
    main(*sys.argv[1:])
