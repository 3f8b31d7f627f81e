"""Augmentation of training samples: random windows, pixel values and hidden rectangles.

Scaling, rotation, translation, half-body cropping and mirroring are one choice of another window
on the image, which is then warped once. Pixel values are changed after the warp.

Source: SimpleBaseline (Xiao et al., ECCV 2018) for scale, rotation and mirroring; HRNet (Sun et
    al., CVPR 2019) for half bodies; mmpose for shifted windows and hidden rectangles
    (`TopDownRandomShiftBboxCenter`, and RTMPose's `CoarseDropout`). The amounts are those of each
    config. Pixel values: `YOLOXHSVRandomAug` of mmdetection, `Blur` and `MedianBlur` of
    Albumentations, as RTMPose uses them; contrast and brightness from `ColorDistort` of fire717's
    MoveNet.
Differs: Random numbers are drawn in another order than in the sources, half bodies last, so that
    enabling one option does not change the scale, angle or mirroring drawn for the others. The
    operations are applied in HRNet's order. If all three HSV shifts are 0, pixels are not changed;
    the source converts to HSV and back, which rounds them. `ColorDistort` also multiplies the
    saturation by a factor; here it is shifted, as in RTMPose.
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

# A half-body window needs more labelled joints than this, as HRNet's `num_joints_half_body`.
HALF_BODY_ABOVE_JOINTS = 8
_HALF_BODY_CONTEXT = 1.5
_BLUR_SIZES = (3, 5, 7)  # px, Albumentations' default
_Part = Annotated[float, Range(0, 1, exclusive_min=True)]


@dataclass(frozen=True)
class Augment:
    """Random augmentation of a training sample.

    It has three parts, which are applied in this order. They draw from one generator, `hidden`
    before `pixels`:

    - `window`: The window is reduced to half a body, shifted, scaled, rotated and mirrored, in this
      order. It is then warped.
    - `pixels`: Contrast and brightness, then hue, saturation and value of the warped image are
      changed. Then it is blurred.
    - `hidden`: A rectangle is filled with black.

    Attributes:
        flip: Probability of mirroring the window.
        scale: Standard deviation of the scale factor, which is normal with mean 1 and clipped to
            [1 - scale, 1 + scale].
        rotation: Standard deviation of the angle in degrees, which is normal with mean 0 and
            clipped to [-2 rotation, 2 rotation].
        rotation_probability: Probability of rotating the window at all.
        half_body: Probability of showing only the upper or the lower body; see `half_body_window`.
        shift: Largest shift of the window's centre, as a fraction of the window's width and height.
            The shift is uniform and independent in x and y.
        shift_probability: Probability of shifting the window at all.
        occlusion: Probability of hiding a rectangle.
        occlusion_size: Smallest and largest side of the rectangle, as fractions of the input's
            width and height.
        occlusion_hides_joints: Whether joints in the rectangle become unlabelled. As published they
            stay labelled, and the network learns to infer them.
        hue_delta: Largest shift of the hue, modulo 180, in units of OpenCV's 8-bit HSV (one unit is
            2 degrees). Each of the three HSV shifts is uniform, truncated to an integer, and
            applied with probability 0.5.
        saturation_delta: Largest shift of the saturation, on a scale of 0 to 255.
        value_delta: Largest shift of HSV's value (brightness), on a scale of 0 to 255.
        blur: Probability of applying a box filter of 3, 5 or 7 px.
        median_blur: Probability of applying a median filter of 3, 5 or 7 px.
        contrast: Largest change of the contrast factor. Each channel's deviation from its mean is
            multiplied by a factor that is uniform in [1 - contrast, 1 + contrast].
        brightness: Largest offset added to all channels, as a fraction of 255. The offset is
            uniform.
        brightness_contrast_probability: Probability of changing contrast and brightness at all.

    Raises:
        InputError: If an amount is outside its range, or the smallest side of the rectangle is
            greater than the largest.
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
        """Checks the ranges of all fields."""
        check_fields(self, "augment")
        if self.occlusion_size[0] > self.occlusion_size[1]:
            raise InputError(
                f"augment.occlusion_size is {self.occlusion_size}; expected two fractions of the "
                "input's sides, the smaller one first"
            )

    def window(self, sample: Sample, skeleton: Skeleton, rng: np.random.Generator) -> Window:
        """Returns a random window on the people of a sample.

        Args:
            sample: Sample whose own window is the starting point.
            skeleton: Skeleton of the sample's joints; it names the joints of the upper body.
            rng: Generator of all random numbers; the same state gives the same window.

        Returns:
            Window in image px.
        """
        factor = np.clip(rng.normal(1.0, self.scale), 1.0 - self.scale, 1.0 + self.scale)
        angle = np.clip(rng.normal(0.0, self.rotation), -2 * self.rotation, 2 * self.rotation)
        is_rotated = rng.random() < self.rotation_probability
        is_mirrored = rng.random() < self.flip
        window = sample.window
        if self.half_body > 0:
            is_half_body = rng.random() < self.half_body
            # As published: a standard normal number is below 0.5, which has a probability of 0.69.
            prefer_upper = bool(rng.normal() < 0.5)
            if is_half_body:
                window = half_body_window(sample, skeleton, prefer_upper=prefer_upper)
        if self.shift > 0:
            is_shifted = rng.random() < self.shift_probability
            offset = rng.uniform(-self.shift, self.shift, 2) * is_shifted
            x, y = window.center + offset * window.size
            window = replace(window, center=(float(x), float(y)))
        return replace(
            window.scaled(float(factor)),
            rotation=float(angle) if is_rotated else 0.0,
            flip=bool(is_mirrored),
        )

    def hidden(
        self, input_size: tuple[int, int], rng: np.random.Generator
    ) -> tuple[int, int, int, int] | None:
        """Returns a random rectangle of the network's input to hide.

        Args:
            input_size: (width, height) of the network's input in px.
            rng: Generator of all random numbers; not used if `occlusion` is 0.

        Returns:
            Integer (x, y, width, height) in input px, inside the input; None to hide nothing.
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
        """Returns a copy of an image with random changes of its pixel values; joints do not move.

        Args:
            image: Warped image, uint8 RGB [H, W, 3]; it is not modified.
            rng: Generator of all random numbers; not used if all options of pixel values are off.

        Returns:
            uint8 RGB [H, W, 3]; `image` itself if all options of pixel values are off.

        Example:
            >>> grey = np.full((4, 4, 3), 100, np.uint8)
            >>> augment = Augment(brightness=0.2, brightness_contrast_probability=1.0)
            >>> augment.pixels(grey, np.random.default_rng(5))[0, 0]
            array([115, 115, 115], dtype=uint8)
        """
        deltas = np.array([self.hue_delta, self.saturation_delta, self.value_delta])
        if not (deltas.any() or self.blur or self.median_blur or self.contrast or self.brightness):
            return image
        # All numbers are drawn in any case, so that enabling one option does not change the others.
        shifts = (rng.uniform(-1, 1, 3) * deltas * rng.integers(0, 2, 3)).astype(int)
        apply_blur, apply_median_blur = rng.random(2) < (self.blur, self.median_blur)
        blur_size, median_size = rng.choice(_BLUR_SIZES, 2).tolist()
        apply_contrast = rng.random() < self.brightness_contrast_probability
        factor, offset = rng.uniform(-1, 1, 2) * (self.contrast, self.brightness)
        if apply_contrast and (self.contrast or self.brightness):
            image = _adjust_contrast_and_brightness(image, 1 + factor, 255 * offset)
        if shifts.any():
            image = _shift_hsv(image, shifts)
        if apply_blur:
            image = cv2.blur(image, (blur_size, blur_size))
        if apply_median_blur:
            image = cv2.medianBlur(image, median_size)
        return image


def _adjust_contrast_and_brightness(image: np.ndarray, factor: float, offset: float) -> np.ndarray:
    """Returns an image with its contrast, then its brightness changed.

    Args:
        image: uint8 [H, W, 3].
        factor: Factor on each channel's deviation from its mean.
        offset: Grey levels that are added afterwards.

    Returns:
        uint8 [H, W, 3].
    """
    levels = np.arange(256)[:, None]
    mean = np.array(cv2.mean(image)[:3])
    contrasted = np.clip((levels - mean) * factor + mean, 0, 255).astype(np.uint8)
    return cv2.LUT(image, np.clip(contrasted + offset, 0, 255).astype(np.uint8)[None])


def _shift_hsv(image: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Returns an image with its hue, saturation and value shifted.

    Args:
        image: uint8 RGB [H, W, 3].
        shifts: Integers [3] that are added to OpenCV's 8-bit hue (modulo 180), saturation and value
            (clipped to 0 .. 255).

    Returns:
        uint8 RGB [H, W, 3].
    """
    levels = np.arange(256)[:, None] + shifts
    table = np.clip(levels, 0, 255)
    table[:, 0] = levels[:, 0] % 180
    shifted = cv2.LUT(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), table.astype(np.uint8)[None])
    return cv2.cvtColor(shifted, cv2.COLOR_HSV2RGB)


def supports_half_body(skeleton: Skeleton) -> bool:
    """Returns whether a skeleton allows half-body windows.

    It does if it names the joints of the upper body and has more than `HALF_BODY_ABOVE_JOINTS`
    joints.
    """
    return bool(skeleton.upper) and skeleton.num_joints > HALF_BODY_ABOVE_JOINTS


def half_body_window(sample: Sample, skeleton: Skeleton, prefer_upper: bool) -> Window:
    """Returns the window on the upper or the lower half of a sample's person.

    As published, its centre is the mean of the half's labelled joints, and its size is 1.5 times
    their bounding box, widened to the aspect ratio of the sample's window. A joint far from all
    others may therefore lie outside the window.

    Args:
        sample: Sample with one person.
        skeleton: Skeleton of the sample's joints; it names the joints of the upper body.
        prefer_upper: Whether to show the upper half (True) or the lower half (False). If that half
            has two labelled joints or fewer, the other half is shown.

    Returns:
        Window in image px. The sample's own window is returned if the sample does not contain
        exactly one person, the skeleton does not support half bodies, `HALF_BODY_ABOVE_JOINTS` or
        fewer joints are labelled, or all labelled joints of the half coincide.
    """
    if len(sample.persons) != 1 or not supports_half_body(skeleton):
        return sample.window
    labelled = sample.persons[0].visible > 0
    if labelled.sum() <= HALF_BODY_ABOVE_JOINTS:
        return sample.window
    is_upper = np.isin(skeleton.joints, skeleton.upper)
    preferred = labelled & (is_upper == prefer_upper)
    other = labelled & (is_upper != prefer_upper)
    joints = sample.persons[0].keypoints[preferred if preferred.sum() > 2 else other]
    (left, top), (width, height) = joints.min(axis=0).tolist(), np.ptp(joints, axis=0).tolist()
    if width == height == 0:
        return sample.window
    x, y = joints.mean(axis=0).tolist()
    window = box_window((left, top, width, height), sample.window.size, _HALF_BODY_CONTEXT)
    return replace(window, center=(x, y))
