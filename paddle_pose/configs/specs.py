"""The fields of a config: frozen values, each stated once, numbers with their range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from paddle_pose.codecs.base import Codec
from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.data.augment import Augment
from paddle_pose.ranges import BatchSize, Range, Seed, Share

Channels = Annotated[int, Range(1, 8192)]
Depth = Annotated[int, Range(1, 64)]  # of blocks and the like, one after another
Times = Annotated[int, Range(1, 1_000_000)]
Weight = Annotated[float, Range(0, 1e6)]


@dataclass(frozen=True)
class HourglassModel:
    """Hourglass-52 and its reductions: arguments of `models.hourglass.Hourglass`.

    Attributes:
        num_stacks: hourglasses one after another, each supervised.
        channels: per depth; one more than there are downsamplings.
        blocks: residual blocks per depth.
        stem_channels: after the first convolution.
        feature_channels: between and after the hourglasses.
        inters: keep the block between stacks even where there is one stack (unused; some checkpoints hold it).
    """

    target: ClassVar[str] = "paddle_pose.models.hourglass:Hourglass"

    num_stacks: Depth = 1
    channels: tuple[Channels, ...] = (256, 256, 384, 384, 384, 512)
    blocks: tuple[Depth, ...] = (2, 2, 2, 2, 2, 4)
    stem_channels: Channels = 128
    feature_channels: Channels = 256
    inters: bool = False


@dataclass(frozen=True)
class StackedHourglassModel:
    """Newell's stacked hourglass: arguments of `models.stacked_hourglass.StackedHourglass`.

    Attributes:
        num_stacks: 2 or 8 in the paper.
        channels: of the maps between and after the hourglasses.
        depth: halvings.
    """

    target: ClassVar[str] = "paddle_pose.models.stacked_hourglass:StackedHourglass"

    num_stacks: Depth = 2
    channels: Channels = 256
    depth: Annotated[int, Range(1, 10)] = 4


@dataclass(frozen=True)
class HRNetModel:
    """HRNet and its reductions: arguments of `models.hrnet.HRNet`.

    Attributes:
        width: channels of the highest resolution, 32 or 48 as published.
        modules: exchanges of the stages with 2, 3 and 4 branches.
        blocks: residual blocks of every branch in a module.
        stem_channels: of the stem.
    """

    target: ClassVar[str] = "paddle_pose.models.hrnet:HRNet"

    width: Channels = 32
    modules: tuple[Depth, Depth, Depth] = (1, 4, 3)
    blocks: Depth = 4
    stem_channels: Channels = 64


@dataclass(frozen=True)
class SimpleBaselineModel:
    """SimpleBaseline and its reductions: arguments of `models.simple_baseline.SimpleBaseline`.

    Attributes:
        depth: 50, 101 or 152, of the ResNet.
        width: channels of its first stage.
        deconv_channels: of the deconvolutions.
        order: of the channels the network sees; the official weights saw BGR.
    """

    target: ClassVar[str] = "paddle_pose.models.simple_baseline:SimpleBaseline"

    depth: Literal[50, 101, 152] = 50
    width: Channels = 64
    deconv_channels: Channels = 256
    order: Literal["rgb", "bgr"] = "rgb"


@dataclass(frozen=True)
class MoveNetModel:
    """MoveNet, Google's or the original: arguments of `models.movenet.MoveNet`.

    Attributes:
        width: factor of the backbone's channels: 1 is Lightning, 1.75 Thunder.
        expansion: a residual expands its own input ("block", Google) or its stage's first ("stage", the original).
        activation: of the backbone; the original has "relu".
        padding: of stride 2; the original is "symmetric".
        pyramid: how features are mixed.
        batch_norm: "none" in Google's published weights (reading them sets it), "backbone" to train Google's network from
            scratch, "all" in the original.
        share_residuals: one set of weights for all residuals of a stage, as in the original's files.
        prior: what centres and heatmaps answer before they have learned; 0.1 for a focal loss, the original has 0.5.
    """

    target: ClassVar[str] = "paddle_pose.models.movenet:MoveNet"

    width: Annotated[float, Range(0, 16, exclusive_min=True)] = 1.0
    expansion: Literal["block", "stage"] = "block"
    activation: Literal["relu6", "relu"] = "relu6"
    padding: Literal["same", "symmetric"] = "same"
    pyramid: Literal["google", "fire717"] = "google"
    batch_norm: Literal["none", "backbone", "all"] = "backbone"
    share_residuals: bool = False
    prior: Annotated[float, Range(1e-6, 0.999999)] = 0.1


@dataclass(frozen=True)
class Loss:
    """The mean squared error of heatmaps.

    Attributes:
        scale: its factor: 1 in mmpose, 0.5 in HRNet and SimpleBaseline.
        joint_weights: weigh hard joints more, by the skeleton's `weights`, which the loss squares; off as published.
    """

    scale: Annotated[float, Range(0, 1e6, exclusive_min=True)] = 1.0
    joint_weights: bool = False


@dataclass(frozen=True)
class MoveNetTerms:
    """The terms of MoveNet's loss: arguments of `losses.MoveNetLoss`.

    Attributes:
        kind: of the error of centres and heatmaps: "mse", weighted by `peak_weight` (the original), or "focal" (CenterNet).
        peak_weight: k of (k t + 1) (p - t)^2.
        center: weight of the centres' term.
        heatmap: of the heatmaps'.
        regression: of the regressions'; 0.1 in CenterNet.
        offset: of the offsets'.
        bone: of the differences between the heatmaps of a limb's two joints; 0 leaves them out.
    """

    kind: Literal["mse", "focal"] = "mse"
    peak_weight: Weight = 8.0
    center: Weight = 1.0
    heatmap: Weight = 1.0
    regression: Weight = 1.0
    offset: Weight = 1.0
    bone: Weight = 0.0


@dataclass(frozen=True)
class Data:
    """Which data, and which windows on them.

    Attributes:
        dataset: whose layout `--dataset_root` has.
        train_split: part to learn from.
        val_split: part to evaluate on.
        framing: a window for each "person", for each "central_person" with everybody else in it, or for each "image".
        context: how many times a person's box, or an image, its window is.
        train_annotations: a file in COCO's format to learn from, where there is no `--dataset_root`.
        val_annotations: one to evaluate on.
        images: the folder of the images that these two files name.
        reduced: decode JPEGs at a fraction of their size for training, where a window has the pixels to spare: faster, other
            last grey levels than evaluation's.
        cache: folder for crops of the training images, read instead of them from the second epoch on; None keeps none.
        cache_gb: what that folder may hold.
    """

    dataset: Literal["mpii", "coco", "movenet_crops"] = "mpii"
    train_split: Literal["train", "trainval"] = "train"
    val_split: Literal["val"] = "val"
    framing: Literal["person", "central_person", "image"] = "person"
    context: Annotated[float, Range(0.1, 10)] = 1.25
    train_annotations: str | None = None
    val_annotations: str | None = None
    images: str | None = None
    reduced: bool = False
    cache: str | None = None
    cache_gb: Annotated[float, Range(0, 1_000_000)] = 20.0


@dataclass(frozen=True)
class Train:
    """The recipe.

    Attributes:
        epochs: passes over the data.
        batch_size: images per step and device.
        learning_rate: of Adam.
        warmup: steps of linear warm-up.
        warmup_start: factor of the learning rate at step 0.
        schedule: after the warm-up: "steps" drops at the milestones, "cosine" falls smoothly to zero.
        milestones: epochs, counted from the start of training, at which the rate is multiplied by `gamma`.
        gamma: that factor.
        eval_every: epochs between evaluations; the last epoch is always evaluated.
        log_every: steps between log lines, which show means over these.
        num_workers: threads that load; 0 loads in between steps, -1 takes the cores less one, at most 8.
        seed: of everything random.
        ema: decay of an average of the weights that is evaluated too, e.g. 0.999; 0 keeps none.
        clip_norm: limit of the gradient's norm over all weights; 0 sets none.
        clip_value: limit of every single number of the gradient; 0 sets none.
        max_bad_steps: so many steps in a row without a finite loss and gradient end the training.
        amp: level of Paddle's mixed precision, for GPUs: O0 is float32.
        amp_dtype: what it computes in; float16 with a loss scale.
        keep: checkpoints to keep, the newest included; the best weights are kept besides.
        checkpoint_steps: steps between checkpoints within an epoch; 0 makes none.
        checkpoint_minutes: minutes between checkpoints within an epoch; 0 makes none.
        init: a weights file to start from, of any network: what fits is taken; "" starts at random.
        freeze: "backbone" holds everything but the network's head as `init` left it, its running statistics too; "statistics"
            holds the running statistics alone, and normalises with them: for small batches.
        accumulate: batches whose gradients are averaged before the weights move, where a device has no room for them at once.
        scale_learning_rate: multiply the rate by the number of devices and `accumulate`.
        on_bad_image: an image that cannot be read ends the training ("error"), or the next one takes its place ("replace").
        read_timeout: seconds to wait for an image that a loading thread reads, before the training ends.
        final_augment_epoch: the first epoch of the config's `final_augment`, counted from the start of training, which is
            epoch 0; 0 never uses it.
        device_targets: draw targets on the device that trains, from keypoints, instead of in the loading threads; for heatmap
            codecs. Loads faster and sends less to a GPU; a CPU draws slower that way.
    """

    epochs: Times = 210
    batch_size: BatchSize = 64
    learning_rate: Annotated[float, Range(0, 10, exclusive_min=True)] = 5e-4
    warmup: Annotated[int, Range(0, 10_000_000)] = 500
    warmup_start: Share = 0.001
    schedule: Literal["steps", "cosine"] = "steps"
    milestones: tuple[Annotated[int, Range(0, 1_000_000)], ...] = (170, 200)
    gamma: Annotated[float, Range(0, 1, exclusive_min=True)] = 0.1
    eval_every: Times = 1
    log_every: Times = 10
    num_workers: Annotated[int, Range(-1, 256)] = -1
    seed: Seed = 0
    ema: Annotated[float, Range(0, 0.999999)] = 0.0
    clip_norm: Weight = 0.0
    clip_value: Weight = 0.0
    max_bad_steps: Times = 20
    amp: Literal["O0", "O1", "O2"] = "O0"
    amp_dtype: Literal["float16", "bfloat16"] = "float16"
    keep: Times = 2
    checkpoint_steps: Annotated[int, Range(0, 1_000_000)] = 0
    checkpoint_minutes: Annotated[float, Range(0, 525_600)] = 15.0
    init: str = ""
    freeze: Literal["nothing", "backbone", "statistics"] = "nothing"
    accumulate: BatchSize = 1
    scale_learning_rate: bool = False
    on_bad_image: Literal["error", "replace"] = "error"
    read_timeout: Annotated[float, Range(0, 604_800, exclusive_min=True)] = 600.0
    final_augment_epoch: Annotated[int, Range(0, 1_000_000)] = 0
    device_targets: bool = False


@dataclass(frozen=True)
class Val:
    """How a checkpoint is evaluated unless flags say otherwise.

    Attributes:
        flip: average with the mirrored image.
        shift: move the mirrored heatmaps one cell, as published.
        batch_size: images at once.
        reduced: decode JPEGs at a fraction of their size, as `data.reduced` does for training; published numbers do not.
        metric: what is measured; "auto" takes the data set's usual one.
    """

    flip: bool = True
    shift: bool = True
    batch_size: BatchSize = 32
    reduced: bool = False
    metric: Literal["auto", "pckh", "ap", "pck", "fire717_accuracy"] = "auto"


@dataclass(frozen=True)
class Config:
    """Everything that tells one system from another.

    Attributes:
        name: of the config; in names the papers' height x width.
        source: where the values come from.
        command: that trains it.
        model: one of the model fields.
        codec: how keypoints and maps correspond; states skeleton and input size.
        data: which data.
        augment: how training samples vary, or None.
        final_augment: how they vary from `train.final_augment_epoch` on, or None: then not at all.
        loss: what is minimised.
        train: the recipe.
        val: the protocol.
    """

    name: str
    source: str
    command: str
    model: HourglassModel | StackedHourglassModel | HRNetModel | SimpleBaselineModel | MoveNetModel = HourglassModel()
    codec: Codec = HeatmapCodec()
    data: Data = Data()
    augment: Augment | None = Augment()
    final_augment: Augment | None = None
    loss: Loss | MoveNetTerms = Loss()
    train: Train = Train()
    val: Val = Val()
