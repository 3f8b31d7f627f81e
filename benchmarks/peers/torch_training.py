"""torch's side of the rows on training: forward, backward and Adam on this project's networks.

Hourglass and SimpleBaseline are mmpose's modules, with its loss; MoveNet is written down here in
plain torch, as far as its training step needs it. It runs under the Python of the other projects,
and imports only `protocol` and `standins` from this project.
"""

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent)]

import numpy as np
import standins  # noqa: F401 (before mmpose)
import torch
from protocol import serve
from torch import nn

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)  # of the channels, 0..255


def training_step(
    network: str, width: str, height: str, batch: str, threads: str, **reduced: str
) -> Any:
    """Prepares training steps on a batch of noise.

    Args:
        network: "hourglass", "simple_baseline" or "movenet".
        width: Width of the input in px.
        height: Height of the input in px.
        batch: Number of images.
        threads: Number of threads.
        **reduced: Of the Hourglass, the numbers by which it is reduced: "channels" and "blocks" of
            each level, and "features".
    """
    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    joints = 16 if network == "hourglass" else 17
    make = {"hourglass": _hourglass, "simple_baseline": _simple_baseline, "movenet": MoveNet}
    model = make[network](joints, **reduced).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    rng = np.random.default_rng(0)
    size = (int(batch), int(height), int(width), 3)
    images = torch.from_numpy(rng.integers(0, 256, size, dtype=np.uint8))
    maps = (int(batch), joints, int(height) // 4, int(width) // 4)
    target, weight = torch.rand(maps), torch.ones(maps[:2])
    is_movenet = network == "movenet"
    mean, std = (torch.tensor(numbers).reshape(3, 1, 1) for numbers in (MEAN, STD))
    if is_movenet:
        mean, std = torch.tensor(127.5), torch.tensor(127.5)
    loss_of_maps = _loss_of_maps() if not is_movenet else None
    sizes = sorted(parameter.numel() for parameter in model.parameters())

    def run() -> dict[str, np.ndarray]:
        pixels = images.permute(0, 3, 1, 2).float() * (1 / std) - mean / std
        outputs = model(pixels)
        loss = (
            _movenet_loss(outputs, target)
            if loss_of_maps is None
            else loss_of_maps(outputs, target, weight)
        )
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        loss.item()
        return {"sizes": np.array(sizes)}

    return run


def _loss_of_maps() -> nn.Module:
    """Returns mmpose's loss of heatmaps."""
    from mmpose.models.losses import KeypointMSELoss

    return KeypointMSELoss(use_target_weight=True)


def _hourglass(joints: int, channels: str, blocks: str, features: str) -> nn.Module:
    """Returns a reduced Hourglass-52 of mmpose, see `mmpose_learning.py`."""
    from mmpose.models.backbones.hourglass import BasicBlock, HourglassNet, ResLayer
    from mmpose.models.heads import CPMHead

    channels_of_levels = [int(number) for number in channels.split(",")]
    backbone = HourglassNet(
        downsample_times=len(channels_of_levels) - 1,
        num_stacks=1,
        stage_channels=channels_of_levels,
        stage_blocks=[int(number) for number in blocks.split(",")],
        feat_channel=int(features),
    )
    backbone.stem[1] = ResLayer(BasicBlock, 1, 128, channels_of_levels[0], stride=2)
    backbone.inters = nn.ModuleList()  # of which one stack uses none
    head = CPMHead(
        in_channels=int(features), out_channels=joints, num_stages=1, deconv_out_channels=None
    )
    return nn.Sequential(backbone, head, _Last())


def _simple_baseline(joints: int) -> nn.Module:
    """Returns mmpose's SimpleBaseline with ResNet-50."""
    from mmpose.models.backbones import ResNet
    from mmpose.models.heads import HeatmapHead

    return nn.Sequential(ResNet(depth=50), HeatmapHead(in_channels=2048, out_channels=joints))


class _Last(nn.Module):
    """The maps of the last stage."""

    def forward(self, stages: Any) -> torch.Tensor:
        return stages[-1]


class MoveNet(nn.Module):
    """MoveNet Lightning, as `paddle_pose.models.movenet` with its default arguments."""

    def __init__(self, joints: int) -> None:
        super().__init__()
        stages, before = (
            [_unit(3, 32, 3, stride=2, activation=nn.ReLU6()), _Inverted(32, 32, 16)],
            16,
        )
        taps = []
        for after, stride, count in zip(
            (24, 32, 64, 96, 160, 320), (2, 2, 2, 1, 2, 1), (2, 3, 4, 3, 3, 1)
        ):
            for n in range(count):
                stages.append(_Inverted(before, 6 * before, after, stride if n == 0 else 1))
                before = after
            taps.append(len(stages) - 1)
        self.stages, self.taps = nn.ModuleList(stages), taps[:3]
        self.top = _unit(320, 1280, activation=nn.ReLU6())
        self.lift = nn.Conv2d(1280, 64, 1)
        levels = (64, 32, 24, 24)
        self.laterals = nn.ModuleList(
            nn.Conv2d(channels, level, 1) for channels, level in zip((64, 32, 24), levels)
        )
        self.mixes = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(level, level, 3, padding=1, groups=level),
                _unit(level, after, activation=nn.ReLU()),
            )
            for level, after in pairwise(levels)
        )
        self.heads = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(24, 24, 3, padding=1, groups=24),
                nn.Conv2d(24, 96, 1),
                nn.ReLU(),
                nn.Conv2d(96, count, 1),
            )
            for count in (1, joints, 2 * joints, 2 * joints)
        )

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        features = []
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number in self.taps:
                features.append(x)
        x = self.lift(self.top(x))
        for lateral, mix, fine in zip(self.laterals, self.mixes, reversed(features)):
            x = nn.functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = mix(x + lateral(fine))
        maps = [head(x) for head in self.heads]
        return [maps[0].sigmoid(), maps[1].sigmoid(), *maps[2:]]


class _Inverted(nn.Module):
    """MobileNetV2's inverted residual."""

    def __init__(self, before: int, hidden: int, after: int, stride: int = 1) -> None:
        super().__init__()
        act = nn.ReLU6()
        layers = [] if hidden == before else [_unit(before, hidden, activation=act)]
        layers += [_unit(hidden, hidden, 3, stride, groups=hidden, activation=act)]
        self.layers = nn.Sequential(*layers, _unit(hidden, after))
        self.residual = stride == 1 and before == after

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x) if self.residual else self.layers(x)


def _unit(
    before: int,
    after: int,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
    activation: nn.Module | None = None,
) -> nn.Sequential:
    """Returns a convolution without bias, batch normalization and activation."""
    layers: list[nn.Module] = [nn.ZeroPad2d((0, 1, 0, 1))] if stride == 2 else []
    padding = 0 if stride == 2 else kernel // 2
    layers.append(nn.Conv2d(before, after, kernel, stride, padding, groups=groups, bias=False))
    layers.append(nn.BatchNorm2d(after))
    return nn.Sequential(*layers, *([activation] if activation is not None else []))


def _movenet_loss(outputs: list[torch.Tensor], target: torch.Tensor) -> torch.Tensor:
    """Returns the loss of `MoveNetLoss` with "mse", all weights 1 and the same target for all."""
    centers, heatmaps, *vectors = outputs
    loss = torch.zeros(())
    for maps, true in ((centers, target[:, :1]), (heatmaps, target)):
        loss = loss + ((8 * true + 1) * (maps - true) ** 2).sum(dim=(2, 3)).mean()
    both = target.repeat(1, 2, 1, 1)
    for maps in vectors:
        loss = loss + (maps - both).abs().sum() / target.numel()
    return loss


if __name__ == "__main__":
    serve({"training_step": training_step})
