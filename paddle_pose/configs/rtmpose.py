"""Configs of RTMPose on COCO and MPII.

Source: mmpose 1.3.2, `rtmpose-{t,s,m,l}_8xb256-420e_coco-256x192.py`, `rtmpose-m_8xb256-420e_coco-
    384x288.py`, `rtmpose-l_8xb256-420e_coco-384x288.py` and `rtmpose-m_8xb64-210e_mpii-256x256.py`:
    AdamW 4e-3 for a total batch of 1024, warm-up over 1000 steps, constant until half of the
    epochs, then a cosine down to 5 %; weight decay 0 (t, s) or 0.05 (m, l), none on batch
    normalisation and biases; averaged weights except for t; two stages of augmentation.
"""

from __future__ import annotations

from dataclasses import replace

from paddle_pose.codecs.simcc import SimCCCodec
from paddle_pose.configs.specs import (
    AdamWSpec,
    Config,
    Data,
    FlatCosineScheduleSpec,
    RTMPoseModel,
    SimCCLossSpec,
    Train,
    Val,
)
from paddle_pose.data.augment import Augment
from paddle_pose.skeletons import MPII_16

_FACTORS = {"t": (0.167, 0.375), "s": (0.33, 0.5), "m": (0.67, 0.75), "l": (1.0, 1.0)}
_WEIGHT_DECAY = {"t": 0.0, "s": 0.0, "m": 0.05, "l": 0.05}
_SIGMAS = {(192, 256): (4.9, 5.66), (288, 384): (6.0, 6.93), (256, 256): (5.66, 5.66)}
_EPOCHS = 420
_FINAL_EPOCHS = 30  # epochs of the second stage of augmentation

_DIFFERS = (
    "A half-body window shows the upper half with a probability of 0.69, and a half needs three "
    "labelled joints; in mmpose the probability is 0.7, and the upper half needs two.",
)
_DIFFERS_ON_COCO = (
    *_DIFFERS,
    "mmpose's file takes 8 x 256 images per step, and divides the learning rate for its base batch "
    "of 1024, which is used here, only on request.",
)

_AUGMENT = Augment(
    truncated=True,
    scale=0.4,
    rotation=40.0,
    half_body=0.3,
    shift=0.16,
    occlusion=1.0,
    hue_delta=5,
    saturation_delta=30,
    value_delta=30,
    blur=0.1,
    median_blur=0.1,
)
_FINAL_AUGMENT = replace(_AUGMENT, shift=0.0, scale=0.25, rotation=30.0, occlusion=0.5)


def _coco(size: str, input_size: tuple[int, int]) -> Config:
    """Returns a config on COCO.

    Args:
        size: Size of the network: "t", "s", "m" or "l".
        input_size: (width, height) of the network's input in px.
    """
    deepen, widen = _FACTORS[size]
    resolution = f"{input_size[1]}x{input_size[0]}"
    name = f"rtmpose_{size}_coco_{resolution}"
    return Config(
        name=name,
        source=f"mmpose rtmpose-{size}_8xb256-420e_coco-{resolution}: AdamW 4e-3 for a total batch "
        "of 1024, 420 epochs, from a backbone trained on AIC and COCO",
        command=f"python train.py --config {name} --dataset_root D",
        differs=_DIFFERS_ON_COCO,
        model=RTMPoseModel(deepen=deepen, widen=widen),
        codec=SimCCCodec(input_size=input_size, sigma=_SIGMAS[input_size]),
        data=Data(dataset="coco"),
        augment=_AUGMENT,
        final_augment=_FINAL_AUGMENT,
        loss=SimCCLossSpec(),
        train=Train(
            epochs=_EPOCHS,
            batch_size=128,
            total_batch=1024,
            learning_rate=4e-3,
            optimizer=AdamWSpec(weight_decay=_WEIGHT_DECAY[size], decay_norms_and_biases=False),
            schedule=FlatCosineScheduleSpec(warmup=1000, warmup_start=1e-5),
            ema=0.0 if size == "t" else 0.9998,
            ema_gamma=2000,
            init=f"aic_coco_cspnext_{size}",
            eval_every=10,
            final_augment_epoch=_EPOCHS - _FINAL_EPOCHS,
        ),
        val=Val(shift=False),
    )


_M_COCO = _coco("m", (192, 256))

RTMPOSE_M_MPII_256 = replace(
    _M_COCO,
    name="rtmpose_m_mpii_256",
    source="mmpose rtmpose-m_8xb64-210e_mpii-256x256: AdamW 4e-3, 210 epochs, batch 64 per GPU, "
    "from a backbone trained on AIC and COCO",
    command="python train.py --config rtmpose_m_mpii_256 --dataset_root D",
    differs=_DIFFERS,
    codec=SimCCCodec(skeleton=MPII_16, input_size=(256, 256), sigma=_SIGMAS[(256, 256)]),
    data=Data(),
    train=replace(
        _M_COCO.train,
        epochs=_EPOCHS // 2,
        batch_size=64,
        total_batch=512,
        final_augment_epoch=_EPOCHS // 2 - _FINAL_EPOCHS,
    ),
)

ALL = (
    _coco("t", (192, 256)),
    _coco("s", (192, 256)),
    _M_COCO,
    _coco("l", (192, 256)),
    _coco("m", (288, 384)),
    _coco("l", (288, 384)),
    RTMPOSE_M_MPII_256,
)
