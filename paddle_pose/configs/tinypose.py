"""Configs of PP-TinyPose on COCO.

Source: PaddleDetection at 666f597, `configs/keypoint/tiny_pose/tinypose_{128x96,256x192}.yml`: Adam
    8e-3 (128x96, batch 512) or 2e-3 (256x192, batch 128), on 4 GPUs as the folder's README states,
    420 epochs, learning rate x 0.1 at epochs 380 and 410, warm-up over 500 steps, from random
    weights; scale 0.25, rotation 30, half-body probability 0.3, a black disc near a joint in half
    of the images; sigma 1 (128x96) or 2 (256x192) with targets around exact centres, images warped
    as in UDP, DARK's decoding with a blur of 3 cells.
"""

from __future__ import annotations

from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.configs.specs import (
    PER_GPU_STATISTICS,
    Config,
    Data,
    HeatmapLossSpec,
    LiteHRNetModel,
    StepScheduleSpec,
    Train,
)
from paddle_pose.data.augment import Augment
from paddle_pose.skeletons import COCO_17

_DIFFERS = (
    "The published models are trained on COCO and AI Challenger; this recipe trains on COCO alone, "
    "unless data.train_annotations names a file with both.",
    "Black discs are drawn in the network's input, near a joint that lies in it; PaddleDetection "
    "draws discs of as many pixels in the image, before it is warped.",
    "Keypoints are transformed back to the image by the inverse of the warp; PaddleDetection's "
    "evaluation uses the transform of images that are warped without UDP, which moves them by up "
    "to one pixel of the input.",
    PER_GPU_STATISTICS,
)


def _coco(
    input_size: tuple[int, int], learning_rate: float, batch_size: int, sigma: float
) -> Config:
    """Returns a config on COCO.

    Args:
        input_size: (width, height) of the network's input in px.
        learning_rate: Learning rate after the warm-up.
        batch_size: Number of images per GPU.
        sigma: Standard deviation of the target Gaussians in cells.
    """
    size = f"{input_size[1]}x{input_size[0]}"
    name = f"tinypose_coco_{size}"
    return Config(
        name=name,
        source=f"PaddleDetection tinypose_{size}: Adam {learning_rate:g}, 420 epochs, batch "
        f"{batch_size} x 4 GPUs, on COCO and AI Challenger",
        command=f"python train.py --config {name} --dataset_root D",
        differs=_DIFFERS,
        model=LiteHRNetModel(),
        codec=HeatmapCodec(
            skeleton=COCO_17,
            input_size=input_size,
            sigma=sigma,
            decode_by="dark",
            alignment="udp_warp",
            unbiased=True,
            dark_blur=3,
        ),
        data=Data(dataset="coco"),
        augment=Augment(scale=0.25, rotation=30.0, half_body=0.3, joint_disc=0.5),
        loss=HeatmapLossSpec(),
        train=Train(
            epochs=420,
            total_batch=4 * batch_size,
            batch_size=batch_size,
            learning_rate=learning_rate,
            schedule=StepScheduleSpec(milestones=(380, 410)),
            eval_every=10,
        ),
    )


TINYPOSE_COCO_128X96 = _coco((96, 128), learning_rate=8e-3, batch_size=512, sigma=1.0)

ALL = (
    TINYPOSE_COCO_128X96,
    _coco((192, 256), learning_rate=2e-3, batch_size=128, sigma=2.0),
)
