"""Configs of SimpleBaseline on MPII and COCO.

Source: the official `256x256_d256x3_adam_lr1e-3.yaml` (Xiao et al., ECCV 2018) for MPII: Adam 1e-3,
    learning rate x 0.1 at epochs 90 and 120 of 140, batch 32 x 4 GPUs (the number of GPUs is the
    paper's), scale 0.25, rotation 30, from ImageNet weights, BGR images; at 384x384 sigma 3, and
    batch 24 for R152. `{256x192,384x288}_d256x3_adam_lr1e-3.yaml` of R50, R101 and R152 for COCO:
    scale 0.3, rotation 40, sigma 3 at 384x288, batch 24 for R152 at 384x288; no half-body
    augmentation. mmpose 0.x `res50_coco_256x192_dark` for DARK, with a recipe of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.configs.specs import (
    PER_GPU_STATISTICS,
    Config,
    Data,
    HeatmapLossSpec,
    SimpleBaselineModel,
    StepScheduleSpec,
    Train,
)
from paddle_pose.data.augment import Augment
from paddle_pose.skeletons import COCO_17

SIMPLE_BASELINE_R50_MPII_256 = Config(
    name="simple_baseline_r50_mpii_256",
    source="SimpleBaseline 256x256_d256x3_adam_lr1e-3 (R50): Adam 1e-3, 140 epochs, batch 32 x 4 "
    "GPUs, from ImageNet weights",
    command="python train.py --config simple_baseline_r50_mpii_256 --dataset_root D",
    differs=(PER_GPU_STATISTICS,),
    model=SimpleBaselineModel(order="bgr"),
    augment=Augment(scale=0.25, rotation=30.0),
    loss=HeatmapLossSpec(scale=0.5),
    train=Train(
        epochs=140,
        total_batch=128,
        batch_size=32,
        learning_rate=1e-3,
        schedule=StepScheduleSpec(warmup=0, milestones=(90, 120)),
        init="imagenet_resnet50",
    ),
)


def _train(depth: Literal[50, 101, 152], batch_size: int) -> Train:
    """Returns the training recipe of a network.

    Args:
        depth: Depth of the ResNet.
        batch_size: Number of images per GPU; the total batch is that of 4 GPUs.
    """
    return replace(
        SIMPLE_BASELINE_R50_MPII_256.train,
        total_batch=4 * batch_size,
        batch_size=batch_size,
        init=f"imagenet_resnet{depth}",
    )


def _mpii(
    depth: Literal[50, 101, 152], side: int, batch_size: int = 32, sigma: float = 2.0
) -> Config:
    """Returns a config on MPII.

    Args:
        depth: Depth of the ResNet.
        side: Width and height of the network's input in px.
        batch_size: Number of images per GPU.
        sigma: Standard deviation of the target Gaussians in cells.
    """
    name = f"simple_baseline_r{depth}_mpii_{side}"
    return replace(
        SIMPLE_BASELINE_R50_MPII_256,
        name=name,
        source=f"SimpleBaseline {side}x{side}_d256x3_adam_lr1e-3 (R{depth}): Adam 1e-3, 140 "
        f"epochs, batch {batch_size} x 4 GPUs, from ImageNet weights",
        command=f"python train.py --config {name} --dataset_root D",
        model=SimpleBaselineModel(depth=depth, order="bgr"),
        codec=HeatmapCodec(input_size=(side, side), sigma=sigma),
        train=_train(depth, batch_size),
    )


def _coco(
    depth: Literal[50, 101, 152],
    input_size: tuple[int, int],
    batch_size: int = 32,
    sigma: float = 2.0,
) -> Config:
    """Returns a config on COCO.

    Args:
        depth: Depth of the ResNet.
        input_size: (width, height) of the network's input in px.
        batch_size: Number of images per GPU.
        sigma: Standard deviation of the target Gaussians in cells.
    """
    size = f"{input_size[1]}x{input_size[0]}"
    name = f"simple_baseline_r{depth}_coco_{size}"
    return replace(
        SIMPLE_BASELINE_R50_MPII_256,
        name=name,
        source=f"SimpleBaseline {size}_d256x3_adam_lr1e-3 (R{depth}): Adam 1e-3, 140 epochs, "
        f"batch {batch_size} x 4 GPUs, from ImageNet weights",
        command=f"python train.py --config {name} --dataset_root D",
        model=SimpleBaselineModel(depth=depth, order="bgr"),
        codec=HeatmapCodec(skeleton=COCO_17, input_size=input_size, sigma=sigma),
        data=Data(dataset="coco"),
        augment=Augment(scale=0.3, rotation=40.0),
        train=_train(depth, batch_size),
    )


R50_COCO_256X192 = _coco(50, (192, 256))

R50_COCO_256X192_DARK = replace(
    R50_COCO_256X192,
    name="simple_baseline_r50_coco_256x192_dark",
    source="mmpose res50_coco_256x192_dark: Adam 5e-4, 210 epochs, batch 64 x 8 GPUs, from "
    "ImageNet weights, RGB; AP published by mmpose, with the boxes of the 56.4-AP person detector "
    "(0.718 without DARK)",
    command="python train.py --config simple_baseline_r50_coco_256x192_dark --dataset_root D",
    differs=(
        PER_GPU_STATISTICS,
        "mmpose 1.x trained the models that it publishes with scales and rotations from a truncated "
        "normal distribution (up to 80 degrees).",
    ),
    model=SimpleBaselineModel(),
    codec=HeatmapCodec(skeleton=COCO_17, input_size=(192, 256), unbiased=True, decode_by="dark"),
    augment=Augment(half_body=0.3, shift=0.16),
    loss=HeatmapLossSpec(),
    train=Train(total_batch=512, init="imagenet_resnet50"),
)

ALL = (
    SIMPLE_BASELINE_R50_MPII_256,
    _mpii(101, 256),
    _mpii(152, 256),
    _mpii(50, 384, sigma=3.0),
    _mpii(101, 384, sigma=3.0),
    _mpii(152, 384, batch_size=24, sigma=3.0),
    R50_COCO_256X192,
    R50_COCO_256X192_DARK,
    _coco(101, (192, 256)),
    _coco(152, (192, 256)),
    _coco(50, (288, 384), sigma=3.0),
    _coco(101, (288, 384), sigma=3.0),
    _coco(152, (288, 384), batch_size=24, sigma=3.0),
)
