"""Reads arrays of numbers from JSON records, with errors that name the file and the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from paddle_pose.errors import InputError


def field(
    record: Mapping[str, Any], keys: Sequence[str], shape: tuple[int, ...], where: str
) -> np.ndarray:
    """Returns a field of a record as a float64 array.

    Args:
        record: JSON object with the field, a number or nested lists of numbers.
        keys: Possible keys of the field; the first one that the record has is used.
        shape: Expected shape of the array; () for a number.
        where: Name of the file and the record in messages.

    Raises:
        InputError: If the field is missing, has another shape, or contains a value that is not a
            finite number.
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
