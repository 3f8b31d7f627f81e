"""Augmentation: another window on a sample, other pixel values, and rectangles that hide parts.

Source: SimpleBaseline (Xiao et al., ECCV 2018) for scale, rotation and mirroring, HRNet (Sun et
    al., CVPR 2019) for half bodies, mmpose for moved windows and hidden rectangles
    (`TopDownRandomShiftBboxCenter`, `CoarseDropout` of RTMPose), with the amounts that each config
    states; AID (Huang et al., "AID: Pushing the Performance Boundary of Human Pose Estimation with
    Information Dropping Augmentation", 2020) as in PaddleDetection for discs near joints. Pixel
    values: `YOLOXHSVRandomAug` of mmdetection, `Blur` and `MedianBlur` of Albumentations, as
    RTMPose uses them; fire717's MoveNet (`lib/data/data_augment.py`) for everything exclusive, for
    contrast, brightness and colour distortion, noise and squares on joints.
Differs: random numbers are drawn in another order than published, half bodies last, so that
    enabling one option changes no other factor, angle or mirroring. What is drawn is applied in
    HRNet's order. If all three HSV shifts are 0, pixels stay as they are; the source converts to
    HSV and back, which rounds them. fire717 converts RGB images as if they were BGR; the range of
    hues is the same. PaddleDetection draws discs of as many px in the image, before it is warped;
    here they are drawn in the network's input, near a joint that lies in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Annotated

import cv2
import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.geometry import Window, box_window
from paddle_pose.ranges import Range, Share, check_fields
from paddle_pose.skeletons import Skeleton
from paddle_pose.structures import Sample

HALF_BODY_ABOVE_JOINTS = 8  # labelled joints: half of fewer shows too little
_HALF_CONTEXT = 1.5
_BLUR_SIZES = (3, 5, 7)  # px, Albumentations' default
_Part = Annotated[float, Range(0, 1, exclusive_min=True)]
_Border = Annotated[float, Range(0, 0.49)]


@dataclass(frozen=True)
class Augment:
    """Random changes of a training sample.

    There are three kinds, applied in this order and drawn from one generator; `hidden` is drawn
    before `pixels`:

    - `window`: the window shows half a body, is moved, scaled, rotated and mirrored, in this order;
      the image is then warped. With `exclusive`, it is mirrored and changed in at most one way.
    - `pixels`: contrast, brightness, hue, saturation and value change, the image is blurred, its
      colours are distorted, noise is added, a square on a joint gets one grey level, and a disc
      near a joint becomes black.
    - `hidden`: a rectangle becomes black.

    Attributes:
        flip: Probability of mirroring.
        scale: Standard deviation of the scale factor, which is normal with mean 1 and clipped to
            1 +- this value.
        rotation: Standard deviation of the angle in degrees, which is normal and clipped to +-
            twice this value; with `exclusive`, the angle is uniform within +- this value.
        rotation_probability: Probability of a rotation.
        truncated: Whether scale, angle and shift follow normal distributions that are truncated at
            one standard deviation, as in mmpose's `RandomBBoxTransform`, which is their maximum:
            1 +- `scale`, twice `rotation` and `shift`. Not used if `exclusive`.
        half_body: Probability of showing the upper or the lower body only, see `half_body_window`.
        shift: Maximum shift of the centre as a fraction of the window's width and height, uniform;
            with `exclusive`, the shift of each axis has at least a quarter of this size.
        shift_probability: Probability of a shift.
        exclusive: Whether the window is changed in one of four ways at most, as in fire717's
            MoveNet: enlarged (`padding`), cut (`crop`), rotated, or moved if it contains a single
            person. `scale` and `half_body` are not used. The probabilities add up to at most 1;
            beyond that, the later ones get less.
        padding: Probability of enlarging the window, if `exclusive`.
        padding_size: Minimum and maximum border that is added on each side, as a fraction of the
            side.
        crop: Probability of cutting the window, if `exclusive`; a window with a single person also
            moves towards the top left of the mirrored image by up to half the border, as published.
        crop_size: Minimum and maximum border that is cut off on each side, as a fraction of the
            side.
        occlusion: Probability of hiding a rectangle.
        occlusion_size: Minimum and maximum width and height of the rectangle, as fractions of the
            input's.
        occlusion_hides_joints: Whether joints in the rectangle count as unlabelled; as published
            they stay labelled, and the network learns to infer them.
        hue_delta: Maximum shift of the hue, modulo 180, in units of OpenCV's 8-bit HSV: 2 degrees.
            Each of the three HSV shifts is uniform, truncated to an integer, and applied to half of
            the images.
        saturation_delta: Maximum shift of the saturation, of 255.
        value_delta: Maximum shift of the value, HSV's brightness, of 255.
        blur: Probability of a box filter of 3, 5 or 7 px.
        median_blur: Probability of a median filter of 3, 5 or 7 px.
        contrast: Maximum change of the factor by which distances from each channel's mean are
            multiplied, uniform around 1.
        brightness: Maximum offset that is added to all channels, as a fraction of 255, uniform.
        brightness_contrast_probability: Probability that contrast and brightness change.
        color_distortion: Probability that contrast, brightness, hue and saturation change together.
        color_distortion_amounts: Maximum changes by the colour distortion, each uniform: of the
            factor of the contrast, the brightness (as a fraction of 255), the hue (as a fraction of
            180, OpenCV's range of hues) and the factor of the saturation.
        noise: Maximum noise in grey levels, uniform and independent for each value of the image.
        noise_probability: Probability of noise.
        joint_occlusion: Probability that a square on one of the joints gets a random grey level.
        joint_occlusion_size: Minimum and maximum of half the side of the square, as fractions of
            the mean of the input's width and height.
        joint_disc: Probability that a disc near one of the joints becomes black; as published, each
            labelled joint is equally likely.
        joint_disc_size: Minimum and maximum radius of the disc, as fractions of the input's width;
            uniform.
        joint_disc_offset: Standard deviation of the disc's centre around the joint, in x and in y,
            as a fraction of the input's width; normal.

    Raises:
        InputError: If an amount lies outside its range, or the minimum of a size exceeds its
            maximum.
    """

    flip: Share = 0.5
    scale: Annotated[float, Range(0, 0.99)] = 0.5
    rotation: Annotated[float, Range(0, 180)] = 40.0
    rotation_probability: Share = 0.6
    truncated: bool = False
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
    exclusive: bool = False
    padding: Share = 0.0
    padding_size: tuple[_Border, _Border] = (0.06, 0.12)
    crop: Share = 0.0
    crop_size: tuple[_Border, _Border] = (0.1, 0.3)
    color_distortion: Share = 0.0
    color_distortion_amounts: tuple[Share, Share, Share, Share] = (0.2, 0.2, 0.1, 0.2)
    noise: Annotated[int, Range(0, 255)] = 0
    noise_probability: Share = 0.4
    joint_occlusion: Share = 0.0
    joint_occlusion_size: tuple[_Part, _Part] = (3 / 192, 6 / 192)
    joint_disc: Share = 0.0
    joint_disc_size: tuple[_Part, _Part] = (0.1, 0.2)
    joint_disc_offset: Annotated[float, Range(0, 1)] = 0.05

    def __post_init__(self) -> None:
        """Checks the amounts."""
        check_fields(self, "augment")
        for name in (
            "occlusion_size",
            "padding_size",
            "crop_size",
            "joint_occlusion_size",
            "joint_disc_size",
        ):
            size = getattr(self, name)
            if size[0] > size[1]:
                raise InputError(
                    f"augment.{name} is {size}; expected a minimum and a maximum that is not less"
                )

    def window(self, sample: Sample, skeleton: Skeleton, rng: np.random.Generator) -> Window:
        """Returns a randomly changed window on a sample's image, in image px.

        Args:
            sample: Sample whose window is changed; the sample itself is not modified.
            skeleton: Skeleton that defines which joints belong to the upper body.
            rng: Only source of randomness; the same state of the generator gives the same window.
        """
        if self.exclusive:
            return self._window_with_one_change(sample, rng)
        if self.truncated:
            factor, angle = truncated_normal(2, rng) * (self.scale, 2 * self.rotation) + (1.0, 0.0)
        else:
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
            if self.truncated:
                offset = truncated_normal(2, rng) * self.shift * moved
            else:
                offset = rng.uniform(-self.shift, self.shift, 2) * moved
            x, y = window.center + offset * window.size
            window = replace(window, center=(float(x), float(y)))
        return replace(
            window.scaled(float(factor)),
            rotation=float(angle) if turned else 0.0,
            flip=bool(mirrored),
        )

    def _window_with_one_change(self, sample: Sample, rng: np.random.Generator) -> Window:
        """Returns a window that is mirrored or not, and changed in at most one other way.

        Args:
            sample: Sample whose window is varied.
            rng: Only source of randomness.
        """
        window = replace(sample.window, flip=bool(rng.random() < self.flip))
        chances = (self.padding, self.crop, self.rotation_probability, self.shift_probability)
        change = int(np.searchsorted(np.cumsum(chances), rng.random(), side="right"))
        alone = len(sample.persons) == 1
        offset = np.zeros(2)
        if change == 0:
            border = rng.uniform(*self.padding_size)
            return window.scaled(float(1 + 2 * border))
        if change == 1:
            border = rng.uniform(*self.crop_size)
            if alone:  # published for the image after it has been mirrored
                offset = rng.uniform(0, border / 2, 2) * (1 if window.flip else -1, -1)
            window_size = np.array(window.size)
            window = window.scaled(float(1 - 2 * border))
            x, y = window.center + offset * window_size
            return replace(window, center=(float(x), float(y)))
        if change == 2:
            return replace(window, rotation=float(rng.uniform(-self.rotation, self.rotation)))
        if change == 3 and alone:
            most = rng.uniform(self.shift / 2, self.shift)
            offset = rng.uniform(most / 2, most, 2) * rng.choice((-1, 1), 2)
            x, y = window.center + offset * window.size
            return replace(window, center=(float(x), float(y)))
        return window

    def hidden(
        self, input_size: tuple[int, int], rng: np.random.Generator
    ) -> tuple[int, int, int, int] | None:
        """Returns the rectangle (x, y, width, height) to hide, in whole input px; None for nothing.

        Args:
            input_size: (width, height) of the network's input in px.
            rng: Only source of randomness; not used if `occlusion` is 0.
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

    def pixels(
        self, image: np.ndarray, rng: np.random.Generator, joints: np.ndarray | None = None
    ) -> np.ndarray:
        """Returns an image with other pixel values; no joint moves.

        Args:
            image: uint8 RGB [H, W, 3], as the window was warped; it is not modified.
            rng: Only source of randomness; not used if all of these options are off.
            joints: Labelled joints in the image, [M, 2] (x, y) in input px, for `joint_occlusion`
                and `joint_disc`; if None or empty, neither squares nor discs are drawn.

        Returns:
            uint8 RGB [H, W, 3].

        Example:
            >>> grey = np.full((4, 4, 3), 100, np.uint8)
            >>> augment = Augment(brightness=0.2, brightness_contrast_probability=1.0)
            >>> augment.pixels(grey, np.random.default_rng(5))[0, 0]
            array([115, 115, 115], dtype=uint8)
        """
        image = self._adjusted(image, rng)
        if self.color_distortion and rng.random() < self.color_distortion:
            contrast, brightness, hue, saturation = rng.uniform(-1, 1, 4) * np.array(
                self.color_distortion_amounts
            )
            image = _with_contrast_and_brightness(image, 1 + contrast, 255 * brightness)
            image = _with_hue_and_saturation(image, 180 * hue, 1 + saturation)
        if self.noise and rng.random() < self.noise_probability:
            noise = rng.uniform(-self.noise, self.noise, image.shape)
            image = np.clip(image + noise, 0, 255).astype(np.uint8)
        if self.joint_occlusion and rng.random() < self.joint_occlusion:
            half = int(rng.uniform(*self.joint_occlusion_size) * sum(image.shape[:2]) / 2)
            level = int(rng.integers(0, 255, endpoint=True))
            if joints is not None and len(joints):
                image = _with_square(image, rng.choice(joints), half, level)
        if self.joint_disc and rng.random() < self.joint_disc:
            width = image.shape[1]
            offset = rng.normal(0.0, self.joint_disc_offset, 2) * width
            radius = rng.uniform(*self.joint_disc_size) * width
            if joints is not None and len(joints):
                image = _with_black_disc(image, rng.choice(joints) + offset, float(radius))
        return image

    def _adjusted(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Returns an image with other contrast, brightness, hue, saturation and value, and blurred.

        Args:
            image: uint8 RGB [H, W, 3]; it is not modified.
            rng: Only source of randomness; not used if all of these options are off.
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


def truncated_normal(count: int, rng: np.random.Generator) -> np.ndarray:
    """Returns standard normal numbers [count] under the condition that they lie within +-1.

    Args:
        count: Number of numbers.
        rng: Only source of randomness.
    """
    normal = NormalDist()
    quantiles = rng.uniform(normal.cdf(-1), normal.cdf(1), count)
    return np.array([normal.inv_cdf(quantile) for quantile in quantiles.tolist()])


def _with_contrast_and_brightness(image: np.ndarray, factor: float, offset: float) -> np.ndarray:
    """Returns an image with another contrast and then another brightness.

    Args:
        image: uint8 [H, W, 3].
        factor: Factor of the distances from each channel's mean.
        offset: Offset that is added afterwards, in grey levels.
    """
    levels, mean = np.arange(256)[:, None], np.array(cv2.mean(image)[:3])
    contrasted = np.clip((levels - mean) * factor + mean, 0, 255).astype(np.uint8)
    return cv2.LUT(image, np.clip(contrasted + offset, 0, 255).astype(np.uint8)[None])


def _shifted_hsv(image: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Returns an image with integer shifts [3] added to its 8-bit hue, saturation and value.

    Args:
        image: uint8 RGB [H, W, 3].
        shifts: Offsets [3].
    """
    levels = np.arange(256)[:, None] + shifts
    table = np.clip(levels, 0, 255)
    table[:, 0] = levels[:, 0] % 180
    shifted = cv2.LUT(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), table.astype(np.uint8)[None])
    return cv2.cvtColor(shifted, cv2.COLOR_HSV2RGB)


def _with_hue_and_saturation(image: np.ndarray, shift: float, factor: float) -> np.ndarray:
    """Returns an image uint8 RGB [H, W, 3] with another hue and saturation.

    Args:
        image: Image to change.
        shift: Offset of the 8-bit hue, modulo 180.
        factor: Factor of the saturation.
    """
    levels = np.arange(256, dtype=float)
    table = np.stack([(levels + shift) % 180, np.clip(levels * factor, 0, 255), levels], axis=-1)
    changed = cv2.LUT(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), table.astype(np.uint8)[None])
    return cv2.cvtColor(changed, cv2.COLOR_HSV2RGB)


def _with_square(image: np.ndarray, center: np.ndarray, half: int, level: int) -> np.ndarray:
    """Returns an image with a square of one grey level, clipped at the image's borders.

    Args:
        image: uint8 [H, W, 3]; it is not modified.
        center: (x, y) of the square in px.
        half: Half of the square's side in px.
        level: Grey level.
    """
    height, width = image.shape[:2]
    x, y = center.tolist()
    columns = slice(int(max(0, x - half)), int(min(width - 1, x + half)))
    rows = slice(int(max(0, y - half)), int(min(height - 1, y + half)))
    covered = image.copy()
    covered[rows, columns] = level
    return covered


def _with_black_disc(image: np.ndarray, center: np.ndarray, radius: float) -> np.ndarray:
    """Returns an image in which the pixels of a disc are black, those on its edge included.

    Args:
        image: uint8 [H, W, 3]; it is not modified.
        center: (x, y) of the disc in px; it may lie outside of the image.
        radius: Radius of the disc in px.
    """
    height, width = image.shape[:2]
    x = np.arange(width) - center[0]
    y = np.arange(height) - center[1]
    covered = image.copy()
    covered[x**2 + y[:, None] ** 2 <= radius**2] = 0
    return covered


def supports_half_body(skeleton: Skeleton) -> bool:
    """Returns whether `half_body_window` can return half-body windows for a skeleton.

    The skeleton must name the joints of the upper body, and have more than `HALF_BODY_ABOVE_JOINTS`
    joints.
    """
    return bool(skeleton.upper) and skeleton.num_joints > HALF_BODY_ABOVE_JOINTS


def half_body_window(sample: Sample, skeleton: Skeleton, prefer_upper: bool) -> Window:
    """Returns the window on the upper or the lower half of a sample's person.

    As published, the centre of the window is the mean of the half's labelled joints, and its size
    is 1.5 times the box around them, widened to the aspect ratio of the sample's window. A joint
    far from all others may lie outside of the window.

    Args:
        sample: Sample of one person.
        skeleton: Skeleton that defines which joints belong to the upper body.
        prefer_upper: Whether the upper half is shown, else the lower one; if that half has two
            labelled joints or fewer, the other half is shown instead.

    Returns:
        The window in image px. It is the sample's own window if the sample does not have exactly
        one person, the skeleton has no halves, `HALF_BODY_ABOVE_JOINTS` or fewer joints are
        labelled, or the labelled joints of the half coincide.
    """
    if len(sample.persons) != 1 or not supports_half_body(skeleton):
        return sample.window
    labelled = sample.persons[0].visible > 0
    if labelled.sum() <= HALF_BODY_ABOVE_JOINTS:
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
