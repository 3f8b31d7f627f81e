"""Augmentation is the choice of another window.

Source: SimpleBaseline (Xiao et al., ECCV 2018), with the amounts that each config states.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from paddle_pose.geometry import Window
from paddle_pose.structures import Sample


@dataclass(frozen=True)
class Augment:
    """How a training sample's window is varied: scaled, turned, mirrored.

    Attributes:
        flip: probability of mirroring.
        scale: the factor is normal with mean 1 and this deviation, clipped to 1 +- this.
        rotation: degrees; the angle is normal with this deviation, clipped to +- twice this.
        rotation_probability: share of the samples that are turned at all.
    """

    flip: float = 0.5
    scale: float = 0.5
    rotation: float = 40.0
    rotation_probability: float = 0.6

    def window(self, sample: Sample, rng: np.random.Generator) -> Window:
        """Returns another window on the same people.

        Args:
            sample: whose window is varied.
            rng: the only source of chance; the same generator gives the same window.
        """
        factor = np.clip(rng.normal(1.0, self.scale), 1.0 - self.scale, 1.0 + self.scale)
        angle = np.clip(rng.normal(0.0, self.rotation), -2 * self.rotation, 2 * self.rotation)
        turned = rng.random() < self.rotation_probability
        mirrored = rng.random() < self.flip
        return replace(
            sample.window.scaled(float(factor)),
            rotation=float(angle) if turned else 0.0,
            flip=bool(mirrored),
        )
