import random

import numpy as np
import paddle

from paddle_pose.training.seeds import seed_step


def random_values():
    from_numpy = np.random.random()  # noqa: NPY002 - the global generator
    return random.random(), from_numpy, paddle.rand([2]).tolist()


def test_seed_step_determines_all_generators():
    seed_step(3, 7)
    first = random_values()
    random_values()
    seed_step(3, 7)
    assert random_values() == first
    for other in ((3, 8), (4, 7), (7, 3)):
        seed_step(*other)
        assert all(a != b for a, b in zip(random_values(), first, strict=True))
