"""Randomness as a function of seed and step, so that checkpoints contain no generator states.

Differs: other projects save the states of the generators of Python, NumPy and the framework. Paddle
    cannot write the state of its generator to a file, and (seed, step) determines it anyway.
"""

from __future__ import annotations

import random

import numpy as np
import paddle


def seed_step(*numbers: int) -> None:
    """Seeds the generators of Python, NumPy and Paddle for one training step.

    Args:
        numbers: Integers that determine the random values of the step: the run's seed, the 0-based
            step and the rank of the process.
    """
    seed = int(np.random.SeedSequence(numbers).generate_state(1)[0])
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - for libraries and user code with the global generator
    paddle.seed(seed)
