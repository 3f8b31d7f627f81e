"""HRNet on MPII and COCO, with plain, DARK's and UDP's coordinates.

Source: HRNet's `w32_256x256_adam_lr1e-3.yaml` (Sun et al., CVPR 2019): Adam 1e-3, batch 32 x 4 GPUs, x0.1 at 170 and 200 of
    210 epochs, scale 0.25, rotation 30, from ImageNet weights. COCO: `w{32,48}_{256x192,384x288}_adam_lr1e-3.yaml`: scale 0.35,
    rotation 45, half bodies 0.3, 24 x 4 at W48 384x288, sigma 3 at 384x288. DARK (Zhang et al., CVPR 2020) and UDP (Huang et
    al., CVPR 2020) change HRNet's targets and decoding and keep its recipe; neither moves the mirrored maps in the flip test.
Differs: of UDP, the Gaussian targets, not the paper's offset maps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.configs.overrides import override
from paddle_pose.configs.specs import (
    Config,
    Data,
    HeatmapLossSpec,
    HRNetModel,
    StepScheduleSpec,
    Train,
    Val,
)
from paddle_pose.data.augment import Augment
from paddle_pose.skeletons import COCO_17

HRNET_W32_MPII_256 = Config(
    name="hrnet_w32_mpii_256",
    source="HRNet w32_256x256_adam_lr1e-3: Adam 1e-3, 210 epochs, batch 32 x 4 GPUs, from ImageNet weights",
    command="python train.py --config hrnet_w32_mpii_256 --dataset_root D",
    model=HRNetModel(),
    augment=Augment(scale=0.25, rotation=30.0),
    loss=HeatmapLossSpec(scale=0.5),
    train=Train(batch_size=32, learning_rate=1e-3, schedule=StepScheduleSpec(warmup=0)),
)


def _coco(
    width: int, input_size: tuple[int, int], batch_size: int = 32, sigma: float = 2.0
) -> Config:
    """Returns a recipe on COCO."""
    size = f"{input_size[1]}x{input_size[0]}"
    name = f"hrnet_w{width}_coco_{size}"
    return replace(
        HRNET_W32_MPII_256,
        name=name,
        source=f"HRNet w{width}_{size}_adam_lr1e-3: Adam 1e-3, 210 epochs, batch {batch_size} x 4 GPUs, from ImageNet weights",
        command=f"python train.py --config {name} --dataset_root D",
        model=HRNetModel(width=width),
        codec=HeatmapCodec(skeleton=COCO_17, input_size=input_size, sigma=sigma),
        data=Data(dataset="coco"),
        augment=Augment(scale=0.35, rotation=45.0, half_body=0.3),
        train=replace(HRNET_W32_MPII_256.train, batch_size=batch_size),
    )


def _dark(plain: Config, source: str) -> Config:
    """Returns a recipe with exact targets and DARK's decoding."""
    return _variant(plain, "dark", {"unbiased": True, "decode_by": "dark"}, source)


def _udp(plain: Config, source: str) -> Config:
    """Returns a recipe with UDP's alignment, targets and decoding."""
    return _variant(plain, "udp", {"alignment": "udp", "decode_by": "dark"}, source)


def _variant(plain: Config, kind: str, fields: Mapping[str, Any], source: str) -> Config:
    name = f"{plain.name}_{kind}"
    named = replace(
        plain,
        name=name,
        source=f"{source}; otherwise {plain.name}",
        command=f"python train.py --config {name} --dataset_root D",
        val=Val(shift=False),
    )
    return override(named, {f"codec.{field}": value for field, value in fields.items()})


HRNET_W48_MPII_256 = replace(
    HRNET_W32_MPII_256,
    name="hrnet_w48_mpii_256",
    source="HRNet w48_256x256_adam_lr1e-3: as W32; its authors print no numbers for it",
    command="python train.py --config hrnet_w48_mpii_256 --dataset_root D",
    model=HRNetModel(width=48),
)

HRNET_W32_COCO_256X192 = _coco(32, (192, 256))

ALL = (
    HRNET_W32_MPII_256,
    _dark(
        HRNET_W32_MPII_256,
        "DarkPose: DARK's targets and decoding; its authors' numbers, the second at 0.11 as HRNet's code reads it",
    ),
    _udp(
        HRNET_W32_MPII_256,
        "UDP-Pose: UDP's alignment, targets and decoding; its authors' numbers, the second at 0.11 as HRNet's code reads it",
    ),
    HRNET_W48_MPII_256,
    HRNET_W32_COCO_256X192,
    _dark(
        HRNET_W32_COCO_256X192,
        "DarkPose: DARK's targets and decoding; its authors' AP with the boxes of the 56.4-AP person detector (mmpose's own "
        "recipe: 0.757)",
    ),
    _udp(
        HRNET_W32_COCO_256X192,
        "UDP-Pose: UDP's alignment, targets and decoding; its authors' AP with boxes of a 65.1-AP person detector, where plain "
        "HRNet has 0.756 (mmpose's own recipe with the 56.4-AP boxes: 0.762)",
    ),
    _coco(48, (192, 256)),
    _coco(32, (288, 384), sigma=3.0),
    _coco(48, (288, 384), batch_size=24, sigma=3.0),
)
