"""Verifies an exported file by comparing it with its network on the same images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from paddle_pose.backends.base import Backend
from paddle_pose.codecs.base import Codec, Maps
from paddle_pose.environment import argument
from paddle_pose.errors import InputError
from paddle_pose.structures import Poses

TOLERANCE = 0.5  # input px; greatest distance of a keypoint of a floating-point export
INT8_TOLERANCE = 4.0  # input px, a cell of most networks; median distance of an INT8 export
MAP_TOLERANCE = 1e-3  # fraction of a map's greatest value; measured differences are up to 1.3e-5
_ASSUMED_MAP_DIFFERENCE = 1e-5  # the same fraction, assumed where a graph decodes its maps itself
# A keypoint is undecided if it moves in one of 16 trials with noise of 4 times the difference of
# the maps. Two cells of equal height pass all trials once in about two hundred times.
_NUM_TRIALS = 16
_NOISE_FACTOR = 4


@dataclass(frozen=True, eq=False)
class Difference:
    """Difference between an exported network and the live one.

    Attributes:
        maps: Greatest difference of a cell, as a fraction of the greatest absolute value of its
            map; NaN where the exported graph decodes.
        pixels: Distances between the keypoints of both networks in input px, [M], for all images;
            infinite where a keypoint or person has no counterpart.
        undecided: Number of keypoints that are left out of `pixels`, see `compare`.
    """

    maps: float
    pixels: np.ndarray = field(repr=False)
    undecided: int = 0

    def __str__(self) -> str:
        """Returns a summary in one line."""
        pixels = self.pixels if len(self.pixels) else np.zeros(1)
        maps = "" if np.isnan(self.maps) else f"maps {self.maps:.1e} of their greatest value, "
        left_out = f" ({self.undecided} undecided left out)" if self.undecided else ""
        return (
            f"greatest difference: {maps}keypoints {pixels.max():.4f} input px (median "
            f"{np.median(pixels):.4f}, 95th percentile "
            f"{np.quantile(pixels, 0.95, method='higher'):.4f}) over {len(self.pixels)} keypoints"
            f"{left_out}"
        )


def compare(
    live: Backend,
    exported: Backend,
    codec: Codec,
    batches: Iterable[np.ndarray],
    exact: bool = True,
    decoded: dict[str, Any] | None = None,
    file_codec: Codec | None = None,
) -> Difference:
    """Returns the difference between an exported network and the live one.

    A keypoint is the highest cell of a map, so its place is undecided if two distant cells are
    almost equally high. Keypoints that move when noise of four times the measured difference is
    added to the live maps are therefore left out and counted.

    Args:
        live: Live network, which returns the maps of `codec.outputs`.
        exported: Exported file, which returns the same maps, or keypoints.
        codec: Codec of the maps.
        batches: Batches of uint8 RGB images [N, H, W, 3].
        exact: Whether undecided keypoints are left out and people are compared in their order.
            False is for INT8, which changes the maps too much for that: all keypoints count, and
            every person is compared with the nearest one, since the number of people may differ.
        decoded: Entry of "outputs" in the export metadata of a file that returns keypoints, of
            which "name", "columns" and "unit" are used; None for a file that returns maps.
        file_codec: Codec that decodes the outputs of such a file; None reads the entry instead.

    Returns:
        The difference; at the first map that is not finite, `maps` and the only distance are
        infinite.
    """
    greatest = 0.0
    undecided = 0
    pixels = [np.zeros(0)]
    distance = _distances if exact else _distances_to_nearest
    for images in batches:
        maps = live(images)
        outputs = exported(images)
        scales = {name: float(np.abs(maps[name]).max()) or 1.0 for name in codec.outputs}
        if decoded is None:
            fractions = {
                name: _greatest(outputs[name] - maps[name]) / scales[name] for name in codec.outputs
            }
            greatest = max(greatest, *fractions.values())
            if not np.isfinite(greatest):
                return Difference(greatest, np.array([np.inf]))
            poses = codec.decode(outputs)
        else:
            fractions = dict.fromkeys(codec.outputs, _ASSUMED_MAP_DIFFERENCE)
            greatest = float("nan")
            if file_codec is not None:
                poses = file_codec.decode(outputs)
            else:
                poses = read_keypoints(
                    outputs[decoded["name"]], decoded["columns"], decoded["unit"], codec.input_size
                )
        live_poses = codec.decode(maps)
        noise = {
            name: _NOISE_FACTOR * fraction * scales[name]
            for name, fraction in fractions.items()
            if exact and fraction < MAP_TOLERANCE
        }
        for live_pose, pose, keep in zip(
            live_poses, poses, _decided(codec, maps, live_poses, noise), strict=True
        ):
            pixels.append(distance(live_pose, pose)[keep])
            undecided += int((~keep).sum())
    return Difference(greatest, np.concatenate(pixels), undecided)


def check_difference(difference: Difference, *, int8: bool, tolerance: float | None = None) -> None:
    """Raises an error if an exported network differs too much from the live one.

    Args:
        difference: Difference between the two, as `compare` returns it.
        int8: Whether the exported network computes in 8 bits. Then the median distance of the
            keypoints is checked, otherwise the greatest distance, and the maps against
            `MAP_TOLERANCE`.
        tolerance: Highest allowed distance in input px; None for `TOLERANCE`, or `INT8_TOLERANCE`
            with INT8.

    Raises:
        InputError: If maps or keypoints differ too much, or no keypoint could be compared.
    """
    limit = tolerance if tolerance is not None else INT8_TOLERANCE if int8 else TOLERANCE
    if len(difference.pixels) == 0:
        raise InputError(
            "no keypoint could be compared: give "
            + argument("--images DIR", "images")
            + " with people in them; nothing was written"
        )
    found = float(np.median(difference.pixels) if int8 else difference.pixels.max())
    if found > limit or (not int8 and difference.maps > MAP_TOLERANCE):
        raise InputError(
            f"the exported network differs from the live one: {difference}; allowed: {limit} px, "
            "nothing was written"
        )


def read_keypoints(
    output: np.ndarray, columns: Sequence[str], unit: str, input_size: tuple[int, int]
) -> list[Poses]:
    """Returns poses made of the keypoints that an exported graph decoded.

    Args:
        output: Output "keypoints" of the graph, [N, K, 3] or [N, P, K, 3].
        columns: Contents of the last axis in their order: "x", "y" and "score", in any order.
        unit: Unit of x and y: "input px", or "fraction" of the input's width and height.
        input_size: (width, height) of the input in px.

    Returns:
        One `Poses` per image in input px; a person's score is the mean of the joints' scores.

    Example:
        >>> google = np.array([[[[0.5, 0.25, 0.9]]]])
        >>> poses = read_keypoints(google, ("y", "x", "score"), "fraction", (192, 192))
        >>> poses[0].keypoints.tolist()
        [[[48.0, 96.0]]]
    """
    output = output.reshape(len(output), -1, *output.shape[-2:])  # N, P, K, 3
    x, y, scores = (output[..., list(columns).index(name)] for name in ("x", "y", "score"))
    keypoints = np.stack([x, y], axis=-1) * (np.array(input_size) if unit == "fraction" else 1)
    return [Poses(keypoints[n], scores[n], scores[n].mean(axis=-1)) for n in range(len(output))]


def _decided(
    codec: Codec, maps: Maps, poses: Sequence[Poses], noise: dict[str, float]
) -> list[np.ndarray]:
    """Returns which keypoints keep their place when noise is added to the maps.

    Args:
        codec: Codec of the maps.
        maps: Maps of the live network.
        poses: Poses decoded from them, one per image.
        noise: Greatest noise of a cell, by the name of the map; without an entry all keypoints
            count as decided.

    Returns:
        One bool array [P, K] per image.
    """
    rng = np.random.default_rng(0)
    decided = [np.ones(found.scores.shape, bool) for found in poses]
    for _ in range(_NUM_TRIALS if noise else 0):
        noisy = maps | {
            name: maps[name] + rng.uniform(-limit, limit, maps[name].shape)
            for name, limit in noise.items()
        }
        for keep, one, other in zip(decided, poses, codec.decode(noisy), strict=True):
            keep &= _distances(one, other) < 1e-3 * max(codec.input_size)
    return decided


def _distances(one: Poses, other: Poses) -> np.ndarray:
    """Returns the distances between the keypoints of two results, people in the same order.

    Returns:
        [P, K] px; infinite for NaN, and everywhere if the numbers of people differ.
    """
    if one.keypoints.shape != other.keypoints.shape:
        return np.full(one.scores.shape, np.inf)
    distances: np.ndarray = np.nan_to_num(
        np.linalg.norm(one.keypoints - other.keypoints, axis=-1), nan=np.inf, posinf=np.inf
    )
    return distances


def _distances_to_nearest(one: Poses, other: Poses) -> np.ndarray:
    """Returns the distances from every person of one result to the nearest person of another.

    Returns:
        [P, K] px; infinite if the other result has no people.
    """
    if not len(other.scores):
        return np.full(one.scores.shape, np.inf)
    between = np.linalg.norm(one.keypoints[:, None] - other.keypoints[None], axis=-1)  # P, Q, K
    between = np.nan_to_num(between, nan=np.inf, posinf=np.inf)
    nearest = between.mean(axis=-1).argmin(axis=1)  # P
    return np.take_along_axis(between, nearest[:, None, None], axis=1)[:, 0]


def _greatest(difference: np.ndarray) -> float:
    """Returns the greatest absolute value; infinite if a number is not finite."""
    return float(np.nan_to_num(np.abs(difference).max(), nan=np.inf, posinf=np.inf))
