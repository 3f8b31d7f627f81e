"""Fields of JSON records, checked with the file and the record named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from paddle_pose.errors import InputError


def field(
    record: Mapping[str, Any], keys: Sequence[str], shape: tuple[int, ...], where: str
) -> np.ndarray:
    """Returns a field as float64 numbers of the shape given.

    Args:
        record: to look into.
        keys: names the field may have; the first one found counts.
        shape: expected.
        where: names file and record in messages.

    Raises:
        InputError: If it is missing, of another shape, or holds anything but finite numbers.
    """
    key = next((key for key in keys if key in record), None)
    if key is None:
        raise InputError(f"{where}: no key {' or '.join(map(repr, keys))}; it has {sorted(record)}")
    try:
        value = np.asarray(record[key], np.float64)
    except (TypeError, ValueError) as problem:
        raise InputError(f"{where}: key {key!r} does not hold numbers") from problem
    if value.shape != shape:
        raise InputError(f"{where}: key {key!r} must have shape {shape}, got {value.shape}")
    if not np.isfinite(value).all():
        raise InputError(f"{where}: key {key!r} holds NaN or infinity")
    return value
