"""How far a score would move if other people had been photographed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np


def bootstrap(
    score: Callable[[np.ndarray], Mapping[str, float | np.ndarray]],
    people: int,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """Returns 95 % intervals of every number, resampling persons.

    Args:
        score: from [B, N] how often each person is taken to numbers [B].
        people: N.
        resamples: B, how many data sets of N persons are drawn with replacement.
        seed: of the draw.

    Returns:
        (low, high) by name; NaN for a number that is never defined.
    """
    counts = np.random.default_rng(seed).multinomial(
        people, np.full(people, 1 / people), size=resamples
    )
    return {
        name: (float(np.nanquantile(value, 0.025)), float(np.nanquantile(value, 0.975)))
        if np.isfinite(value).any()
        else (float("nan"), float("nan"))
        for name, value in score(counts.astype(np.float64)).items()
    }
