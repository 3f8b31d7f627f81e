"""Reads arrays of numbers from JSON records, with errors that name the file and the record.

A number is a JSON number: text such as "12", true, false and null are none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from paddle_pose.errors import InputError

NUMBER_TYPES = frozenset((int, float))
"""Types of numbers that were read from JSON; the type of true and false is another one."""


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
    value = numbers(record[key])
    if isinstance(value, str):
        raise InputError(f"{where}: key {key!r} {value}")
    if value.shape != shape:
        raise InputError(f"{where}: key {key!r} must have shape {shape}, got {value.shape}")
    if not np.isfinite(value).all():
        raise InputError(f"{where}: key {key!r} holds NaN or infinity")
    return value


def numbers(value: Any) -> np.ndarray | str:
    """Returns a number, or nested lists of numbers, as a float64 array; else why it is none.

    Args:
        value: Any value from JSON.

    Returns:
        The array, which may contain NaN and infinity; or a text that continues "key 'bbox' ...",
        such as "does not hold numbers: it has the text '3'".

    Example:
        >>> numbers([1, 2.5]).tolist(), numbers([1, "2.5"])
        ([1.0, 2.5], "does not hold numbers: it has the text '2.5'")
    """
    odd = _odd_value(value)
    if odd is not None:
        return f"does not hold numbers: it has {odd}"
    try:
        return np.asarray(value, np.float64)
    except OverflowError:
        return "does not hold numbers: one is too large"
    except (TypeError, ValueError):
        return "does not hold numbers: its lists differ in length"


def _odd_value(value: Any) -> str | None:
    """Returns the name of the first value that is neither a number nor a list; None if none is."""
    if isinstance(value, list | tuple):
        if NUMBER_TYPES.issuperset(map(type, value)):
            return None
        return next((odd for odd in map(_odd_value, value) if odd is not None), None)
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if value is None or isinstance(value, bool):
        return {True: "true", False: "false", None: "null"}[value]
    is_number = isinstance(value, int | float | np.number) or (
        isinstance(value, np.ndarray) and value.dtype.kind in "iuf"
    )
    return None if is_number else type(value).__name__
