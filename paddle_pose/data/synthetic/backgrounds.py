"""Backgrounds of synthetic images (walls, textures, clutter, loose limbs), and light and noise."""

from __future__ import annotations

import cv2
import numpy as np

from paddle_pose.data.synthetic.body import SKIN, Style
from paddle_pose.data.synthetic.figure import Layer, fill, hull, solid


def background(
    rng: np.random.Generator, size: tuple[int, int], style: Style
) -> tuple[np.ndarray, np.ndarray]:
    """Returns a random background image and its mean colour.

    Args:
        rng: Generator of all random numbers.
        size: (width, height) of the image in px.
        style: Difficulty of the image; it gives the amount of clutter and of loose limbs.

    Returns:
        Image, uint8 RGB [H, W, 3]; and its mean colour, RGB [3] in grey levels, 0 to 255.
    """
    width, height = size
    base = rng.uniform(40, 215) + rng.uniform(-35, 35, 3)
    kind = rng.integers(3)
    if kind == 0:  # a smooth blend of four corners
        corners = _similar_colors(rng, base, (2, 2), 45)
        image = cv2.resize(corners, size, interpolation=cv2.INTER_LINEAR)
    elif kind == 1:  # a cloudy texture
        cells = int(rng.integers(4, 20))
        cloud = _similar_colors(rng, base, (cells, cells), 28)
        image = cv2.resize(cloud, size, interpolation=cv2.INTER_CUBIC)
    else:  # a wall and a floor
        image = np.empty((height, width, 3), np.float32)
        edge = int(rng.uniform(0.55, 0.85) * height)
        image[:edge] = _similar_colors(rng, base, (), 25)
        image[edge:] = _similar_colors(rng, base, (), 40)
    image = np.clip(image, 0, 255).astype(np.uint8)
    for _ in range(rng.integers(style.clutter[0], style.clutter[1] + 1)):
        _draw_object(rng, image, base)
    for _ in range(rng.integers(style.distractors[0], style.distractors[1] + 1)):
        start = rng.uniform(0, size)
        angle = rng.uniform(0, 2 * np.pi)
        end = start + rng.uniform(0.1, 0.35) * height * np.array([np.cos(angle), np.sin(angle)])
        color = SKIN[rng.integers(len(SKIN))] if rng.random() < 0.3 else rng.uniform(30, 230, 3)
        radius = rng.uniform(0.008, 0.03) * height
        for layer in solid(np.array([start, end]), radius, color, np.zeros(2)):
            fill(image, layer.polygon, layer.color)
    if rng.random() < 0.5:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 2.0) * height / 256)
    return image, image.reshape(-1, 3)[:: max(1, image.size // 3000)].mean(axis=0)


def _similar_colors(
    rng: np.random.Generator, base: np.ndarray, shape: tuple[int, ...], spread: float
) -> np.ndarray:
    """Returns random colours that differ from `base` in lightness, and half as much in hue.

    Args:
        rng: Generator of all random numbers.
        base: RGB [3] in grey levels.
        shape: Shape of the array of colours.
        spread: Largest difference in lightness, grey levels.

    Returns:
        RGB [*shape, 3] float32 in grey levels; not clipped.
    """
    grey = rng.uniform(-spread, spread, (*shape, 1))
    hue = rng.uniform(-1, 1, (*shape, 3))
    return (base + grey + spread / 2 * hue).astype(np.float32)


def _draw_object(rng: np.random.Generator, image: np.ndarray, base: np.ndarray) -> None:
    """Draws a window, a table, shelves, a ball or a rough polygon into an image, in place.

    Args:
        rng: Generator of all random numbers.
        image: uint8 RGB [H, W, 3].
        base: Mean colour of the background, RGB [3] in grey levels; the object has a similar one.
    """
    height, width = image.shape[:2]
    center = rng.uniform(0, (width, height))
    w, h = rng.uniform(0.06, 0.3, 2) * height
    color = np.clip(_similar_colors(rng, base, (), 70), 10, 245)
    box = center + np.array([(-w, -h), (w, -h), (w, h), (-w, h)]) / 2
    kind = rng.integers(5)
    if kind == 0:  # a window frame with four panes
        layers = [
            Layer(box, color),
            *(
                Layer(center + (box - center) * 0.4 + np.array(s) * (w, h) / 4, color * 0.75)
                for s in ((-1, -1), (1, -1), (1, 1), (-1, 1))
            ),
        ]
    elif kind == 1:  # a table
        legs = [center + np.array([(s * w, 0), (s * w, 2 * h)]) / 2 for s in (-0.9, 0.9)]
        layers = [Layer(hull(leg, 0.012 * height), color * 0.8) for leg in legs]
        top = np.array([(-w, -4), (w, -4), (w, 4), (-w, 4)]) / 2 * (1, height / 128)
        layers.append(Layer(center + top, color))
    elif kind == 2:  # shelves
        layers = [Layer(box + np.array([0, k * h / 3]), color * (1, 0.85, 1)[k]) for k in range(3)]
    elif kind == 3:  # a ball
        layers = solid(center[None], w / 2, color, np.array([-0.3, -0.3]))
    else:  # a rough polygon
        corners = center + rng.uniform(-0.5, 0.5, (5, 2)) * (w, h) * 1.6
        layers = [Layer(hull(corners, 1.0), color)]
    for layer in layers:
        fill(image, layer.polygon, layer.color)


def add_light_and_noise(rng: np.random.Generator, image: np.ndarray, style: Style) -> np.ndarray:
    """Returns an image with a random slight blur, light that falls from one side, and noise.

    Args:
        rng: Generator of all random numbers.
        image: Image, uint8 RGB [H, W, 3]; it is not modified.
        style: Difficulty of the image; it gives the probability of blur and the amount of noise.

    Returns:
        New image, uint8 RGB [H, W, 3].
    """
    height, width = image.shape[:2]
    if rng.random() < style.blur:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 0.9) * height / 256)
    light = cv2.resize(rng.uniform(0.8, 1.15, (2, 2)).astype(np.float32), (width, height))
    noise = rng.standard_normal((height, width, 1), np.float32)
    noise *= np.float32(rng.uniform(0, style.noise))
    finished: np.ndarray = np.clip(image * light[..., None] + noise, 0, 255).astype(np.uint8)
    return finished
