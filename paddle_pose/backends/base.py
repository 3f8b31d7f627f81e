"""What a backend is: uint8 images in, named maps out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Backend = Callable[[np.ndarray], dict[str, np.ndarray]]
"""[N, H, W, 3] uint8 RGB -> maps by name, the batch first."""
