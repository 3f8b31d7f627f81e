"""Configs of Hourglass-52 and Newell's stacked hourglass on MPII, and of a small test network.

Source: mmpose 0.x `hourglass52_mpii_{256x256,384x384}` for Hourglass-52 and its recipe,
    txyugood/PaddlePose for its batch; Newell et al. (ECCV 2016) for the stacked hourglass, with the
    recipe of pytorch-pose (`example/main.py`, `pose/datasets/mpii.py`).
"""

from __future__ import annotations

from dataclasses import replace

from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.configs.specs import (
    Config,
    CosineScheduleSpec,
    HeatmapLossSpec,
    HourglassModel,
    RMSPropSpec,
    StackedHourglassModel,
    StepScheduleSpec,
    Train,
)
from paddle_pose.data.augment import Augment

HOURGLASS52_MPII_256 = Config(
    name="hourglass52_mpii_256",
    source="mmpose 0.x hourglass52_mpii_256x256: Adam 5e-4, 210 epochs, batch 64 x 8 GPUs; with "
    "the batch of txyugood/PaddlePose, 64 on one GPU (Mean@0.1 32.108)",
    command="python train.py --dataset_root D --image_size 256",
    differs=(
        "mmpose takes 512 images per step, this recipe the 64 of txyugood/PaddlePose.",
        "txyugood/PaddlePose lowers the learning rate 500 iterations later, keeps running "
        "statistics of almost the last batch alone, and evaluates without the shift.",
    ),
    train=Train(total_batch=64),
)

HOURGLASS52_MPII_384 = replace(
    HOURGLASS52_MPII_256,
    name="hourglass52_mpii_384",
    source="mmpose 0.x hourglass52_mpii_384x384: the recipe at 256 (sigma 2 cells), batch 32 x 8 "
    "GPUs; with the batch of txyugood/PaddlePose, 64 on one GPU (Mean@0.1 37.588)",
    command="python train.py --dataset_root D --image_size 384",
    differs=(
        "mmpose takes 256 images per step, this recipe the 64 of txyugood/PaddlePose.",
        *HOURGLASS52_MPII_256.differs[1:],
    ),
    codec=HeatmapCodec(input_size=(384, 384)),
)

STACKED_HOURGLASS2_MPII_256 = replace(
    HOURGLASS52_MPII_256,
    name="stacked_hourglass2_mpii_256",
    source="pytorch-pose hg_s2_b1: Newell et al. (ECCV 2016), 2 stacks; RMSprop 2.5e-4, 100 "
    "epochs, batch 6, sigma 1",
    command="python train.py --config stacked_hourglass2_mpii_256 --dataset_root D",
    differs=(
        "pytorch-pose multiplies each colour channel by a factor between 0.8 and 1.2; this recipe "
        "does not.",
        "pytorch-pose subtracts the mean of MPII's images; this network normalises with ImageNet's "
        "mean and standard deviation.",
        "PyTorch adds epsilon 1e-8 after the root of the mean of squared gradients, Paddle before "
        "it; epsilon is 1e-16 here.",
    ),
    model=StackedHourglassModel(num_stacks=2),
    codec=HeatmapCodec(sigma=1.0),
    augment=Augment(scale=0.25, rotation=30.0),
    loss=HeatmapLossSpec(scale=0.5),
    train=Train(
        epochs=100,
        total_batch=6,
        batch_size=6,
        learning_rate=2.5e-4,
        optimizer=RMSPropSpec(rho=0.99, epsilon=1e-16),
        schedule=StepScheduleSpec(warmup=0, milestones=(60, 90)),
    ),
)

STACKED_HOURGLASS8_MPII_256 = replace(
    STACKED_HOURGLASS2_MPII_256,
    name="stacked_hourglass8_mpii_256",
    source="pytorch-pose hg_s8_b1: Newell et al. (ECCV 2016), 8 stacks; RMSprop 2.5e-4, 100 "
    "epochs, batch 6, sigma 1",
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
