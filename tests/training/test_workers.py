"""Several machines: who is who by TF_CONFIG, one writer, the same bytes whoever was killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from tiny import data_for

import zoo
from zoo.training import workers

NAME = "cnn_tiny"
CLUSTER = {"worker": ["127.0.0.1:5001", "127.0.0.1:5002"]}


def config(cluster=CLUSTER, **task) -> str:
    return json.dumps({"cluster": cluster, "task": task, "environment": "cloud"})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "no JSON"),
        ("[]", "cluster: expected an object"),
        (json.dumps({"cluster": CLUSTER}), "type: expected text"),
        (config("here", type="worker", index=0), "cluster: expected an object, got text"),
        (config(type="worker", index="0"), "index: expected a whole number, got text"),
        (config(type="worker", index=2), "no worker 2 in the cluster"),
        (config(type="chief", index=0), "no chief 0 in the cluster"),
        (config(CLUSTER | {"ps": ["a:1"]}, type="ps", index=0), "a task of type ps"),
    ],
)
def test_a_config_that_is_none_is_refused_before_anything_is_written(
    text, why, monkeypatch, tmp_path
):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(zoo.ZooError, match=rf"TF_CONFIG: expected .*{why}"):
        zoo.train(NAME, tmp_path / "run", data=f"folder:{tmp_path}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "follows"),
    [
        ("", False),
        (config(type="worker", index=0), False),
        (config(type="worker", index=1), True),
        (config(CLUSTER | {"chief": ["a:1"]}, type="chief", index=0), False),
        (config(CLUSTER | {"chief": ["a:1"]}, type="worker", index=0), True),
    ],
)
def test_one_is_the_chief(text, follows, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    assert workers.follows() == follows


@pytest.fixture
def cluster(tmp_path):
    """Starts two processes with the same command; the scratch folder of each has its name."""
    data, started = data_for(zoo.entry(NAME), tmp_path / "data"), []

    def start(run, *options, each=((), ())):
        places = [f"127.0.0.1:{port}" for port in free_ports(2)]
        pair = []
        for index in range(2):
            scratch = tmp_path / f"scratch{index}"
            scratch.mkdir(exist_ok=True)
            said = config({"worker": places}, type="worker", index=index)
            command = [sys.executable, "-m", "zoo", "train", NAME, "--data", data, "--run", run]
            process = subprocess.Popen(
                [*map(str, [*command, *options, *each[index]])],
                env=os.environ | {"TF_CONFIG": said, "TMPDIR": str(scratch)},
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            pair.append(process)
        started.extend(pair)
        return pair

    yield start
    for process in started:
        process.kill()
        process.communicate()


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def said(process) -> str:
    return "".join(process.communicate(timeout=300))


@pytest.mark.slow
@pytest.mark.parametrize("killed", [0, 1], ids=["chief", "worker"])
def test_two_processes_end_bit_equal_and_a_killed_one_goes_on(killed, cluster, tmp_path):
    options = ["--steps", 200, "--every", 10]
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    both = cluster(whole, *options)
    told = [said(process) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert "differ" not in "".join(told)  # each compares its own weights with the other's
    assert str(whole / "weights.h5") in told[0] and f"the chief wrote {whole}" in told[1]
    assert [list((tmp_path / f"scratch{index}").iterdir()) for index in range(2)] == [[], []]

    pair = cluster(stopped, *options)
    while not list(stopped.glob("checkpoints/step-*[0-9]")):
        assert [process.poll() for process in pair] == [None, None], list(map(said, pair))
        time.sleep(0.02)
    pair[killed].kill()
    pair[killed].wait()
    assert "the same commands again" in said(pair[1 - killed])
    assert not (stopped / "weights.h5").exists(), "it was killed too late to tell"
    for process in cluster(stopped, *options):
        assert "differ" not in said(process) and process.returncode == 0
    files = [(run / "weights.h5").read_bytes() for run in (whole, stopped)]
    assert files[0] == files[1]


@pytest.mark.slow
def test_one_that_waits_in_vain_can_be_stopped(cluster, tmp_path):
    chief, other = cluster(tmp_path / "run")
    other.kill()
    while "it waits for" not in chief.stderr.readline():
        assert chief.poll() is None
    time.sleep(2)  # it is in TensorFlow by now
    chief.send_signal(signal.SIGINT)
    said(chief)
    assert chief.returncode and not (tmp_path / "run").exists()


@pytest.mark.slow
def test_workers_with_other_recipes_say_so_and_write_nothing(cluster, tmp_path):
    pair = cluster(tmp_path / "run", each=[("--seed", 1), ("--seed", 2)])
    for process in pair:
        assert "expected the same training on every machine" in said(process)
        assert process.returncode == 1
    assert not (tmp_path / "run").exists()
