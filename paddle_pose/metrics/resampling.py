"""Bootstrap: 95 % intervals of a score over samples of people."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np


def bootstrap(
    score: Callable[[np.ndarray], Mapping[str, float | np.ndarray]],
    people: int,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """Returns the 95 % interval of every number of a score, by bootstrap over the people.

    Args:
        score: Function that receives counts [B, N] float64, how often each of B data sets contains
            each person, and returns {name: numbers [B]}. It is called once.
        people: Number N of people, at least 1.
        resamples: Number B of data sets, each of N people drawn with replacement.
        seed: Seed of the random draws.

    Returns:
        (low, high) by name; NaN for a number that is never defined.
    """
    counts = np.random.default_rng(seed).multinomial(
        people, np.full(people, 1 / people), size=resamples
    )
    numbers = score(counts.astype(np.float64))
    return {name: _interval(np.asarray(values)) for name, values in numbers.items()}


def _interval(values: np.ndarray) -> tuple[float, float]:
    """Returns the 2.5 % and 97.5 % quantiles of the values that are not NaN; NaN without any."""
    if not np.isfinite(values).any():
        return float("nan"), float("nan")
    return float(np.nanquantile(values, 0.025)), float(np.nanquantile(values, 0.975))
