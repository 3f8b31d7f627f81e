"""Literal float64 forward passes of both hourglass networks: NumPy and SciPy only.

A network is its state dict (our names, float64 arrays) and the numbers its paper prints; maps
are [C, h, w], one image at a time.
"""

import numpy as np
from scipy.signal import correlate

MEAN = np.array([0.485, 0.456, 0.406])[:, None, None]
STD = np.array([0.229, 0.224, 0.225])[:, None, None]


def relu(x):
    return np.where(x > 0, x, 0.0)


def doubled(x):
    return np.kron(x, np.ones((1, 2, 2)))


def pooled(x):
    return np.maximum.reduce([x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)])


class Network:
    """State dict entries applied by name."""

    def __init__(self, state):
        self.state = {name: np.asarray(value, np.float64) for name, value in state.items()}

    def conv(self, x, name, stride=1):
        weight = self.state[f"{name}.weight"]
        pad = weight.shape[-1] // 2
        x = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
        y = np.stack([correlate(x, kernel, mode="valid", method="direct")[0] for kernel in weight])
        y = y[:, ::stride, ::stride]
        bias = self.state.get(f"{name}.bias")
        return y if bias is None else y + bias[:, None, None]

    def bn(self, x, name):
        parts = (self.state[f"{name}.{part}"] for part in ("weight", "bias", "_mean", "_variance"))
        weight, bias, mean, variance = (part[:, None, None] for part in parts)
        return (x - mean) / np.sqrt(variance + 1e-5) * weight + bias

    def conv_bn(self, x, name, stride=1):
        return self.bn(self.conv(x, f"{name}.conv", stride), f"{name}.bn")

    def basic_block(self, x, name, stride=1):
        y = relu(self.bn(self.conv(x, f"{name}.conv1", stride), f"{name}.bn1"))
        y = self.bn(self.conv(y, f"{name}.conv2"), f"{name}.bn2")
        if f"{name}.downsample.0.weight" in self.state:
            x = self.bn(self.conv(x, f"{name}.downsample.0", stride), f"{name}.downsample.1")
        return relu(x + y)

    def bottleneck(self, x, name):
        y = x
        for i in (1, 2, 3):
            y = self.conv(relu(self.bn(y, f"{name}.bn{i}")), f"{name}.conv{i}")
        if f"{name}.downsample.weight" in self.state:
            x = self.conv(x, f"{name}.downsample")
        return x + y


def hourglass(state, image, blocks, num_stacks):
    """CornerNet's network on a uint8 image [H, W, 3]: heatmaps [S, K, h, w]."""
    net = Network(state)

    def run(x, name, count, stride=1):
        for i in range(count):
            x = net.basic_block(x, f"{name}.{i}", stride if i == 0 else 1)
        return x

    def level(x, name, depth):
        if depth == len(blocks) - 1:
            return run(x, name, blocks[-1])
        low = run(x, f"{name}.low1", blocks[depth], stride=2)
        low = level(low, f"{name}.low2", depth + 1)
        low = run(low, f"{name}.low3", blocks[depth])
        return run(x, f"{name}.up1", blocks[depth]) + doubled(low)

    x = (image.transpose(2, 0, 1) / 255 - MEAN) / STD
    x = relu(net.conv_bn(x, "stem.0", stride=2))
    x = net.basic_block(x, "stem.1", stride=2)
    stages = []
    for s in range(num_stacks):
        features = relu(net.conv_bn(level(x, f"hourglasses.{s}", 0), f"out_convs.{s}"))
        stages.append(net.conv(features, f"heads.{s}"))
        if s < num_stacks - 1:
            merged = net.conv_bn(x, f"conv1x1s.{s}") + net.conv_bn(features, f"remap_convs.{s}")
            x = net.basic_block(relu(merged), f"inters.{s}")
    return np.stack(stages)


def stacked_hourglass(state, image, depth, num_stacks):
    """Newell's network, one residual per place, on uint8 [H, W, 3]: heatmaps [S, K, h, w]."""
    net = Network(state)

    def level(x, name, below):
        low = net.bottleneck(pooled(x), f"{name}.low1.1.0")
        low = level(low, f"{name}.low2", below - 1) if below > 1 else net.bottleneck(low, f"{name}.low2.0")
        low = net.bottleneck(low, f"{name}.low3.0")
        return net.bottleneck(x, f"{name}.up1.0") + doubled(low)

    x = (image.transpose(2, 0, 1) / 255 - MEAN) / STD
    x = relu(net.bn(net.conv(x, "stem.0", stride=2), "stem.1"))
    x = pooled(net.bottleneck(x, "stem.3"))
    x = net.bottleneck(net.bottleneck(x, "stem.5"), "stem.6")
    stages = []
    for s in range(num_stacks):
        y = net.bottleneck(level(x, f"hourglasses.{s}", depth), f"out_convs.{s}.0.0")
        y = relu(net.bn(net.conv(y, f"out_convs.{s}.1"), f"out_convs.{s}.2"))
        heatmaps = net.conv(y, f"heads.{s}")
        stages.append(heatmaps)
        if s < num_stacks - 1:
            x = x + net.conv(y, f"from_features.{s}") + net.conv(heatmaps, f"from_heatmaps.{s}")
    return np.stack(stages)
