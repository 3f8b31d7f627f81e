"""Images to look at: skeletons on an image, heatmaps over a crop."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import PIL.Image

from paddle_pose.skeletons import Skeleton
from paddle_pose.structures import Person, Poses

# Okabe & Ito's palette: told apart with any kind of colour vision. RGB.
LEFT, RIGHT, MIDDLE, TRUTH = (86, 180, 233), (230, 159, 0), (240, 228, 66), (255, 255, 255)


def draw_poses(
    image: np.ndarray,
    poses: Poses,
    skeleton: Skeleton,
    threshold: float = 0.2,
    names: bool = False,
) -> np.ndarray:
    """Draws skeletons: the person's left blue, right orange, middle yellow.

    Args:
        image: uint8 RGB [h, w, 3].
        poses: in the image's px.
        skeleton: its joints and limbs.
        threshold: joints with a lower score are left out.
        names: write every joint's name beside it, lower where another name is in the way. Ids, of people who are
            followed, are written at the topmost joint.

    Returns:
        A drawing of the same size.
    """
    drawing = image.copy()
    interval = max(image.shape[:2])
    thickness, radius = max(1, round(interval / 200)), max(2, round(interval / 140))
    written: list[tuple[int, int, int]] = []
    for person, (keypoints, scores) in enumerate(zip(poses.keypoints, poses.scores, strict=True)):
        shown = scores >= threshold
        points = [(round(float(x)), round(float(y))) for x, y in np.nan_to_num(keypoints)]
        for a, b in skeleton.limb_indices:
            if shown[a] and shown[b]:
                color = side_color(skeleton, a, b)
                cv2.line(drawing, points[a], points[b], color, thickness, cv2.LINE_AA)
        for j in np.flatnonzero(shown):
            cv2.circle(drawing, points[j], radius, (0, 0, 0), -1, cv2.LINE_AA)
            color = side_color(skeleton, int(j))
            cv2.circle(drawing, points[j], max(1, radius - 1), color, -1, cv2.LINE_AA)
            if names:
                caption(
                    drawing,
                    skeleton.joints[j],
                    _free_place(skeleton.joints[j], points[j], image.shape[1], written),
                )
        if len(poses.ids) and poses.ids[person] > 0 and shown.any():
            x, y = min((points[j] for j in np.flatnonzero(shown)), key=lambda point: point[1])
            scale = max(0.5, interval / 900)
            place = (x + radius, max(y - radius, round(30 * scale)))
            caption(drawing, f"#{poses.ids[person]}", place, scale)
    return drawing


def side_color(skeleton: Skeleton, *slots: int) -> tuple[int, int, int]:
    """Returns the RGB colour of the side that joints are on; a limb from side to side is in the middle."""
    sides = {skeleton.side(skeleton.joints[slot]) for slot in slots} - {"middle"}
    return {"left": LEFT, "right": RIGHT}[sides.pop()] if len(sides) == 1 else MIDDLE


def draw_truth(image: np.ndarray, person: Person, skeleton: Skeleton) -> np.ndarray:
    """Draws an annotated person in faint white, to lie under a prediction.

    Args:
        image: uint8 RGB [h, w, 3].
        person: with keypoints in the image's px; joints that are not labelled are left out.
        skeleton: its joints and limbs.

    Returns:
        A drawing of the same size.
    """
    drawing = image.copy()
    thickness = max(2, round(max(image.shape[:2]) / 70))
    points = [(round(float(x)), round(float(y))) for x, y in np.nan_to_num(person.keypoints)]
    for a, b in skeleton.limb_indices:
        if person.visible[a] and person.visible[b]:
            cv2.line(drawing, points[a], points[b], TRUTH, thickness, cv2.LINE_AA)
    return cv2.addWeighted(drawing, 0.6, image, 0.4, 0)


def draw_heatmaps(crop: np.ndarray, heatmaps: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Lays every joint's heatmap over the crop.

    Args:
        crop: uint8 RGB [H, W, 3].
        heatmaps: [K, h, w], 1 = certain.
        skeleton: names the joints.

    Returns:
        uint8 RGB image of a grid, a tile per joint with its name and peak.
    """
    return draw_maps(crop, dict(zip(skeleton.joints, heatmaps, strict=True)))


def draw_maps(crop: np.ndarray, maps: Mapping[str, np.ndarray]) -> np.ndarray:
    """Lays maps over the crop.

    Args:
        crop: uint8 RGB [H, W, 3].
        maps: [h, w] by title, 1 = certain; see `Codec.visualize`.

    Returns:
        uint8 RGB image of a grid, a tile per map with its title and peak.
    """
    height, width = crop.shape[:2]
    grey = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    tiles = []
    for title, strengths in maps.items():
        strength = cv2.resize(np.clip(strengths, 0, 1).astype(np.float32), (width, height))
        heat = cv2.applyColorMap((strength * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
        share = np.clip(strength * 1.6, 0.0, 0.85)[..., None]
        tile = (grey * (1 - share) + heat * share).astype(np.uint8)
        caption(tile, f"{title} {strengths.max():.2f}", (3, 14), max(0.35, width / 640))
        tiles.append(tile)
    return grid(tiles, columns=4)


def grid(tiles: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """Lays images of one size out in rows; uint8 RGB."""
    blank = np.zeros_like(tiles[0])
    padded = [*tiles, *[blank] * (-len(tiles) % columns)]
    rows = [np.hstack(padded[n : n + columns]) for n in range(0, len(padded), columns)]
    return np.vstack(rows)


def png(pixels: np.ndarray, colors: int = 128) -> bytes:
    """Returns a small PNG file of an image, for a notebook.

    Args:
        pixels: uint8 RGB [h, w, 3].
        colors: that it is reduced to, at most 256.
    """
    content, method = io.BytesIO(), PIL.Image.Quantize.FASTOCTREE
    PIL.Image.fromarray(pixels).quantize(colors, method).save(content, "PNG", optimize=True)
    return content.getvalue()


def caption(pixels: np.ndarray, text: str, place: tuple[int, int], scale: float = 0.35) -> None:
    """Writes readable text into the array, its lower left corner at `place`; `scale` 0.35 is 8 px high."""
    # An outline of moved copies: a thicker stroke is wider too in some versions of OpenCV.
    moves = [(-1, 0), (1, 0), (0, -1), (0, 1), (0, 0)]
    for move in moves:
        color = (255, 255, 255) if move == (0, 0) else (0, 0, 0)
        corner = (place[0] + move[0], place[1] + move[1])
        cv2.putText(pixels, text, corner, cv2.FONT_HERSHEY_SIMPLEX, scale, color, 1, cv2.LINE_AA)


def _free_place(
    text: str, place: tuple[int, int], right: int, written: list[tuple[int, int, int]]
) -> tuple[int, int]:
    """Returns the first place from there downwards that is free, and adds it to the names written (x, y, width).

    The text ends before `right`, the image's edge, where it can.
    """
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.35, 1)
    x, y = max(0, min(place[0], right - width - 1)), place[1]
    while any(
        abs(y - other) < 11 and x < left + wide and left < x + width
        for left, other, wide in written
    ):
        y += 1
    written.append((x, y, width))
    return x, y
