"""Configs of MoveNet on COCO.

Source: Google's graphs (Lightning 192, Thunder 256) and their decoding. Google has not published
    its training recipe. The optimizer used here is that of fire717/movenet.pytorch (Adam 1e-3,
    batch 64, learning rate x 0.1 at epochs 70 and 100 of 120), the loss that of the article
    "MoveNet" on AI Studio (squared error weighted by 8 t + 1, terms 1:1:1:1). `*_centernet` uses
    the loss of CenterNet and of Google's public multi-person recipe. `movenet_original_coco` is the
    AI Studio project MoveNet.Paddle: Adam 8e-3, weight decay 5e-4, batch 512, learning rate x 0.1
    at epochs 40 and 80 of 100, gradients clipped at 5, and the augmentation of fire717's
    `lib/data/data_augment.py`, which it shares.
"""

from __future__ import annotations

from dataclasses import replace

from paddle_pose.codecs.movenet import MoveNetCodec
from paddle_pose.codecs.movenet_multipose import MultiPoseCodec
from paddle_pose.configs.specs import (
    AdamSpec,
    Config,
    Data,
    MoveNetLossSpec,
    MoveNetModel,
    StepScheduleSpec,
    Train,
    Val,
)
from paddle_pose.data.augment import Augment

MOVENET_LIGHTNING_COCO = Config(
    name="movenet_lightning_coco",
    source="Google's MoveNet Lightning; trained on whole images with all their people, Adam 1e-3, "
    "120 epochs, batch 64",
    command="python train.py --config movenet_lightning_coco --dataset_root D",
    differs=(
        "Google has not published its training recipe: optimizer, schedule and batch are fire717's, "
        "the loss is that of the article on AI Studio.",
        "Google also trained on its own photographs of yoga, fitness and dance.",
    ),
    model=MoveNetModel(),
    codec=MoveNetCodec(max_persons=6),
    data=Data(dataset="coco", framing="image", context=1.0),
    augment=Augment(
        scale=0.3, rotation=24.0, rotation_probability=0.3, shift=0.1, shift_probability=0.5
    ),
    loss=MoveNetLossSpec(),
    train=Train(
        epochs=120,
        total_batch=64,
        batch_size=64,
        learning_rate=1e-3,
        schedule=StepScheduleSpec(warmup=500, milestones=(70, 100)),
    ),
    val=Val(flip=False),
)

MOVENET_THUNDER_COCO = replace(
    MOVENET_LIGHTNING_COCO,
    name="movenet_thunder_coco",
    source="Google's MoveNet Thunder; the recipe of Lightning",
    command="python train.py --config movenet_thunder_coco --dataset_root D",
    model=MoveNetModel(width=1.75),
    codec=MoveNetCodec(input_size=(256, 256), max_persons=6),
)

MOVENET_LIGHTNING_COCO_CENTERNET = replace(
    MOVENET_LIGHTNING_COCO,
    name="movenet_lightning_coco_centernet",
    source="Google's MoveNet Lightning with CenterNet's loss: focal loss, regression weight 0.1, "
    "offsets within 3 cells",
    command="python train.py --config movenet_lightning_coco_centernet --dataset_root D",
    codec=MoveNetCodec(max_persons=6, center="keypoints", offset_radius=3.0),
    loss=MoveNetLossSpec(error="focal", regression=0.1),
)

MOVENET_ORIGINAL_COCO = replace(
    MOVENET_LIGHTNING_COCO,
    name="movenet_original_coco",
    source="MoveNet.Paddle on AI Studio: crops of single people, Adam 8e-3, 100 epochs, batch 512; "
    "acc from the name of its weights file (epoch 74)",
    command="python train.py --config movenet_original_coco --dataset_root D  "
    "(D from prepare_coco)",
    differs=(
        "The residual blocks of a stage have weights of their own, as in fire717's later version; "
        "those of MoveNet.Paddle share one set (model.share_residuals).",
        "MoveNet.Paddle also jitters three points of an image affinely (10.5 % of the samples).",
        "MoveNet.Paddle undoes a change, mirroring included, after which more than five joints are "
        "unlabelled or more than three have left the image: samples with six unlabelled joints are "
        "never changed there.",
        "MoveNet.Paddle reads each image with a random interpolation; all are bilinear here.",
        "MoveNet.Paddle mirrors the joints of other people in a wrong order and displaces offsets; "
        "both are right here.",
        "MoveNet.Paddle teaches unlabelled joints as absent; here cells that may contain one do not "
        "count.",
        "The bone term of MoveNet.Paddle takes seven pairs of another skeleton, here the limbs of "
        "COCO between labelled joints; since it is a norm over the images of a forward pass, it "
        "weighs sqrt(accumulate) times as much where a GPU takes the batch in parts.",
    ),
    model=MoveNetModel(
        expansion="stage",
        activation="relu",
        padding="symmetric",
        pyramid="fire717",
        batch_norm="all",
        prior=0.5,
    ),
    codec=MoveNetCodec(kernel="fire717", regression_radius=0.0, offset_radius=0.0),
    data=Data(dataset="movenet_crops", framing="image", context=1.0),
    augment=Augment(
        exclusive=True,
        padding=0.1,
        crop=0.4,
        rotation=24.0,
        rotation_probability=0.045,
        shift=0.2,
        shift_probability=0.1,
        color_distortion=0.4,
        noise=15,
        joint_occlusion=0.3,
    ),
    loss=MoveNetLossSpec(bone=1.0),
    train=Train(
        epochs=100,
        total_batch=512,
        batch_size=512,
        learning_rate=8e-3,
        optimizer=AdamSpec(weight_decay=5e-4),
        schedule=StepScheduleSpec(warmup=0, milestones=(40, 80)),
        clip_value=5.0,
    ),
)

MOVENET_MULTIPOSE_COCO = Config(
    name="movenet_multipose_coco",
    source="Google's MoveNet MultiPose Lightning, version 1: several people with their boxes in one "
    "pass; published weights, which this project runs and does not train",
    command="python predict.py photo.jpg --fast",
    differs=("Google has not published its training recipe, and there is none here.",),
    model=MoveNetModel(width=1.5, box_heads=True),
    codec=MultiPoseCodec(),
    data=Data(dataset="coco", framing="image", context=1.0),
    augment=None,
    loss=MoveNetLossSpec(),
    val=Val(flip=False),
)

ALL = (
    MOVENET_LIGHTNING_COCO,
    MOVENET_THUNDER_COCO,
    MOVENET_LIGHTNING_COCO_CENTERNET,
    MOVENET_ORIGINAL_COCO,
    MOVENET_MULTIPOSE_COCO,
)
