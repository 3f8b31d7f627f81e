"""Is an exported file the network it was made from? Both look at the same images."""

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

TOLERANCE, INT8_TOLERANCE = 0.5, 4.0  # input px; 4 is a cell
MAP_TOLERANCE = 1e-3  # of the greatest value of a map; measured: 1.3e-5 and less
_UNSEEN = 1e-5  # how much maps inside a graph are supposed to differ, likewise
_SHAKES, _MARGIN = 16, 4  # a tie survives all of them once in two hundred times


@dataclass(frozen=True, eq=False)
class Difference:
    """How far an exported network is from the live one.

    Attributes:
        maps: greatest difference of a map's cells, as a share of that map's greatest value; NaN where a graph decodes.
        pixels: [M] distances in input px of the keypoints of all images.
        undecided: keypoints left out of `pixels`: a change of the live maps hardly greater than the one found moves them.
    """

    maps: float
    pixels: np.ndarray = field(repr=False)
    undecided: int = 0

    def __str__(self) -> str:
        """Says it in a line."""
        pixels = self.pixels if len(self.pixels) else np.zeros(1)
        maps = "" if np.isnan(self.maps) else f"maps {self.maps:.1e} of their greatest value, "
        left_out = f" ({self.undecided} undecided left out)" if self.undecided else ""
        return (
            f"greatest difference: {maps}keypoints {pixels.max():.4f} input px (median {np.median(pixels):.4f}, "
            f"19 of 20 within {np.quantile(pixels, 0.95, method='higher'):.4f}) over {len(self.pixels)} keypoints{left_out}"
        )


def compare(
    live: Backend,
    exported: Backend,
    codec: Codec,
    batches: Iterable[np.ndarray],
    exact: bool = True,
    decoded: dict[str, Any] | None = None,
) -> Difference:
    """Compares an exported network with the live one.

    A keypoint is where a map is highest, so two cells of equal height decide nothing: keypoints that jump when the live maps
    are shaken by four times the difference found are left out and counted.

    Args:
        live: the network; answers maps.
        exported: the file; answers maps, or keypoints.
        codec: reads maps.
        batches: uint8 images [N, H, W, 3].
        exact: leave undecided keypoints out; False counts all, as for INT8, which changes what is decided: everybody is then
            compared with whoever is nearest, since the number of people may differ.
        decoded: what the metadata says of the keypoints that the file answers; None where it answers maps.
    """
    greatest, pixels, undecided = 0.0, [np.zeros(0)], 0
    for images in batches:
        maps, answer = live(images), exported(images)
        scales = {name: float(np.abs(maps[name]).max()) or 1.0 for name in codec.outputs}
        if decoded is None:
            shares = {
                name: _greatest(answer[name] - maps[name]) / scales[name] for name in codec.outputs
            }
            greatest = max(greatest, *shares.values())
            if not np.isfinite(greatest):
                return Difference(greatest, np.array([np.inf]))
            poses = codec.decode(answer)
        else:
            shares = dict.fromkeys(codec.outputs, _UNSEEN)
            greatest = float("nan")
            poses = poses_of(
                answer[decoded["name"]], decoded["columns"], decoded["unit"], codec.input_size
            )
        live_poses = codec.decode(maps)
        shake = {
            name: _MARGIN * share * scales[name]
            for name, share in shares.items()
            if exact and share < MAP_TOLERANCE
        }
        keeps = _decided(codec, maps, live_poses, shake)
        for one, other, keep in zip(live_poses, poses, keeps, strict=True):
            pixels.append((_distances if exact else _distances_to_nearest)(one, other)[keep])
            undecided += int((~keep).sum())
    return Difference(greatest, np.concatenate(pixels), undecided)


def check_difference(difference: Difference, *, int8: bool, tolerance: float | None = None) -> None:
    """Refuses an exported network that is not the live one.

    Args:
        difference: Difference between them.
        int8: Whether the exported network computes in 8 bits: then its median keypoint counts, else the farthest one
            and the maps.
        tolerance: Distance in input px that is allowed; None for 0.5, with INT8 4.

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
            f"the exported network differs from the live one: {difference}; allowed: {limit} px, nothing was written"
        )


def poses_of(
    answer: np.ndarray, columns: Sequence[str], unit: str, input_size: tuple[int, int]
) -> list[Poses]:
    """Reads the keypoints that a graph decoded.

    Args:
        answer: [N, K, 3] or [N, P, K, 3].
        columns: names of the last axis: "x", "y", "score".
        unit: "input px", or "fraction" of the input's sides.
        input_size: (width, height) in px.

    Returns:
        N Poses in input px.

    Example:
        >>> google = np.array([[[[0.5, 0.25, 0.9]]]])
        >>> poses_of(google, ("y", "x", "score"), "fraction", (192, 192))[0].keypoints.tolist()
        [[[48.0, 96.0]]]
    """
    answer = answer.reshape(len(answer), -1, *answer.shape[-2:])  # N, P, K, 3
    x, y, scores = (answer[..., list(columns).index(name)] for name in ("x", "y", "score"))
    keypoints = np.stack([x, y], axis=-1) * (np.array(input_size) if unit == "fraction" else 1)
    return [Poses(keypoints[n], scores[n], scores[n].mean(axis=-1)) for n in range(len(answer))]


def _decided(
    codec: Codec, maps: Maps, poses: Sequence[Poses], shake: dict[str, float]
) -> list[np.ndarray]:
    """Returns, per image, which keypoints [P, K] stay where they are when maps change by so much."""
    rng = np.random.default_rng(0)
    decided = [np.ones(found.scores.shape, bool) for found in poses]
    for _ in range(_SHAKES if shake else 0):
        shaken = maps | {
            name: maps[name] + rng.uniform(-by, by, maps[name].shape) for name, by in shake.items()
        }
        for keep, one, other in zip(decided, poses, codec.decode(shaken), strict=True):
            keep &= _distances(one, other) < 1e-3 * max(codec.input_size)
    return decided


def _distances(one: Poses, other: Poses) -> np.ndarray:
    """Returns [P, K] px between two readings; infinite where one has found another number of people, or no number."""
    if one.keypoints.shape != other.keypoints.shape:
        return np.full(one.scores.shape, np.inf)
    distances: np.ndarray = np.nan_to_num(
        np.linalg.norm(one.keypoints - other.keypoints, axis=-1), nan=np.inf, posinf=np.inf
    )
    return distances


def _distances_to_nearest(one: Poses, other: Poses) -> np.ndarray:
    """Returns [P, K] px from everybody of one reading to whoever of the other is nearest; infinite where it has nobody."""
    if not len(other.scores):
        return np.full(one.scores.shape, np.inf)
    between = np.linalg.norm(one.keypoints[:, None] - other.keypoints[None], axis=-1)  # P, Q, K
    between = np.nan_to_num(between, nan=np.inf, posinf=np.inf)
    return np.take_along_axis(between, between.mean(axis=-1).argmin(axis=1)[:, None, None], axis=1)[
        :, 0
    ]


def _greatest(difference: np.ndarray) -> float:
    return float(np.nan_to_num(np.abs(difference).max(), nan=np.inf, posinf=np.inf))
