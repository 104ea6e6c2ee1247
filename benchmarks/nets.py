"""The net, its twin in PyTorch's own layers, and the pictures that both are given."""

import numpy as np

LAYOUTS = {"default layout": "contiguous_format", "channels last": "channels_last"}


def freshen(net) -> None:
    """Random last convolution and statistics: as built, the net returns its input."""
    chance = np.random.default_rng(1)
    for layer in net.layers:
        values = layer.get_weights()
        if type(layer).__name__ == "BatchNormalization":
            values = [chance.uniform(0.8, 1.2, v.shape) for v in values]
        layer.set_weights([v if v.any() else chance.normal(0, 0.003, v.shape) for v in values])


def forward_flops(net, pixels: int) -> int:
    """Two a multiply-add of the convolutions, all of stride 1; the rest is left out."""
    kernels = [layer.kernel for layer in net.layers if hasattr(layer, "kernel")]
    return 2 * pixels * sum(int(np.prod(kernel.shape)) for kernel in kernels)


def pictures(batch: int, size: int, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Noisy and clean: slanted waves, each of its own direction, in [0, 1] before the noise."""
    chance = np.random.default_rng(2)
    y, x = np.mgrid[:size, :size] / 8
    turns = chance.uniform(0, 2 * np.pi, (batch, 1, 1))
    clean = 0.5 + 0.4 * np.sin(np.cos(turns) * x + np.sin(turns) * y)[..., None]
    noisy = clean + chance.normal(0, sigma / 255, clean.shape)
    return noisy.astype(np.float32), clean.astype(np.float32)


def torch_twin(net, layout: str):
    """The Keras net, layer by layer, with its weights, in PyTorch's own layers."""
    import torch
    from torch import nn

    class Denoiser(nn.Module):
        def __init__(self):
            super().__init__()
            self.noise = nn.Sequential(*(m for layer in net.layers for m in in_torch(layer)))

        def forward(self, noisy):
            return noisy - self.noise(noisy)

    return Denoiser().to(memory_format=getattr(torch, layout))


def in_torch(layer):
    """PyTorch's layers for one of Keras'; none for the input and the final subtraction."""
    from torch import nn

    kind, values = type(layer).__name__, layer.get_weights()
    if kind == "Conv2D":
        *size, before, after = values[0].shape
        values[0] = values[0].transpose(3, 2, 0, 1)
        module = nn.Conv2d(before, after, size, padding="same", bias=layer.use_bias)
        yield filled(module, ("weight", "bias")[: len(values)], values)
        if layer.activation.__name__ == "relu":
            yield nn.ReLU(inplace=True)
    elif kind == "BatchNormalization":
        module = nn.BatchNorm2d(len(values[0]), layer.epsilon, 1 - layer.momentum)
        yield filled(module, ("weight", "bias", "running_mean", "running_var"), values)
    elif kind == "ReLU":
        yield nn.ReLU(inplace=True)
    elif kind not in ("InputLayer", "Subtract"):
        raise NotImplementedError(f"{kind} has no translation into PyTorch here")


def filled(module, names, values):
    import torch

    module.load_state_dict(dict(zip(names, map(torch.tensor, values), strict=True)))
    return module


def to_torch(pictures: np.ndarray, layout: str):
    """`[b, h, w, c]` as PyTorch's `[b, c, h, w]`, in memory as `layout` says."""
    import torch

    tensor = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))
    return tensor.contiguous(memory_format=getattr(torch, layout))


def from_torch(tensor) -> np.ndarray:
    return tensor.permute(0, 2, 3, 1).numpy()
