"""HRNet on MPII.

Source: HRNet's `w32_256x256_adam_lr1e-3.yaml` (Sun et al., CVPR 2019): Adam 1e-3, batch 32 x 4 GPUs, x0.1 at 170 and 200 of
    210 epochs, scale 0.25, rotation 30, from ImageNet weights.
"""

from __future__ import annotations

from paddle_pose.configs.fields import Config, HRNetModel, Loss, Train
from paddle_pose.datasets.augment import Augment

HRNET_W32_MPII_256 = Config(
    name="hrnet_w32_mpii_256",
    source="HRNet w32_256x256_adam_lr1e-3: Adam 1e-3, 210 epochs, batch 32 x 4 GPUs, from ImageNet weights",
    command="python train.py --config hrnet_w32_mpii_256 --dataset_root D",
    published={"Mean": 90.3, "Mean@0.11": 37.7},
    model=HRNetModel(),
    augment=Augment(scale=0.25, rotation=30.0),
    loss=Loss(scale=0.5),
    train=Train(batch_size=32, learning_rate=1e-3, warmup=0),
)

ALL = (HRNET_W32_MPII_256,)
