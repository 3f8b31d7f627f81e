"""Chance as a function of seed and step, so that there is no state of it to save or to lose.

Differs: other projects store the states of Python's, NumPy's and the framework's generators. Paddle has no way to put its
    own into a file, and a state would say nothing that (seed, step) does not.
"""

from __future__ import annotations

import random

import numpy as np
import paddle


def seed_step(*numbers: int) -> None:
    """Seeds Python's, NumPy's and Paddle's generators for one training step.

    Args:
        numbers: what the step's chance depends on: the run's seed, the step, the process.
    """
    seed = int(np.random.SeedSequence(numbers).generate_state(1)[0])
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - for libraries and user code that draw from the global generator
    paddle.seed(seed)
