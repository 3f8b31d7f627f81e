"""Dataclasses of a config: every field with its type, its default and, for numbers, its range.

Networks, losses, optimizers and schedules are configured by *specs*. A spec is a frozen dataclass
with a short name (`kind`), the import path of the class or function that it configures (`target`)
and one field per argument. To add one, derive a frozen dataclass from `ModelSpec`, `LossSpec`,
`OptimizerSpec` or `ScheduleSpec`; it is available as soon as the module that defines it is
imported.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, ClassVar, Literal

from paddle_pose import kinds
from paddle_pose.codecs.base import Codec
from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.codecs.simcc import SimCCCodec
from paddle_pose.data.augment import Augment
from paddle_pose.errors import InputError
from paddle_pose.ranges import BatchSize, Range, Seed, Share
from paddle_pose.weights.names import (
    has_batch_norm,
    has_inters,
    has_shared_residuals,
    is_mmpose,
)

PER_GPU_STATISTICS = (
    "On several GPUs, batch normalisation takes its statistics from the images of all of them; the "
    "authors' from those of each GPU."
)  # for `Config.differs`

Channels = Annotated[int, Range(1, 8192)]
Depth = Annotated[int, Range(1, 64)]  # number of consecutive blocks, stacks or modules
Count = Annotated[int, Range(1, 1_000_000)]
Weight = Annotated[float, Range(0, 1e6)]
Decay = Annotated[float, Range(0, 10)]
Momentum = Annotated[float, Range(0, 0.9999999)]
Epsilon = Annotated[float, Range(0, 1, exclusive_min=True)]


class Spec:
    """Base class of specs; each configures one object, such as a network or an optimizer.

    A direct subclass (`ModelSpec`, `LossSpec`, ...) defines a family: the set of classes that a
    part of a config can be. The subclasses of the direct subclass are the members of the family,
    registered under their `kind`, see `kinds.register`; they are frozen dataclasses whose fields
    all have defaults.

    `kind` and `target` are class variables, not fields, so that no config file or flag can change
    them.

    Attributes:
        kind: Short name by which config files and flags select the class.
        target: Import path of the configured class or function, as "package.module:Name".
    """

    kind: ClassVar[str]
    target: ClassVar[str]

    def __init_subclass__(cls, shared: tuple[str, ...] = (), **options: Any) -> None:
        """Creates a family for a direct subclass of `Spec`; registers others in their family.

        Args:
            shared: Names of the fields of a new family that keep their values when the config
                switches to another kind.
            options: Keyword arguments that are passed on to the next base class.
        """
        super().__init_subclass__(**options)
        if (base := kinds.family_of(cls)) is None:
            kinds.open_family(cls, shared)
        else:
            kinds.register(base)(cls)

    def __post_init__(self) -> None:
        """Checks that the class itself is decorated as a dataclass.

        Raises:
            TypeError: If only a base class is a dataclass, so that the fields of this class would
                be ignored.
        """
        if "__dataclass_fields__" not in vars(type(self)):
            raise TypeError(
                f"{type(self).__name__} is no dataclass; decorate it with @dataclass(frozen=True)"
            )

    def field_values(self) -> dict[str, Any]:
        """Returns the values of the fields by field name.

        Example:
            >>> StackedHourglassModel(num_stacks=8).field_values()
            {'num_stacks': 8, 'channels': 256, 'depth': 4}
        """
        names = [field.name for field in fields(self)]  # type: ignore[arg-type]
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class ModelSpec(Spec):
    """Base class of the network specs; `target` is a `paddle.nn.Layer`, see `models`."""

    def arguments(self, codec: Codec) -> dict[str, Any]:
        """Returns the keyword arguments of `target`.

        Args:
            codec: Codec that decodes the network's outputs; it determines the number of joints.

        Example:
            >>> StackedHourglassModel().arguments(HeatmapCodec())
            {'num_joints': 16, 'num_stacks': 2, 'channels': 256, 'depth': 4}
        """
        return {"num_joints": codec.skeleton.num_joints, **self.field_values()}

    def fitted(self, names: Collection[str]) -> ModelSpec:
        """Returns the spec with those fields changed that the tensors of a weights file determine.

        An example is whether the network has batch normalisation. The default changes nothing;
        derived classes state which fields they set. No name of a tensor is an error.

        Args:
            names: Names of all tensors in the weights file, as the file states them.
        """
        return self

    def remark(self, stated: ModelSpec) -> str:
        """Returns a sentence to log when weights are loaded, e.g. the channel order; "" for none.

        Args:
            stated: Spec of the config, before `fitted` changed it; this spec is its result.
        """
        return ""


@dataclass(frozen=True)
class LossSpec(Spec):
    """Base class of the loss specs.

    `target` is a class whose instances are losses: functions of (outputs, targets), both {name:
    tensor}, that return {name: scalar}, with an attribute `measures`. See
    `training.trainer.TrainingLoss` for the interface and `models.losses` for examples.
    """

    def arguments(self, codec: Codec) -> dict[str, Any]:
        """Returns the keyword arguments of `target`.

        Args:
            codec: Codec that encodes the targets.
        """
        return self.field_values()


@dataclass(frozen=True)
class OptimizerSpec(Spec):
    """Base class of the optimizer specs.

    `target` is a function that takes a network and the keyword `grad_clip` and returns a
    `paddle.optimizer.Optimizer` with learning rate 0, see `training.optimizers`; the trainer sets
    the learning rate at every step.

    Attributes:
        moments: Number of tensors of a weight's shape that the optimizer keeps for each weight; the
            estimate of the memory counts them.
    """

    moments: ClassVar[int] = 2

    def arguments(self) -> dict[str, Any]:
        """Returns the keyword arguments of `target`, without the network and `grad_clip`."""
        return self.field_values()


@dataclass(frozen=True)
class ScheduleSpec(Spec, shared=("warmup", "warmup_start", "warmup_share")):
    """Base class of the learning rate schedule specs.

    `target` is a class whose instances are functions from a 0-based optimizer step to its learning
    rate, see `training.optimizers`.

    Attributes:
        warmup: Number of linear warm-up steps; 0 disables the warm-up.
        warmup_start: Factor by which the learning rate is multiplied at step 0; it rises to 1
            during the warm-up.
        warmup_share: Length of the warm-up as a fraction of all steps, instead of `warmup`; 0 uses
            `warmup`.
    """

    warmup: Annotated[int, Range(0, 10_000_000)] = 500
    warmup_start: Share = 0.001
    warmup_share: Share = 0.0

    def arguments(self, base: float, steps_per_epoch: int, epochs: int) -> dict[str, Any]:
        """Returns the keyword arguments of the schedule class that `target` names.

        The base class returns "base" and the fields of the spec by name; warm-up and milestones
        are in steps.

        Args:
            base: Learning rate after the warm-up.
            steps_per_epoch: Number of optimizer steps per epoch.
            epochs: Number of epochs of the training, warm-up included.

        Example:
            >>> spec = CosineScheduleSpec(warmup_share=0.05)
            >>> spec.arguments(0.1, steps_per_epoch=20, epochs=5)["warmup"]
            5
        """
        arguments = {"base": base, **self.field_values()}
        share = arguments.pop("warmup_share")
        if share:
            arguments["warmup"] = round(share * steps_per_epoch * epochs)
        return arguments


@dataclass(frozen=True)
class HourglassModel(ModelSpec):
    """Hourglass-52 and smaller versions of it: arguments of `models.hourglass.Hourglass`.

    Attributes:
        num_stacks: Number of consecutive hourglasses; the loss is applied to the output of each.
        channels: Number of channels at each resolution level, highest resolution first. Each
            further level halves the resolution, so there is one entry more than downsampling steps.
        blocks: Number of residual blocks at each resolution level.
        stem_channels: Number of output channels of the first convolution.
        feature_channels: Number of channels of the feature maps between and after the hourglasses.
        inters: Whether the block between two stacks is created even if there is only one stack. It
            is unused there, but some published checkpoints contain its weights.
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
        """Returns a copy whose `inters` is true if a weights file contains the unused block.

        Args:
            names: Names of all tensors in the weights file, as the file states them.
        """
        return replace(self, inters=has_inters(names))


@dataclass(frozen=True)
class StackedHourglassModel(ModelSpec):
    """Newell's stacked hourglass: arguments of `models.stacked_hourglass.StackedHourglass`.

    Attributes:
        num_stacks: Number of consecutive hourglasses, 2 or 8 in the paper; the loss is applied to
            the output of each.
        channels: Number of channels of the feature maps between and after the hourglasses.
        depth: Number of downsampling steps within an hourglass; each halves the resolution.
    """

    kind: ClassVar[str] = "stacked_hourglass"
    target: ClassVar[str] = "paddle_pose.models.stacked_hourglass:StackedHourglass"

    num_stacks: Depth = 2
    channels: Channels = 256
    depth: Annotated[int, Range(1, 10)] = 4


@dataclass(frozen=True)
class HRNetModel(ModelSpec):
    """HRNet and smaller versions of it: arguments of `models.hrnet.HRNet`.

    Attributes:
        width: Number of channels of the highest-resolution branch, 32 or 48 in the paper. Each
            lower resolution has twice as many.
        modules: Number of exchange modules in the stages with 2, 3 and 4 branches.
        blocks: Number of residual blocks per branch in each module.
        stem_channels: Number of channels of the two convolutions of the stem.
    """

    kind: ClassVar[str] = "hrnet"
    target: ClassVar[str] = "paddle_pose.models.hrnet:HRNet"

    width: Channels = 32
    modules: tuple[Depth, Depth, Depth] = (1, 4, 3)
    blocks: Depth = 4
    stem_channels: Channels = 64


@dataclass(frozen=True)
class SimpleBaselineModel(ModelSpec):
    """SimpleBaseline and smaller versions: arguments of `models.simple_baseline.SimpleBaseline`.

    Attributes:
        depth: Depth of the ResNet backbone: 50, 101 or 152.
        width: Number of channels of the first stage of the ResNet, 64 in the paper.
        deconv_channels: Number of output channels of each deconvolution.
        order: Order of the colour channels after normalisation: the network is still given RGB
            images, and swaps the channels itself. The official weights were trained on BGR images.
    """

    kind: ClassVar[str] = "simple_baseline"
    target: ClassVar[str] = "paddle_pose.models.simple_baseline:SimpleBaseline"

    depth: Literal[50, 101, 152] = 50
    width: Channels = 64
    deconv_channels: Channels = 256
    order: Literal["rgb", "bgr"] = "rgb"

    def fitted(self, names: Collection[str]) -> ModelSpec:
        """Returns a copy with `order` "rgb" if MMPose wrote a weights file; else the spec itself.

        Args:
            names: Names of all tensors in the weights file; they show which project wrote it.
        """
        return replace(self, order="rgb") if is_mmpose(names) else self

    def remark(self, stated: ModelSpec) -> str:
        """Returns the channel order as a sentence, with the reason if it differs from the config.

        Args:
            stated: Spec of the config, before `fitted` changed it; this spec is its result.
        """
        why = ", as all weights of MMPose; the config states bgr" if self != stated else ""
        return f"The network was trained on {self.order.upper()} images (model.order){why}."


@dataclass(frozen=True)
class MoveNetModel(ModelSpec):
    """MoveNet, Google's or fire717's version: arguments of `models.movenet.MoveNet`.

    Attributes:
        width: Factor of the number of channels in the backbone: 1 for Lightning, 1.75 for Thunder,
            1.5 for MultiPose.
        expansion: Basis of the number of expanded channels of a residual block: the input of
            the block itself ("block", Google) or that of the first block of its stage ("stage",
            fire717).
        activation: Activation function in the backbone: "relu6" (Google) or "relu" (fire717).
        padding: Padding of the convolutions with stride 2: "same" as in TensorFlow (Google) or
            "symmetric" (fire717).
        pyramid: Architecture of the feature pyramid: "google" or "fire717".
        batch_norm: Parts that have batch normalisation: "none" for Google's published weights, in
            which it is folded into the convolutions (set automatically when these are loaded);
            "backbone" to train Google's network from scratch; "all" for fire717's network.
        share_residuals: Whether all residual blocks of a stage share one set of weights, as in the
            published files of fire717's network (set automatically when a file is loaded).
        prior: Value that the untrained network predicts in every cell of the centres and heatmaps;
            0.1 suits a focal loss, fire717's network starts at 0.5.
        box_heads: Whether the network also predicts the boxes of people, as Google's MultiPose.
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
    box_heads: bool = False

    def fitted(self, names: Collection[str]) -> ModelSpec:
        """Returns a copy with `share_residuals`, and `batch_norm` "none", as a weights file has them.

        Args:
            names: Names of all tensors in the weights file, as the file states them.
        """
        fitted = replace(self, share_residuals=has_shared_residuals(names))
        return fitted if has_batch_norm(names) else replace(fitted, batch_norm="none")


@dataclass(frozen=True)
class RTMPoseModel(ModelSpec):
    """RTMPose: arguments of `models.rtmpose.RTMPose`.

    Attributes:
        deepen: Factor of the number of blocks: 0.167 (t), 0.33 (s), 0.67 (m) or 1 (l).
        widen: Factor of the number of channels: 0.375 (t), 0.5 (s), 0.75 (m) or 1 (l).
    """

    kind: ClassVar[str] = "rtmpose"
    target: ClassVar[str] = "paddle_pose.models.rtmpose:RTMPose"

    deepen: Annotated[float, Range(0, 16, exclusive_min=True)] = 0.67
    widen: Annotated[float, Range(0, 16, exclusive_min=True)] = 0.75

    def arguments(self, codec: Codec) -> dict[str, Any]:
        """Returns the keyword arguments of `target`; the codec determines the sizes of the head.

        Args:
            codec: SimCC codec that decodes the network's outputs.

        Raises:
            InputError: If the codec is not a SimCC codec.
        """
        if not isinstance(codec, SimCCCodec):
            raise InputError(
                f"model rtmpose predicts SimCC vectors, but codec.kind is {codec.kind}; use "
                "codec=simcc"
            )
        return {
            **super().arguments(codec),
            "input_size": codec.input_size,
            "split_ratio": codec.split_ratio,
        }


@dataclass(frozen=True)
class LiteHRNetModel(ModelSpec):
    """PP-TinyPose's Lite-HRNet and smaller versions: arguments of `models.lite_hrnet.LiteHRNet`.

    Attributes:
        width: Number of channels of the highest-resolution branch, 40 as published, an even number.
            Each lower resolution has twice as many.
        modules: Number of modules in the stages with 2, 3 and 4 branches.
        units: Number of shuffle units per branch in each module.
        stem_channels: Number of channels of the stem, an even number.

    Raises:
        InputError: If a number of channels is odd.
    """

    kind: ClassVar[str] = "lite_hrnet"
    target: ClassVar[str] = "paddle_pose.models.lite_hrnet:LiteHRNet"

    width: Channels = 40
    modules: tuple[Depth, Depth, Depth] = (2, 4, 2)
    units: Depth = 2
    stem_channels: Channels = 32

    def __post_init__(self) -> None:
        """Checks that the channels can be split in two halves."""
        super().__post_init__()
        for name in ("width", "stem_channels"):
            if getattr(self, name) % 2:
                raise InputError(
                    f"model.{name} is {getattr(self, name)}; expected an even number, since the "
                    "units of lite_hrnet split the channels in two halves"
                )


@dataclass(frozen=True)
class HeatmapLossSpec(LossSpec):
    """Mean squared error of heatmaps: arguments of `models.losses.JointsMSELoss`.

    Attributes:
        scale: Factor of the loss: 1 in mmpose, 0.5 in HRNet and SimpleBaseline.
        joint_weights: Whether the target weights are multiplied by the skeleton's `weights`, which
            are larger for hard joints; the loss squares them. The published recipes do not use
            them.
    """

    kind: ClassVar[str] = "heatmap_mse"
    target: ClassVar[str] = "paddle_pose.models.losses:JointsMSELoss"

    scale: Annotated[float, Range(0, 1e6, exclusive_min=True)] = 1.0
    joint_weights: bool = False

    def arguments(self, codec: Codec) -> dict[str, Any]:
        """Returns the keyword arguments of `target`.

        "joint_weights" are the skeleton's if the field `joint_weights` is true, else empty.

        Args:
            codec: Codec that encodes the targets.

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
    """Loss of MoveNet, a weighted sum of terms: arguments of `models.losses.MoveNetLoss`.

    Attributes:
        error: Error function of the centres and heatmaps: "mse", weighted by `peak_weight`
            (fire717), or "focal" (CenterNet).
        peak_weight: Factor k of the weighted squared error (k t + 1) (p - t)^2 of a prediction p
            and its target t; used with error "mse" only.
        center: Weight of the term of the centres.
        heatmap: Weight of the term of the heatmaps.
        regression: Weight of the term of the regressions; 0.1 in CenterNet.
        offset: Weight of the term of the offsets.
        bone: Weight of the bone term, which compares the difference between the heatmaps of a
            limb's two joints with that of the targets; 0 disables the term.
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
        """Returns the keyword arguments of `target`; the limbs are taken from the skeleton.

        Args:
            codec: Codec that encodes the targets.
        """
        return {**self.field_values(), "limbs": codec.skeleton.limb_indices}


@dataclass(frozen=True)
class SimCCLossSpec(LossSpec):
    """Kullback-Leibler divergence of SimCC vectors: arguments of `models.simcc_loss.SimCCLoss`.

    Attributes:
        beta: Factor of predictions and targets before the softmax.
    """

    kind: ClassVar[str] = "simcc_kl"
    target: ClassVar[str] = "paddle_pose.models.simcc_loss:SimCCLoss"

    beta: Annotated[float, Range(0, 1000, exclusive_min=True)] = 10.0


@dataclass(frozen=True)
class AdamSpec(OptimizerSpec):
    """Adam optimizer.

    Source: Kingma & Ba, ICLR 2015; the defaults are Paddle's.

    Attributes:
        beta1: Decay rate of the running mean of gradients.
        beta2: Decay rate of the running mean of squared gradients.
        epsilon: Constant that is added to the denominator for numerical stability.
        weight_decay: Coefficient of L2 regularisation: this multiple of every parameter is added to
            its gradient; 0 disables it.
    """

    kind: ClassVar[str] = "adam"
    target: ClassVar[str] = "paddle_pose.training.optimizers:adam"

    beta1: Momentum = 0.9
    beta2: Momentum = 0.999
    epsilon: Epsilon = 1e-8
    weight_decay: Decay = 0.0


@dataclass(frozen=True)
class AdamWSpec(OptimizerSpec):
    """AdamW optimizer: Adam with decoupled weight decay.

    Source: Loshchilov & Hutter, ICLR 2019; the defaults are Paddle's.

    Attributes:
        beta1: Decay rate of the running mean of gradients.
        beta2: Decay rate of the running mean of squared gradients.
        epsilon: Constant that is added to the denominator for numerical stability.
        weight_decay: Coefficient of the weight decay: at every step, this fraction of a parameter
            times the learning rate is subtracted from it.
        decay_norms_and_biases: Whether weight decay also applies to biases and to the parameters of
            normalisation layers; RTMPose's recipes exclude them.
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
    """RMSProp optimizer.

    Source: Tieleman & Hinton, 2012; the defaults are Paddle's.

    Attributes:
        rho: Decay rate of the running mean of squared gradients.
        epsilon: Constant that is added to that mean, before the square root, for numerical
            stability.
        momentum: Momentum factor: this multiple of the previous update is added to the current one;
            0 disables it.
        weight_decay: Coefficient of L2 regularisation: this multiple of every parameter is added to
            its gradient; 0 disables it.
    """

    kind: ClassVar[str] = "rmsprop"
    target: ClassVar[str] = "paddle_pose.training.optimizers:rmsprop"
    moments: ClassVar[int] = 3

    rho: Momentum = 0.95
    epsilon: Epsilon = 1e-6
    momentum: Momentum = 0.0
    weight_decay: Decay = 0.0


@dataclass(frozen=True)
class StepScheduleSpec(ScheduleSpec):
    """Step schedule: linear warm-up; the rate is multiplied by `gamma` at every milestone.

    Attributes:
        warmup: Number of linear warm-up steps; 0 disables the warm-up.
        warmup_start: Factor by which the learning rate is multiplied at step 0; it rises to 1
            during the warm-up.
        milestones: Epochs at which the learning rate is multiplied by `gamma`, counted from the
            start of training.
        gamma: Factor by which the learning rate is multiplied at each milestone.
    """

    kind: ClassVar[str] = "steps"
    target: ClassVar[str] = "paddle_pose.training.optimizers:StepSchedule"

    milestones: tuple[Annotated[int, Range(0, 1_000_000)], ...] = (170, 200)
    gamma: Annotated[float, Range(0, 1, exclusive_min=True)] = 0.1

    def arguments(self, base: float, steps_per_epoch: int, epochs: int) -> dict[str, Any]:
        """Returns the keyword arguments of `target`, with the milestones converted to steps.

        Args:
            base: Learning rate after the warm-up.
            steps_per_epoch: Number of optimizer steps per epoch.
            epochs: Total number of epochs.

        Example:
            >>> spec = StepScheduleSpec(milestones=(2, 3), warmup=0)
            >>> spec.arguments(0.1, steps_per_epoch=10, epochs=4)["milestones"]
            (20, 30)
        """
        milestones = tuple(epoch * steps_per_epoch for epoch in self.milestones)
        return {**super().arguments(base, steps_per_epoch, epochs), "milestones": milestones}


@dataclass(frozen=True)
class CosineScheduleSpec(ScheduleSpec):
    """Cosine schedule: linear warm-up, and half a cosine that ends at 0 after the last epoch.

    Attributes:
        warmup: Number of linear warm-up steps, during which the cosine already decreases; 0
            disables the warm-up.
        warmup_start: Factor by which the learning rate is multiplied at step 0; it rises to 1
            during the warm-up.
    """

    kind: ClassVar[str] = "cosine"
    target: ClassVar[str] = "paddle_pose.training.optimizers:CosineSchedule"

    def arguments(self, base: float, steps_per_epoch: int, epochs: int) -> dict[str, Any]:
        """Returns the keyword arguments of `target`, with `epochs` converted to steps.

        Args:
            base: Learning rate after the warm-up.
            steps_per_epoch: Number of optimizer steps per epoch.
            epochs: Total number of epochs.
        """
        return {
            **super().arguments(base, steps_per_epoch, epochs),
            "total": epochs * steps_per_epoch,
        }


@dataclass(frozen=True)
class FlatCosineScheduleSpec(CosineScheduleSpec):
    """Flat-cosine schedule: linear warm-up, a constant rate, then half a cosine.

    Attributes:
        warmup: Number of linear warm-up steps; 0 disables the warm-up.
        warmup_start: Factor by which the learning rate is multiplied at step 0; it rises to 1
            during the warm-up.
        flat: Fraction of the training after which the cosine begins.
        end: Factor of the learning rate at the end of the cosine.
    """

    kind: ClassVar[str] = "flat_cosine"

    flat: Share = 0.5
    end: Share = 0.05


@dataclass(frozen=True)
class Data:
    """The data set, and how windows are placed on its images.

    Attributes:
        dataset: Format of the data set in `--dataset_root`: "mpii", "coco" or "movenet_crops".
        train_split: Split to train on.
        val_split: Split to evaluate on.
        framing: Content of a sample's window: one "person", one "central_person" together with all
            other people in the window as further targets, or the whole "image".
        context: Ratio of the window's sides to those of the person's box (or of the image, for
            framing "image"), after the box was extended to the aspect ratio of the input.
        train_annotations: Annotation file in COCO format to train on, instead of `--dataset_root`.
        val_annotations: Annotation file in COCO format to evaluate on, instead of `--dataset_root`.
        images: Folder of the images that these two annotation files refer to.
        boxes_from_keypoints: Whether people of COCO's format without a box get the box round their
            labelled joints, extended by a tenth of its longer side, and those without an area 0.53
            x width x height of their box; False leaves them out, or refuses the file.
        unlabelled_joints: Action if nobody in the training split of COCO's format has labelled a
            joint of the network: "error" ends the training before it begins; "allow" trains the
            others.
        reduced: Whether JPEGs are decoded at 1/2, 1/4 or 1/8 of their size for training if the
            window still has at least one pixel per pixel of the input. This is faster; grey levels
            differ slightly from those in evaluation.
        cache: Folder in which crops of the training images are stored; from the second epoch on
            they are read instead of the images. None disables the cache.
        cache_gb: Maximum size of the cache folder in gigabytes (10^9 bytes).
    """

    dataset: Literal["mpii", "coco", "movenet_crops"] = "mpii"
    train_split: Literal["train", "trainval"] = "train"
    val_split: Literal["val"] = "val"
    framing: Literal["person", "central_person", "image"] = "person"
    context: Annotated[float, Range(0.1, 10)] = 1.25
    train_annotations: str | None = None
    val_annotations: str | None = None
    images: str | None = None
    boxes_from_keypoints: bool = False
    unlabelled_joints: Literal["error", "allow"] = "error"
    reduced: bool = False
    cache: str | None = None
    cache_gb: Annotated[float, Range(0, 1_000_000)] = 20.0


@dataclass(frozen=True)
class Train:
    """The training recipe.

    Attributes:
        epochs: Number of passes over the training data.
        steps: Number of optimizer steps after which the training ends, at the end of an epoch; it
            then replaces `epochs`, and the run is evaluated about ten times. 0 uses `epochs`.
        total_batch: Number of images per optimizer step that the learning rate belongs to, over all
            devices and accumulated batches; 0 if the recipe states none. A new training reaches it
            with devices x `batch_size` x `accumulate`, unless one of these two is given.
        batch_size: Number of images per forward pass and device, as the recipe's authors ran it;
            batch normalisation takes its statistics from them.
        learning_rate: Learning rate after the warm-up, before the schedule reduces it.
        optimizer: Spec of the optimizer.
        schedule: Spec of the learning rate schedule.
        eval_every: Number of epochs between evaluations; the last epoch is always evaluated.
        log_every: Number of steps between log lines; a line shows means over these steps.
        num_workers: Number of threads that load images; 0 loads in the main thread between steps,
            -1 uses the number of usable cores minus one, at most 8. Evaluations use as many.
        seed: Seed of all random numbers: initial weights, shuffling and augmentation.
        ema: Decay of an exponential moving average of the weights, which is evaluated as well, e.g.
            0.999; 0 disables it.
        ema_gamma: Number of steps after which that decay has risen to 63 % of `ema`, exponentially;
            0 for a faster rise, see `training.ema`.
        clip_norm: Maximum norm of the gradient over all parameters; larger gradients are scaled
            down. 0 disables it.
        clip_value: Maximum absolute value of each element of the gradient; 0 disables it.
        max_bad_steps: Number of consecutive steps with a NaN or infinite loss or gradient after
            which the training stops with an error.
        amp: Level of Paddle's automatic mixed precision, for GPUs: O0 disables it and computes in
            float32.
        amp_dtype: Data type of mixed precision; with float16 the loss is scaled.
        keep: Number of checkpoints to keep, including the newest; the best weights are kept in
            addition.
        checkpoint_steps: Number of steps between checkpoints within an epoch; 0 disables them.
        checkpoint_minutes: Minutes between checkpoints within an epoch; 0 disables them.
        init: Weights to start from, also of another network: a file, or the name of a published one
            that has been downloaded. Tensors that have a known name and a matching shape are
            loaded. "" and "none" start from random weights.
        freeze: Part that is not trained: "nothing"; "backbone", all parameters and running
            statistics except those of the network's head; or "statistics", only the running
            statistics of batch normalisation, with which the network then normalises (for small
            batches).
        backbone_rate: Learning rate of all parameters except those of the network's head, as a
            share of `learning_rate`: below 1, the backbone keeps more of what it knew. It is not
            used where `freeze` is "backbone".
        accumulate: Number of batches whose gradients are averaged before an optimizer step, for
            devices whose memory is too small for the total batch.
        scale_learning_rate: Whether the learning rate is multiplied by the ratio of the images per
            step to `total_batch`, or, if that is 0, by the number of devices and by `accumulate`.
        on_bad_image: Action if an image cannot be read: "error" stops the training,
            "replace" uses the next sample instead.
        read_timeout: Seconds to wait for a loading thread to read an image before the training
            stops with an error.
        final_augment_epoch: First epoch, counted from 0, in which the config's `final_augment`
            replaces `augment`; 0 never uses it.
        device_targets: Whether targets are drawn from the keypoints on the training device instead
            of in the loading threads; available for the codecs "heatmap" and "movenet". On a GPU
            this speeds up loading and transfers less data; on a CPU it is slower.
        deterministic: Whether a GPU uses only algorithms that give the same bits in each run, which
            may be slower. A CPU always does.
        cudnn_search: Whether cuDNN tries all algorithms of each convolution on a GPU, which takes
            time once and may speed up the other steps; not with `deterministic`.
        conv_workspace: Maximum memory in MB that a convolution may use on a GPU for a faster
            algorithm; 0 keeps Paddle's default.
        pin_memory: Whether batches are copied to a GPU from page-locked memory.
    """

    epochs: Count = 210
    steps: Annotated[int, Range(0, 1_000_000_000)] = 0
    total_batch: Annotated[int, Range(0, 1_000_000)] = 0
    batch_size: BatchSize = 64
    learning_rate: Annotated[float, Range(0, 10, exclusive_min=True)] = 5e-4
    optimizer: OptimizerSpec = AdamSpec()
    schedule: ScheduleSpec = StepScheduleSpec()
    eval_every: Count = 1
    log_every: Count = 10
    num_workers: Annotated[int, Range(-1, 256)] = -1
    seed: Seed = 0
    ema: Annotated[float, Range(0, 0.999999)] = 0.0
    ema_gamma: Annotated[int, Range(0, 1_000_000)] = 0
    clip_norm: Weight = 0.0
    clip_value: Weight = 0.0
    max_bad_steps: Count = 20
    amp: Literal["O0", "O1", "O2"] = "O0"
    amp_dtype: Literal["float16", "bfloat16"] = "float16"
    keep: Count = 2
    checkpoint_steps: Annotated[int, Range(0, 1_000_000)] = 0
    checkpoint_minutes: Annotated[float, Range(0, 525_600)] = 15.0
    init: str = ""
    freeze: Literal["nothing", "backbone", "statistics"] = "nothing"
    backbone_rate: Annotated[float, Range(0, 10, exclusive_min=True)] = 1.0
    accumulate: BatchSize = 1
    scale_learning_rate: bool = False
    on_bad_image: Literal["error", "replace"] = "error"
    read_timeout: Annotated[float, Range(0, 604_800, exclusive_min=True)] = 600.0
    final_augment_epoch: Annotated[int, Range(0, 1_000_000)] = 0
    device_targets: bool = False
    deterministic: bool = False
    cudnn_search: bool = False
    conv_workspace: Annotated[int, Range(0, 65_536)] = 0
    pin_memory: bool = False

    def in_epochs(self, steps_per_epoch: int) -> Train:
        """Returns the recipe with `steps`, if given, converted to epochs.

        Args:
            steps_per_epoch: Number of optimizer steps per epoch.

        Example:
            >>> recipe = Train(steps=1000).in_epochs(6)
            >>> recipe.epochs, recipe.eval_every, recipe.steps
            (167, 16, 0)
        """
        if not self.steps:
            return self
        epochs = math.ceil(self.steps / steps_per_epoch)
        return replace(self, steps=0, epochs=epochs, eval_every=max(self.eval_every, epochs // 10))


@dataclass(frozen=True)
class Val:
    """The evaluation protocol; flags can override it.

    Attributes:
        flip: Whether the outputs are averaged with those of the mirrored image (flip test).
        shift: Whether the mirrored heatmaps are shifted by one cell before averaging, as in the
            published flip test.
        batch_size: Number of images per batch.
        reduced: Whether JPEGs are decoded at a fraction of their size, as `data.reduced` does for
            training; published numbers are measured without it.
        metric: Metric to compute; "auto" selects the standard metric of the data set.
    """

    flip: bool = True
    shift: bool = True
    batch_size: BatchSize = 32
    reduced: bool = False
    metric: Literal["auto", "pckh", "ap", "pck", "fire717_accuracy"] = "auto"


@dataclass(frozen=True)
class Config:
    """A complete configuration: network, codec, data, augmentation, loss, training and evaluation.

    Attributes:
        name: Name of the config. Sizes in names are height x width, as in the papers.
        source: Paper or project that the values were taken from.
        command: Command line that trains the config, or predicts with a network that is not
            trained here.
        differs: What differs from the training in `source`, one sentence each; empty if nothing is
            known to differ.
        model: Spec of the network.
        codec: Codec that converts keypoints to target maps and predicted maps to keypoints; it also
            defines the skeleton and the input size.
        data: Data set and framing.
        augment: Augmentation of the training samples; None disables it.
        final_augment: Augmentation from epoch `train.final_augment_epoch` on; None disables
            augmentation from that epoch on.
        loss: Spec of the loss function.
        train: Training recipe.
        val: Evaluation protocol.
    """

    name: str
    source: str
    command: str
    differs: tuple[str, ...] = ()
    model: ModelSpec = HourglassModel()
    codec: Codec = HeatmapCodec()
    data: Data = Data()
    augment: Augment | None = Augment()
    final_augment: Augment | None = None
    loss: LossSpec = HeatmapLossSpec()
    train: Train = Train()
    val: Val = Val()
