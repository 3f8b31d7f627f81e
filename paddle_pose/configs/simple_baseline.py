"""SimpleBaseline on MPII.

Source: the official `256x256_d256x3_adam_lr1e-3.yaml` (Xiao et al., ECCV 2018): Adam 1e-3, x0.1 at 90 and 120 of 140 epochs,
    scale 0.25, rotation 30, from ImageNet weights, BGR pictures.
"""

from __future__ import annotations

from paddle_pose.configs.fields import Config, Loss, SimpleBaselineModel, Train
from paddle_pose.datasets.augment import Augment

SIMPLE_BASELINE_R50_MPII_256 = Config(
    name="simple_baseline_r50_mpii_256",
    source="SimpleBaseline 256x256_d256x3_adam_lr1e-3 (R50): Adam 1e-3, 140 epochs, batch 32 per GPU, from ImageNet weights",
    command="python train.py --config simple_baseline_r50_mpii_256 --dataset_root D",
    published={"Mean": 88.532, "Mean@0.11": 33.911},
    model=SimpleBaselineModel(order="bgr"),
    augment=Augment(scale=0.25, rotation=30.0),
    loss=Loss(scale=0.5),
    train=Train(epochs=140, batch_size=32, learning_rate=1e-3, warmup=0, milestones=(90, 120)),
)

ALL = (SIMPLE_BASELINE_R50_MPII_256,)
