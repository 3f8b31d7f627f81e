"""Augmentation is the choice of another window, of other pixel values, and of a rectangle that hides part of what it shows.

Source: SimpleBaseline (Xiao et al., ECCV 2018) for scale, rotation and mirroring, HRNet (Sun et al., CVPR 2019) for half
    bodies, mmpose for moved windows and hidden rectangles (`TopDownRandomShiftBboxCenter`, `CoarseDropout` of RTMPose); with
    the amounts that each config states. Pixel values: `YOLOXHSVRandomAug` of mmdetection, `Blur` and `MedianBlur` of
    Albumentations, as RTMPose uses them; contrast and brightness of `ColorDistort` of fire717's MoveNet.
Differs: chance is drawn in another order than published, half bodies last, so that turning one option on changes no other
    factor, angle or mirroring. What is drawn is applied in HRNet's order. Where all three HSV shifts are 0, pixels stay as
    they are; the source converts to HSV and back, which rounds them. `ColorDistort` also multiplies the saturation by a
    factor; here it is shifted, as in RTMPose.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import cv2
import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.geometry import Window, box_window
from paddle_pose.ranges import Range, Share, check_fields
from paddle_pose.skeletons import Skeleton
from paddle_pose.structures import Sample

HALVED_ABOVE = 8  # labelled joints: half of fewer shows too little
_HALF_CONTEXT = 1.5
_BLUR_SIZES = (3, 5, 7)  # px, Albumentations' default
_Part = Annotated[float, Range(0, 1, exclusive_min=True)]


@dataclass(frozen=True)
class Augment:
    """How what is shown of a training sample is varied.

    There are three parts, applied and drawn from one generator in this order, except that `hidden` is drawn before `pixels`:

    - `window`: the window shows half a body, is moved, scaled, turned and mirrored, in this order; it is then warped.
    - `pixels`: contrast, brightness, hue, saturation and value of the warped image change, then it is blurred.
    - `hidden`: a rectangle becomes black.

    Attributes:
        flip: probability of mirroring.
        scale: the factor is normal with mean 1 and this deviation, clipped to 1 +- this.
        rotation: degrees; the angle is normal with this deviation, clipped to +- twice this.
        rotation_probability: share of the samples that are turned at all.
        half_body: probability of showing the upper or the lower body only, see `half_body_window`.
        shift: the centre moves by up to this share of the window's width and height, uniformly.
        shift_probability: share of the samples whose window is moved at all.
        occlusion: probability of hiding a rectangle.
        occlusion_size: least and most of the input's width and height that the rectangle takes.
        occlusion_hides_joints: count joints in the rectangle as not labelled; as published they stay labelled, and the
            network learns to infer them.
        hue_delta: hue shifts by up to this much, modulo 180, in units of OpenCV's 8-bit HSV: 2 degrees. Each of the three
            HSV shifts is uniform, cut to a whole number, and applied to half of the images.
        saturation_delta: saturation shifts by up to this much, of 255.
        value_delta: value, HSV's brightness, shifts by up to this much, of 255.
        blur: probability of a box filter of 3, 5 or 7 px.
        median_blur: probability of a median filter of 3, 5 or 7 px.
        contrast: distances from each channel's mean are multiplied by a factor in 1 +- this, uniformly.
        brightness: up to this share of 255 is added to all channels, uniformly.
        brightness_contrast_probability: share of the images whose contrast and brightness change at all.

    Raises:
        InputError: If an amount lies outside its range, or the rectangle's least is more than its most.
    """

    flip: Share = 0.5
    scale: Annotated[float, Range(0, 0.99)] = 0.5
    rotation: Annotated[float, Range(0, 180)] = 40.0
    rotation_probability: Share = 0.6
    half_body: Share = 0.0
    shift: Share = 0.0
    shift_probability: Share = 0.3
    occlusion: Share = 0.0
    occlusion_size: tuple[_Part, _Part] = (0.2, 0.4)
    occlusion_hides_joints: bool = False
    hue_delta: Annotated[int, Range(0, 90)] = 0
    saturation_delta: Annotated[int, Range(0, 255)] = 0
    value_delta: Annotated[int, Range(0, 255)] = 0
    blur: Share = 0.0
    median_blur: Share = 0.0
    contrast: Annotated[float, Range(0, 1)] = 0.0
    brightness: Share = 0.0
    brightness_contrast_probability: Share = 0.4

    def __post_init__(self) -> None:
        """Checks the amounts."""
        check_fields(self, "augment")
        if self.occlusion_size[0] > self.occlusion_size[1]:
            raise InputError(
                f"augment.occlusion_size is {self.occlusion_size}; expected the least and the most share of a side"
            )

    def window(self, sample: Sample, skeleton: Skeleton, rng: np.random.Generator) -> Window:
        """Returns another window on the same people.

        Args:
            sample: whose window is varied.
            skeleton: says which joints are the upper body's.
            rng: the only source of chance; the same generator gives the same window.
        """
        factor = np.clip(rng.normal(1.0, self.scale), 1.0 - self.scale, 1.0 + self.scale)
        angle = np.clip(rng.normal(0.0, self.rotation), -2 * self.rotation, 2 * self.rotation)
        turned = rng.random() < self.rotation_probability
        mirrored = rng.random() < self.flip
        window = sample.window
        if self.half_body > 0:
            halved = rng.random() < self.half_body
            # As published: a normal number below 0.5, which is 69 % of them.
            upper = rng.normal() < 0.5
            window = (
                half_body_window(sample, skeleton, prefer_upper=bool(upper)) if halved else window
            )
        if self.shift > 0:
            moved = rng.random() < self.shift_probability
            offset = rng.uniform(-self.shift, self.shift, 2) * moved
            x, y = window.center + offset * window.size
            window = replace(window, center=(float(x), float(y)))
        return replace(
            window.scaled(float(factor)),
            rotation=float(angle) if turned else 0.0,
            flip=bool(mirrored),
        )

    def hidden(
        self, input_size: tuple[int, int], rng: np.random.Generator
    ) -> tuple[int, int, int, int] | None:
        """Returns the rectangle (x, y, width, height) of whole input px to hide, inside the input; None to hide nothing.

        Args:
            input_size: (width, height) of the network's input.
            rng: the only source of chance; untouched where `occlusion` is 0.
        """
        if self.occlusion == 0 or rng.random() >= self.occlusion:
            return None
        width, height = (
            np.rint(rng.uniform(*self.occlusion_size, 2) * input_size).astype(int).tolist()
        )
        x, y = rng.integers(
            0, (input_size[0] - width, input_size[1] - height), endpoint=True
        ).tolist()
        return x, y, width, height

    def pixels(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Returns an image with other pixel values; no joint moves.

        Args:
            image: uint8 RGB [H, W, 3], as the window was warped; it is not changed.
            rng: the only source of chance; untouched where all of these options are off.

        Returns:
            uint8 RGB [H, W, 3].

        Example:
            >>> grey = np.full((4, 4, 3), 100, np.uint8)
            >>> augment = Augment(brightness=0.2, brightness_contrast_probability=1.0)
            >>> augment.pixels(grey, np.random.default_rng(5))[0, 0]
            array([115, 115, 115], dtype=uint8)
        """
        deltas = np.array([self.hue_delta, self.saturation_delta, self.value_delta])
        if not (deltas.any() or self.blur or self.median_blur or self.contrast or self.brightness):
            return image
        # All is drawn, so that turning one option on changes no other.
        shifts = (rng.uniform(-1, 1, 3) * deltas * rng.integers(0, 2, 3)).astype(int)
        blurred, median_blurred = rng.random(2) < (self.blur, self.median_blur)
        blur_size, median_size = rng.choice(_BLUR_SIZES, 2).tolist()
        adjusted = rng.random() < self.brightness_contrast_probability
        factor, offset = rng.uniform(-1, 1, 2) * (self.contrast, self.brightness)
        if adjusted and (self.contrast or self.brightness):
            image = _with_contrast_and_brightness(image, 1 + factor, 255 * offset)
        if shifts.any():
            image = _shifted_hsv(image, shifts)
        if blurred:
            image = cv2.blur(image, (blur_size, blur_size))
        if median_blurred:
            image = cv2.medianBlur(image, median_size)
        return image


def _with_contrast_and_brightness(image: np.ndarray, factor: float, offset: float) -> np.ndarray:
    """Returns an image with other contrast, then other brightness.

    Args:
        image: uint8 [H, W, 3].
        factor: of the distances from each channel's mean.
        offset: added afterwards, in grey levels.
    """
    levels, mean = np.arange(256)[:, None], np.array(cv2.mean(image)[:3])
    contrasted = np.clip((levels - mean) * factor + mean, 0, 255).astype(np.uint8)
    return cv2.LUT(image, np.clip(contrasted + offset, 0, 255).astype(np.uint8)[None])


def _shifted_hsv(image: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Returns an image uint8 RGB [H, W, 3] with whole shifts [3] added to its 8-bit hue, saturation and value."""
    levels = np.arange(256)[:, None] + shifts
    table = np.clip(levels, 0, 255)
    table[:, 0] = levels[:, 0] % 180
    shifted = cv2.LUT(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), table.astype(np.uint8)[None])
    return cv2.cvtColor(shifted, cv2.COLOR_HSV2RGB)


def has_halves(skeleton: Skeleton) -> bool:
    """Returns whether half-body windows exist: the skeleton names its upper body and has enough joints."""
    return bool(skeleton.upper) and skeleton.num_joints > HALVED_ABOVE


def half_body_window(sample: Sample, skeleton: Skeleton, prefer_upper: bool) -> Window:
    """Returns the window on the upper or the lower half of a sample's person.

    As published, its centre is the mean of the half's labelled joints and its size 1.5 times their box, widened to the aspect
    of the sample's window, so a joint far from all others may lie outside.

    Args:
        sample: of one person.
        skeleton: says which joints are the upper body's.
        prefer_upper: which half to show where it has more than two labelled joints, otherwise the other one.

    Returns:
        The sample's own window where it holds no single person, the skeleton has no halves, too few joints are labelled
        (`HALVED_ABOVE` or fewer) or those of the half coincide.
    """
    if len(sample.persons) != 1 or not has_halves(skeleton):
        return sample.window
    labelled = sample.persons[0].visible > 0
    if labelled.sum() <= HALVED_ABOVE:
        return sample.window
    is_upper = np.isin(skeleton.joints, skeleton.upper)
    preferred, other = labelled & (is_upper == prefer_upper), labelled & (is_upper != prefer_upper)
    joints = sample.persons[0].keypoints[preferred if preferred.sum() > 2 else other]
    (left, top), (width, height) = joints.min(axis=0).tolist(), np.ptp(joints, axis=0).tolist()
    if width == height == 0:
        return sample.window
    x, y = joints.mean(axis=0).tolist()
    return replace(
        box_window((left, top, width, height), sample.window.size, _HALF_CONTEXT), center=(x, y)
    )
