"""Configs of Hourglass-52 and Newell's stacked hourglass on MPII, and of a small test network.

Source: mmpose 0.x `hourglass52_mpii_{256x256,384x384}` for Hourglass-52 and its recipe; Newell et
    al. (ECCV 2016) for the stacked hourglass.
"""

from __future__ import annotations

from dataclasses import replace

from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.configs.specs import (
    Config,
    CosineScheduleSpec,
    HourglassModel,
    StackedHourglassModel,
    Train,
)
from paddle_pose.data.augment import Augment

HOURGLASS52_MPII_256 = Config(
    name="hourglass52_mpii_256",
    source="mmpose 0.x hourglass52_mpii_256x256: Adam 5e-4, 210 epochs, batch 64 x 8 GPUs",
    command="python train.py --dataset_root D --image_size 256",
)

HOURGLASS52_MPII_384 = replace(
    HOURGLASS52_MPII_256,
    name="hourglass52_mpii_384",
    source="mmpose 0.x hourglass52_mpii_384x384: the recipe at 256 (sigma 2 cells) with batch 32 x "
    "8 GPUs",
    command="python train.py --dataset_root D --image_size 384",
    codec=HeatmapCodec(input_size=(384, 384)),
    train=Train(batch_size=32),
)

STACKED_HOURGLASS2_MPII_256 = replace(
    HOURGLASS52_MPII_256,
    name="stacked_hourglass2_mpii_256",
    source="pytorch-pose hg_s2_b1: Newell et al. (ECCV 2016), 2 stacks",
    command="python train.py --config stacked_hourglass2_mpii_256 --dataset_root D",
    model=StackedHourglassModel(num_stacks=2),
)

STACKED_HOURGLASS8_MPII_256 = replace(
    STACKED_HOURGLASS2_MPII_256,
    name="stacked_hourglass8_mpii_256",
    source="pytorch-pose hg_s8_b1: Newell et al. (ECCV 2016), 8 stacks",
    command="python train.py --config stacked_hourglass8_mpii_256 --dataset_root D",
    model=StackedHourglassModel(num_stacks=8),
)

HOURGLASS_TINY_128 = Config(
    name="hourglass_tiny_128",
    source="ours: a narrow Hourglass-52 that two CPU cores train in minutes; for synthetic people "
    "and tests",
    command="make demo",
    model=HourglassModel(
        channels=(32, 32, 48, 64),
        blocks=(1, 1, 1, 2),
        stem_channels=16,
        feature_channels=32,
    ),
    codec=HeatmapCodec(input_size=(128, 128), sigma=1.6),
    augment=Augment(scale=0.15, rotation=15.0),
    # Measured: this network learns much faster per second with many small batches than with few
    # large ones.
    train=Train(
        epochs=5,
        batch_size=8,
        learning_rate=4e-3,
        schedule=CosineScheduleSpec(warmup=50),
        log_every=20,
    ),
)

ALL = (
    HOURGLASS52_MPII_256,
    HOURGLASS52_MPII_384,
    STACKED_HOURGLASS2_MPII_256,
    STACKED_HOURGLASS8_MPII_256,
    HOURGLASS_TINY_128,
)
