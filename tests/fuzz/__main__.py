"""Feeds damaged files to the doors that read them: `make fuzz`, or `python tests/fuzz --help`.

Every case is a function of (target, seed, number): what failed is run again by
`python tests/fuzz TARGET --seed SEED --first NUMBER --cases 1`. Cases run in a process of their
own, so that a crash, and one that takes longer than `--limit` seconds, is counted and not the end.
"""

import argparse
import collections
import json
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
FINE = ("taken", "refused")


def main() -> int:
    options = _parser().parse_args()
    if options.child:
        _child(options)
        return 0
    print(f"seed {options.seed}")
    bad = 0
    for name in options.targets or _names():
        counts, failures = _fuzz(name, options)
        print(f"{name}: {sum(counts.values())} cases, {dict(counts)}", flush=True)
        for (outcome, detail), numbers in failures.items():
            print(f"  {outcome}: {detail} ({len(numbers)} times; --first {numbers[0]})")
        bad += sum(map(len, failures.values()))
    return min(bad, 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python tests/fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help="by default all")
    parser.add_argument("--seconds", type=float, default=30, help="for each target [30]")
    parser.add_argument("--cases", type=int, default=10**9, help="at most, for each target")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="[the time]")
    parser.add_argument("--first", type=int, default=0, help="number of the first case [0]")
    parser.add_argument("--limit", type=float, default=10, help="seconds of one case [10]")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser


def _names() -> list[str]:
    from targets import TARGETS

    return list(TARGETS)


def _fuzz(name: str, options) -> tuple[collections.Counter, dict]:
    """Runs the cases of a target, in new processes after crashes and hangs."""
    counts, failures = collections.Counter(), collections.defaultdict(list)
    number, end = options.first, options.first + options.cases
    until = None
    while number < end and (until is None or time.monotonic() < until):
        process, lines = _start(name, options.seed, number)
        if lines.get() is None:  # or it is ready: imports do not count
            raise SystemExit(f"{name}: its whole files cannot be made; run it with --child")
        until = until or time.monotonic() + options.seconds
        while number < end and time.monotonic() < until:
            outcome, detail = _next(process, lines, options.limit)
            counts[outcome] += 1
            if outcome not in FINE:
                failures[outcome, detail].append(number)
            number += 1
            if outcome in ("crash", "hang"):
                break
        process.kill()
        process.wait()
    return counts, failures


def _start(name: str, seed: int, first: int):
    command = [sys.executable, str(Path(__file__).parent), name, "--child"]
    command += ["--seed", str(seed), "--first", str(first)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    lines: queue.Queue = queue.Queue(64)

    def forward():
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=forward, daemon=True).start()
    return process, lines


def _next(process, lines: queue.Queue, limit: float) -> tuple[str, str]:
    try:
        line = lines.get(timeout=limit)
    except queue.Empty:
        return "hang", f"longer than {limit:g} seconds"
    if line is None:
        return "crash", f"exit status {process.wait()}"
    return tuple(json.loads(line))


def _child(options) -> None:
    import numpy as np
    from targets import TARGETS

    say = os.fdopen(os.dup(1), "w")  # libraries may print, too
    os.dup2(2, 1)
    target, number = TARGETS[options.targets[0]], options.first
    whole = target.whole()
    _case(target, *whole[0])  # what is loaded once takes no time of a case
    print("ready", file=say, flush=True)
    while True:
        rng = np.random.default_rng([options.seed, number])
        name, data = whole[number % len(whole)]
        outcome = _case(target, name, target.damage(data, rng))
        print(json.dumps(outcome), file=say, flush=True)
        number += 1


def _case(target, name: str, data: bytes) -> tuple[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        return _outcome(target, path)


def _outcome(target, path: Path) -> tuple[str, str]:
    from targets import Wrong

    from zoo import ZooError

    try:
        target.door(path)
    except ZooError:
        return "refused", ""
    except Wrong as error:
        return "silent wrong", str(error)
    except Exception as error:
        return "traceback", f"{type(error).__name__} {_where(error)}"
    return "taken", ""


def _where(error: Exception) -> str:
    """The last line of the zoo's own that the error passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "tests/fuzz" not in frame.filename] or frames
    zoos = [f for f in own if re.search(r"[/\\\\](zoo|export)[/\\\\]", f.filename)] or own
    return f"at {Path(zoos[-1].filename).name}:{zoos[-1].lineno}"


if __name__ == "__main__":
    sys.exit(main())
