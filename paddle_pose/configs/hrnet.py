"""Configs of HRNet on MPII and COCO, with standard, DARK and UDP coordinates.

Source: HRNet's `w32_256x256_adam_lr1e-3.yaml` (Sun et al., CVPR 2019) for MPII: Adam 1e-3, batch 32
    x 4 GPUs, learning rate x 0.1 at epochs 170 and 200 of 210, scale 0.25, rotation 30, from
    ImageNet weights. `w{32,48}_{256x192,384x288}_adam_lr1e-3.yaml` for COCO: scale 0.35, rotation
    45, half-body probability 0.3, batch 24 x 4 for W48 at 384x288, sigma 3 at 384x288. DARK (Zhang
    et al., CVPR 2020) and UDP (Huang et al., CVPR 2020) change the targets and the decoding and
    keep HRNet's recipe; neither of them shifts the mirrored maps in the flip test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.configs.overrides import override
from paddle_pose.configs.specs import (
    PER_GPU_STATISTICS,
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
    source="HRNet w32_256x256_adam_lr1e-3: Adam 1e-3, 210 epochs, batch 32 x 4 GPUs, from ImageNet "
    "weights",
    command="python train.py --config hrnet_w32_mpii_256 --dataset_root D",
    differs=(PER_GPU_STATISTICS,),
    model=HRNetModel(),
    augment=Augment(scale=0.25, rotation=30.0),
    loss=HeatmapLossSpec(scale=0.5),
    train=Train(
        total_batch=128,
        batch_size=32,
        learning_rate=1e-3,
        schedule=StepScheduleSpec(warmup=0),
        init="imagenet_hrnet_w32",
    ),
)


def _coco(
    width: int, input_size: tuple[int, int], batch_size: int = 32, sigma: float = 2.0
) -> Config:
    """Returns a config on COCO.

    Args:
        width: Number of channels of the highest-resolution branch.
        input_size: (width, height) of the network's input in px.
        batch_size: Number of images per GPU.
        sigma: Standard deviation of the target Gaussians in cells.
    """
    size = f"{input_size[1]}x{input_size[0]}"
    name = f"hrnet_w{width}_coco_{size}"
    return replace(
        HRNET_W32_MPII_256,
        name=name,
        source=f"HRNet w{width}_{size}_adam_lr1e-3: Adam 1e-3, 210 epochs, batch {batch_size} x 4 "
        "GPUs, from ImageNet weights",
        command=f"python train.py --config {name} --dataset_root D",
        model=HRNetModel(width=width),
        codec=HeatmapCodec(skeleton=COCO_17, input_size=input_size, sigma=sigma),
        data=Data(dataset="coco"),
        augment=Augment(scale=0.35, rotation=45.0, half_body=0.3),
        train=replace(
            HRNET_W32_MPII_256.train,
            total_batch=4 * batch_size,
            batch_size=batch_size,
            init=f"imagenet_hrnet_w{width}",
        ),
    )


def _dark(plain: Config, source: str) -> Config:
    """Returns a config with targets around exact centres and DARK's decoding.

    Args:
        plain: Config to start from.
        source: Paper or project of the change, for the field `source`.
    """
    return _variant(plain, "dark", {"unbiased": True, "decode_by": "dark"}, source)


def _udp(plain: Config, source: str) -> Config:
    """Returns a config with UDP's alignment, targets and decoding.

    Args:
        plain: Config to start from.
        source: Paper or project of the change, for the field `source`.
    """
    udp = _variant(plain, "udp", {"alignment": "udp", "decode_by": "dark"}, source)
    gaussians = "The targets are Gaussians, in the paper discs and offset maps."
    return replace(udp, differs=(*plain.differs, gaussians))


def _variant(plain: Config, suffix: str, codec_fields: Mapping[str, Any], source: str) -> Config:
    """Returns a config with other codec fields and without the shift in the flip test.

    Args:
        plain: Config to start from.
        suffix: Suffix of the new config's name.
        codec_fields: New values of the codec by field name.
        source: Paper or project of the change, for the field `source`.
    """
    name = f"{plain.name}_{suffix}"
    renamed = replace(
        plain,
        name=name,
        source=f"{source}; otherwise {plain.name}",
        command=f"python train.py --config {name} --dataset_root D",
        val=Val(shift=False),
    )
    return override(renamed, {f"codec.{field}": value for field, value in codec_fields.items()})


HRNET_W48_MPII_256 = replace(
    HRNET_W32_MPII_256,
    name="hrnet_w48_mpii_256",
    source="HRNet w48_256x256_adam_lr1e-3: the recipe of W32; the authors did not publish results",
    command="python train.py --config hrnet_w48_mpii_256 --dataset_root D",
    model=HRNetModel(width=48),
    train=replace(HRNET_W32_MPII_256.train, init="imagenet_hrnet_w48"),
)

HRNET_W32_COCO_256X192 = _coco(32, (192, 256))

ALL = (
    HRNET_W32_MPII_256,
    _dark(
        HRNET_W32_MPII_256,
        "DarkPose: DARK's targets and decoding; results published by its authors, with threshold "
        "0.11 instead of 0.1, as in HRNet's code",
    ),
    _udp(
        HRNET_W32_MPII_256,
        "UDP-Pose: UDP's alignment, targets and decoding; results published by its authors, with "
        "threshold 0.11 instead of 0.1, as in HRNet's code",
    ),
    HRNET_W48_MPII_256,
    HRNET_W32_COCO_256X192,
    _dark(
        HRNET_W32_COCO_256X192,
        "DarkPose: DARK's targets and decoding; AP published by its authors, with the boxes of the "
        "56.4-AP person detector (mmpose's own recipe: 0.757)",
    ),
    _udp(
        HRNET_W32_COCO_256X192,
        "UDP-Pose: UDP's alignment, targets and decoding; AP published by its authors, with the "
        "boxes of a 65.1-AP person detector, with which standard HRNet has 0.756 (mmpose's own "
        "recipe with the 56.4-AP boxes: 0.762)",
    ),
    _coco(48, (192, 256)),
    _coco(32, (288, 384), sigma=3.0),
    _coco(48, (288, 384), batch_size=24, sigma=3.0),
)
