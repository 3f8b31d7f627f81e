"""The fields of a config: frozen values, each stated once, numbers with their range.

Networks, losses, optimizers and schedules are *specs*: a class with a short name, the fields, and the name of what it
configures. A new one is a frozen dataclass below `ModelSpec`, `LossSpec`, `OptimizerSpec` or `ScheduleSpec`, in any module
that is imported.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, ClassVar, Literal

from paddle_pose import kinds
from paddle_pose.codecs.base import Codec
from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.data.augment import Augment
from paddle_pose.ranges import BatchSize, Range, Seed, Share
from paddle_pose.weights.names import has_batch_norm, has_inters, is_mmpose

Channels = Annotated[int, Range(1, 8192)]
Depth = Annotated[int, Range(1, 64)]  # of blocks and the like, one after another
Times = Annotated[int, Range(1, 1_000_000)]
Weight = Annotated[float, Range(0, 1e6)]
Decay = Annotated[float, Range(0, 10)]
Momentum = Annotated[float, Range(0, 0.9999999)]
Epsilon = Annotated[float, Range(0, 1, exclusive_min=True)]


class Spec:
    """Base of the values that configure one object, e.g. a network.

    A direct subclass opens a family, and its subclasses join it by their `kind`, see `kinds.register`. They are frozen
    dataclasses, and every field has a default.

    Attributes:
        kind: Short name that files and flags choose the class by.
        target: What it configures, a class or a function, as "package.module:Name". Neither is a field: no file changes it.
    """

    kind: ClassVar[str]
    target: ClassVar[str]

    def __init_subclass__(cls, shared: tuple[str, ...] = (), **options: Any) -> None:
        """Opens a family, or joins one.

        Args:
            shared: Names of a new family's fields whose values stay when another kind is chosen.
            options: Those of other base classes.
        """
        super().__init_subclass__(**options)
        if (base := kinds.family_of(cls)) is None:
            kinds.open_family(cls, shared)
        else:
            kinds.register(base)(cls)

    def __post_init__(self) -> None:
        """Makes sure that the class's fields are fields.

        Raises:
            TypeError: If the class is no dataclass of its own.
        """
        if "__dataclass_fields__" not in vars(type(self)):
            raise TypeError(
                f"{type(self).__name__} has no fields of its own; decorate it with @dataclass(frozen=True)"
            )

    def field_values(self) -> dict[str, Any]:
        """Returns the fields by name.

        Example:
            >>> StackedHourglassModel(num_stacks=8).field_values()
            {'num_stacks': 8, 'channels': 256, 'depth': 4}
        """
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]


@dataclass(frozen=True)
class ModelSpec(Spec):
    """Base of the networks' specs; `target` is a `paddle.nn.Layer`, see `models`."""

    def arguments(self, codec: Codec) -> dict[str, Any]:
        """Returns the keyword arguments of `target`.

        Args:
            codec: Codec that reads the network's maps.

        Example:
            >>> StackedHourglassModel().arguments(HeatmapCodec())
            {'num_joints': 16, 'num_stacks': 2, 'channels': 256, 'depth': 4}
        """
        return {"num_joints": codec.skeleton.num_joints, **self.field_values()}

    def fitted(self, names: Collection[str]) -> ModelSpec:
        """Returns the spec with the values that a weights file decides by itself.

        Args:
            names: Names of the file's tensors.
        """
        return self

    def remark(self, stated: ModelSpec) -> str:
        """Returns a sentence for whoever loads weights, e.g. on the order of channels; empty for none.

        Args:
            stated: Spec before it was fitted to the file.
        """
        return ""


@dataclass(frozen=True)
class LossSpec(Spec):
    """Base of the losses' specs; `target` is a callable of outputs and targets with `measures`, see `models.losses`."""

    def arguments(self, codec: Codec) -> dict[str, Any]:
        """Returns the keyword arguments of `target`.

        Args:
            codec: Codec that draws the targets.
        """
        return self.field_values()


@dataclass(frozen=True)
class OptimizerSpec(Spec):
    """Base of the optimizers' specs.

    `target` is a function of a network and `grad_clip` that returns a `paddle.optimizer.Optimizer` with learning rate 0, see
    `training.optimizers`; the trainer sets the rate at every step.
    """

    def arguments(self) -> dict[str, Any]:
        """Returns the keyword arguments of `target`, without the network and `grad_clip`."""
        return self.field_values()


@dataclass(frozen=True)
class ScheduleSpec(Spec, shared=("warmup", "warmup_start")):
    """Base of the schedules' specs; `target` returns the learning rate as a function of the step, see `training.optimizers`.

    Attributes:
        warmup: Steps of linear warm-up.
        warmup_start: Factor of the learning rate at step 0.
    """

    warmup: Annotated[int, Range(0, 10_000_000)] = 500
    warmup_start: Share = 0.001

    def arguments(self, base: float, steps_per_epoch: int, epochs: int) -> dict[str, Any]:
        """Returns the keyword arguments of `target`.

        Args:
            base: Learning rate after the warm-up.
            steps_per_epoch: Steps per epoch.
            epochs: Epochs of the whole training.
        """
        return {"base": base, **self.field_values()}


@dataclass(frozen=True)
class HourglassModel(ModelSpec):
    """Hourglass-52 and its reductions: arguments of `models.hourglass.Hourglass`.

    Attributes:
        num_stacks: hourglasses one after another, each supervised.
        channels: per depth; one more than there are downsamplings.
        blocks: residual blocks per depth.
        stem_channels: after the first convolution.
        feature_channels: between and after the hourglasses.
        inters: keep the block between stacks even where there is one stack (unused; some checkpoints hold it).
    """

    kind: ClassVar[str] = "hourglass"
    target: ClassVar[str] = "paddle_pose.models.hourglass:Hourglass"

    num_stacks: Depth = 1
    channels: tuple[Channels, ...] = (256, 256, 384, 384, 384, 512)
    blocks: tuple[Depth, ...] = (2, 2, 2, 2, 2, 4)
    stem_channels: Channels = 128
    feature_channels: Channels = 256
    inters: bool = False

    def fitted(self, names: Collection[str]) -> ModelSpec:
        """Returns the spec with `inters` as the file has it."""
        return replace(self, inters=has_inters(names))


@dataclass(frozen=True)
class StackedHourglassModel(ModelSpec):
    """Newell's stacked hourglass: arguments of `models.stacked_hourglass.StackedHourglass`.

    Attributes:
        num_stacks: 2 or 8 in the paper.
        channels: of the maps between and after the hourglasses.
        depth: halvings.
    """

    kind: ClassVar[str] = "stacked_hourglass"
    target: ClassVar[str] = "paddle_pose.models.stacked_hourglass:StackedHourglass"

    num_stacks: Depth = 2
    channels: Channels = 256
    depth: Annotated[int, Range(1, 10)] = 4


@dataclass(frozen=True)
class HRNetModel(ModelSpec):
    """HRNet and its reductions: arguments of `models.hrnet.HRNet`.

    Attributes:
        width: channels of the highest resolution, 32 or 48 as published.
        modules: exchanges of the stages with 2, 3 and 4 branches.
        blocks: residual blocks of every branch in a module.
        stem_channels: of the stem.
    """

    kind: ClassVar[str] = "hrnet"
    target: ClassVar[str] = "paddle_pose.models.hrnet:HRNet"

    width: Channels = 32
    modules: tuple[Depth, Depth, Depth] = (1, 4, 3)
    blocks: Depth = 4
    stem_channels: Channels = 64


@dataclass(frozen=True)
class SimpleBaselineModel(ModelSpec):
    """SimpleBaseline and its reductions: arguments of `models.simple_baseline.SimpleBaseline`.

    Attributes:
        depth: 50, 101 or 152, of the ResNet.
        width: channels of its first stage.
        deconv_channels: of the deconvolutions.
        order: of the channels the network sees; the official weights saw BGR.
    """

    kind: ClassVar[str] = "simple_baseline"
    target: ClassVar[str] = "paddle_pose.models.simple_baseline:SimpleBaseline"

    depth: Literal[50, 101, 152] = 50
    width: Channels = 64
    deconv_channels: Channels = 256
    order: Literal["rgb", "bgr"] = "rgb"

    def fitted(self, names: Collection[str]) -> ModelSpec:
        """Returns the spec with order "rgb" for files of MMPose."""
        return replace(self, order="rgb") if is_mmpose(names) else self

    def remark(self, stated: ModelSpec) -> str:
        """Returns the order of the channels, and why it is another one than stated."""
        why = ", as all of MMPose's do, where the config says bgr" if self != stated else ""
        return f"It sees {self.order.upper()} images (model.order){why}."


@dataclass(frozen=True)
class MoveNetModel(ModelSpec):
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

    kind: ClassVar[str] = "movenet"
    target: ClassVar[str] = "paddle_pose.models.movenet:MoveNet"

    width: Annotated[float, Range(0, 16, exclusive_min=True)] = 1.0
    expansion: Literal["block", "stage"] = "block"
    activation: Literal["relu6", "relu"] = "relu6"
    padding: Literal["same", "symmetric"] = "same"
    pyramid: Literal["google", "fire717"] = "google"
    batch_norm: Literal["none", "backbone", "all"] = "backbone"
    share_residuals: bool = False
    prior: Annotated[float, Range(1e-6, 0.999999)] = 0.1

    def fitted(self, names: Collection[str]) -> ModelSpec:
        """Returns the spec without batch normalisation for files whose convolutions contain it, as Google's do."""
        return self if has_batch_norm(names) else replace(self, batch_norm="none")


@dataclass(frozen=True)
class HeatmapLossSpec(LossSpec):
    """The mean squared error of heatmaps, `models.losses.JointsMSELoss`.

    Attributes:
        scale: its factor: 1 in mmpose, 0.5 in HRNet and SimpleBaseline.
        joint_weights: weigh hard joints more, by the skeleton's `weights`, which the loss squares; off as published.
    """

    kind: ClassVar[str] = "heatmap_mse"
    target: ClassVar[str] = "paddle_pose.models.losses:JointsMSELoss"

    scale: Annotated[float, Range(0, 1e6, exclusive_min=True)] = 1.0
    joint_weights: bool = False

    def arguments(self, codec: Codec) -> dict[str, Any]:
        """Returns the keyword arguments of `target`; the joints' weights are the skeleton's.

        Example:
            >>> HeatmapLossSpec(scale=0.5).arguments(HeatmapCodec())
            {'scale': 0.5, 'joint_weights': ()}
        """
        return {
            "scale": self.scale,
            "joint_weights": codec.skeleton.weights if self.joint_weights else (),
        }


@dataclass(frozen=True)
class MoveNetLossSpec(LossSpec):
    """The terms of MoveNet's loss: arguments of `models.losses.MoveNetLoss`.

    Attributes:
        error: of centres and heatmaps: "mse", weighted by `peak_weight` (the original), or "focal" (CenterNet).
        peak_weight: k of (k t + 1) (p - t)^2.
        center: weight of the centres' term.
        heatmap: of the heatmaps'.
        regression: of the regressions'; 0.1 in CenterNet.
        offset: of the offsets'.
        bone: of the differences between the heatmaps of a limb's two joints; 0 leaves them out.
    """

    kind: ClassVar[str] = "movenet"
    target: ClassVar[str] = "paddle_pose.models.losses:MoveNetLoss"

    error: Literal["mse", "focal"] = "mse"
    peak_weight: Weight = 8.0
    center: Weight = 1.0
    heatmap: Weight = 1.0
    regression: Weight = 1.0
    offset: Weight = 1.0
    bone: Weight = 0.0

    def arguments(self, codec: Codec) -> dict[str, Any]:
        """Returns the keyword arguments of `target`; the limbs are the skeleton's."""
        return {**self.field_values(), "limbs": codec.skeleton.limb_indices}


@dataclass(frozen=True)
class AdamSpec(OptimizerSpec):
    """Adam.

    Source: Kingma & Ba, ICLR 2015; the defaults are Paddle's.

    Attributes:
        beta1: Decay of the mean of gradients.
        beta2: Decay of the mean of squared gradients.
        epsilon: Number that is added to the denominator.
        weight_decay: Factor of the weights that is added to their gradients (L2), for all parameters; 0 adds nothing.
    """

    kind: ClassVar[str] = "adam"
    target: ClassVar[str] = "paddle_pose.training.optimizers:adam"

    beta1: Momentum = 0.9
    beta2: Momentum = 0.999
    epsilon: Epsilon = 1e-8
    weight_decay: Decay = 0.0


@dataclass(frozen=True)
class AdamWSpec(OptimizerSpec):
    """Adam with decoupled weight decay.

    Source: Loshchilov & Hutter, ICLR 2019; the defaults are Paddle's.

    Attributes:
        beta1: Decay of the mean of gradients.
        beta2: Decay of the mean of squared gradients.
        epsilon: Number that is added to the denominator.
        weight_decay: Share of a parameter that is subtracted per step, times the learning rate.
        decay_norms_and_biases: Whether parameters of normalisations and biases decay too; not so in RTMPose's recipes.
    """

    kind: ClassVar[str] = "adamw"
    target: ClassVar[str] = "paddle_pose.training.optimizers:adamw"

    beta1: Momentum = 0.9
    beta2: Momentum = 0.999
    epsilon: Epsilon = 1e-8
    weight_decay: Decay = 0.01
    decay_norms_and_biases: bool = True


@dataclass(frozen=True)
class RMSPropSpec(OptimizerSpec):
    """RMSProp.

    Source: Tieleman & Hinton, 2012; the defaults are Paddle's.

    Attributes:
        rho: Decay of the mean of squared gradients.
        epsilon: Number that is added to that mean, under the root.
        momentum: Factor of the previous step.
        weight_decay: Factor of the weights that is added to their gradients (L2), for all parameters; 0 adds nothing.
    """

    kind: ClassVar[str] = "rmsprop"
    target: ClassVar[str] = "paddle_pose.training.optimizers:rmsprop"

    rho: Momentum = 0.95
    epsilon: Epsilon = 1e-6
    momentum: Momentum = 0.0
    weight_decay: Decay = 0.0


@dataclass(frozen=True)
class StepScheduleSpec(ScheduleSpec):
    """Linear warm-up, then a factor at every milestone.

    Attributes:
        warmup: Steps of linear warm-up.
        warmup_start: Factor of the learning rate at step 0.
        milestones: Epochs, counted from the start of training, at which the rate is multiplied by `gamma`.
        gamma: That factor.
    """

    kind: ClassVar[str] = "steps"
    target: ClassVar[str] = "paddle_pose.training.optimizers:StepSchedule"

    milestones: tuple[Annotated[int, Range(0, 1_000_000)], ...] = (170, 200)
    gamma: Annotated[float, Range(0, 1, exclusive_min=True)] = 0.1

    def arguments(self, base: float, steps_per_epoch: int, epochs: int) -> dict[str, Any]:
        """Returns the keyword arguments of `target`, which counts in steps.

        Example:
            >>> StepScheduleSpec(milestones=(2, 3), warmup=0).arguments(0.1, steps_per_epoch=10, epochs=4)["milestones"]
            (20, 30)
        """
        milestones = tuple(epoch * steps_per_epoch for epoch in self.milestones)
        return {**super().arguments(base, steps_per_epoch, epochs), "milestones": milestones}


@dataclass(frozen=True)
class CosineScheduleSpec(ScheduleSpec):
    """Linear warm-up, then half a cosine, which reaches 0 at the end of the last epoch.

    Attributes:
        warmup: Steps of linear warm-up, counted within the cosine.
        warmup_start: Factor of the learning rate at step 0.
    """

    kind: ClassVar[str] = "cosine"
    target: ClassVar[str] = "paddle_pose.training.optimizers:CosineSchedule"

    def arguments(self, base: float, steps_per_epoch: int, epochs: int) -> dict[str, Any]:
        """Returns the keyword arguments of `target`, which counts in steps."""
        return {
            **super().arguments(base, steps_per_epoch, epochs),
            "total": epochs * steps_per_epoch,
        }


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
        learning_rate: after the warm-up.
        optimizer: Spec of the optimizer.
        schedule: Spec of how the learning rate changes.
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
    optimizer: OptimizerSpec = AdamSpec()
    schedule: ScheduleSpec = StepScheduleSpec()
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
        model: Spec of the network.
        codec: how keypoints and maps correspond; states skeleton and input size.
        data: which data.
        augment: how training samples vary, or None.
        final_augment: how they vary from `train.final_augment_epoch` on, or None: then not at all.
        loss: Spec of what is minimised.
        train: the recipe.
        val: the protocol.
    """

    name: str
    source: str
    command: str
    model: ModelSpec = HourglassModel()
    codec: Codec = HeatmapCodec()
    data: Data = Data()
    augment: Augment | None = Augment()
    final_augment: Augment | None = None
    loss: LossSpec = HeatmapLossSpec()
    train: Train = Train()
    val: Val = Val()
