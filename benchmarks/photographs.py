"""A classifier of photographs as it is on a phone, beside the net that most people begin with.

    python benchmarks/photographs.py [--threads 2] [--rounds 20]

One picture of 224x224 through `efficientnet_flowers` (its int8 and float32 files in LiteRT) and
through `keras.applications.MobileNetV2` in float32 (random weights: they change no time), in Keras
and as a file in LiteRT, in turns. `benchmarks/results/photographs.json` is written.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import click
import machine
import numpy as np
from rounds import PAUSE, stopwatch

RESULTS = Path(__file__).parent / "results"
SHAPE = (1, 224, 224, 3)


def in_litert(file: bytes | Path, threads: int) -> Callable:
    from ai_edge_litert.interpreter import Interpreter

    given = {"model_content": file} if isinstance(file, bytes) else {"model_path": str(file)}
    interpreter = Interpreter(**given, num_threads=threads)
    interpreter.allocate_tensors()
    taken, made = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    pixels = np.random.default_rng(0).random(SHAPE).astype(taken["dtype"])

    def step() -> np.ndarray:
        interpreter.set_tensor(taken["index"], pixels)
        interpreter.invoke()
        return interpreter.get_tensor(made["index"])

    return stopwatch(step)


def contestants(folder: Path, threads: int) -> dict[str, Callable]:
    """Turns, as `stopwatch` gives them, of each."""
    import keras
    import tensorflow as tf

    import zoo
    from zoo.export.write import export

    export(zoo.load("efficientnet_flowers"), folder, formats=["int8", "float32_static"])
    peer = keras.applications.MobileNetV2(weights=None, classes=5)
    compiled = tf.function(lambda x: peer(x, training=False), [tf.TensorSpec(SHAPE)])
    pixels = tf.random.uniform(SHAPE)
    file = tf.lite.TFLiteConverter.from_concrete_functions([compiled.get_concrete_function()])
    return {
        "efficientnet_flowers, int8, LiteRT": in_litert(next(folder.glob("*int8*")), threads),
        "efficientnet_flowers, float32, LiteRT": in_litert(
            next(folder.glob("*float32_static*")), threads
        ),
        "MobileNetV2, float32, LiteRT": in_litert(file.convert(), threads),
        "MobileNetV2, float32, Keras": stopwatch(lambda: compiled(pixels)),
    }


@click.command()
@click.option("--threads", default=2, show_default=True, type=click.IntRange(1))
@click.option("--rounds", default=20, show_default=True, type=click.IntRange(1))
def main(threads: int, rounds: int):
    machine.use_threads(threads, spin=False)
    import time

    from zoo.storage import files

    with tempfile.TemporaryDirectory() as scratch:
        turns = contestants(Path(scratch) / "files", threads)
        laps: dict[str, list] = {name: [] for name in turns}
        for _ in range(rounds):
            for name, turn in turns.items():
                time.sleep(PAUSE)
                laps[name].append(turn(5)[0])
    medians = {name: 1e3 * float(np.median(times)) for name, times in laps.items()}
    first = next(iter(medians.values()))
    for name, median in medians.items():
        click.echo(f"{name}: {median:.1f} ms, {median / first:.2f} times as long as the first")
    found = {"machine": machine.facts(threads), "median_ms": medians}
    files.write_json(RESULTS / "photographs.json", found)


if __name__ == "__main__":
    main()
