"""Weights of others: each in its place, none left over, and no other file."""

import numpy as np
import pytest
from tiny import with_random_weights

import zoo
from zoo.training.convert import convert, place

TORCH = {"kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias",
         "moving_mean": "running_mean", "moving_variance": "running_var"}  # fmt: skip
PARTS = {"expand": 0, "depthwise": 1, "project": 2}


def tensors_of(net) -> dict[str, np.ndarray]:
    """A net's weights as PyTorch has them."""
    found = {}
    for layer in net.layers:
        for variable in layer.weights:
            array = np.array(variable)
            if array.ndim == 2:
                array = array.T
            if array.ndim == 4:
                depthwise = layer.name.endswith("depthwise_conv")
                array = array.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))
            found[f"{called(layer.name)}.{TORCH[variable.name]}"] = array
    return found | {"_bn0.num_batches_tracked": np.array(3)}


def called(name: str) -> str:
    first, _, rest = name.partition("_")
    known = {"stem_conv": "_conv_stem", "stem_norm": "_bn0", "head_conv": "_conv_head",
             "head_norm": "_bn1", "probs": "_fc"}  # fmt: skip
    if name in known:
        return known[name]
    part, kind = rest.rsplit("_", 1)
    place = int(first.removeprefix("block")) - 1
    return f"_blocks.{place}._{rest if kind == 'conv' else f'bn{PARTS[part]}'}"


def test_each_weight_is_in_its_place():
    given = with_random_weights("efficientnet_tiny").net
    net = with_random_weights("efficientnet_tiny", seed=1).net
    place(net, tensors_of(given))
    for found, expected in zip(net.get_weights(), given.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.pop("_blocks.1._bn2.bias"), r"expected a tensor _blocks\.1\._bn2\.bias"),
        (lambda t: t.update(more=np.zeros(3)), "expected no other tensors, got more"),
        (lambda t: t.update({"_fc.bias": np.zeros(4)}), r"_fc\.bias: expected \(3,\), got \(4,\)"),
    ],
)
def test_what_does_not_fit_is_refused(change, said):
    net = with_random_weights("efficientnet_tiny").net
    tensors = tensors_of(net)
    change(tensors)
    with pytest.raises(zoo.ZooError, match=said):
        place(net, tensors)


def test_another_file_and_a_net_of_ones_own_are_refused(tmp_path):
    (tmp_path / "other.pth").write_bytes(b"other")
    with pytest.raises(zoo.ZooError, match="expected SHA-256 57934424"):
        convert(zoo.entry("efficientnet_lite0"), tmp_path / "other.pth", tmp_path / "run")
    with pytest.raises(zoo.ZooError, match="is trained here"):
        convert(zoo.entry("cnn_fashion"), tmp_path / "other.pth", tmp_path / "run")
    assert not (tmp_path / "run").exists()
