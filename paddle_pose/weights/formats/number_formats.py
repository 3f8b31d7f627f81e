"""Turns stored bytes into NumPy numbers, bfloat16 included."""

from __future__ import annotations

import numpy as np

BFLOAT16 = "bfloat16"


def widen_bfloat16(bits: np.ndarray) -> np.ndarray:
    """Returns float32 values of the same shape for bfloat16 bits in a uint16 array; exact.

    Example:
        >>> widen_bfloat16(np.array([0x3F80, 0xC000], np.uint16)).tolist()
        [1.0, -2.0]
    """
    wide = np.empty(bits.shape, np.uint32)
    values: np.ndarray = np.left_shift(bits, 16, dtype=np.uint32, out=wide).view(np.float32)
    return values


def decode(raw: bytes, code: str, order: str = "<") -> np.ndarray:
    """Returns the numbers in `raw` as a 1-D array of the machine's byte order.

    Args:
        raw: the stored bytes.
        code: NumPy's code, such as "f4", or BFLOAT16, which comes back as float32.
        order: "<" for little-endian, ">" for big-endian bytes.
    """
    stored = np.dtype(order + ("u2" if code == BFLOAT16 else code))
    numbers = np.frombuffer(raw, stored).astype(stored.newbyteorder("="), copy=False)
    return widen_bfloat16(numbers) if code == BFLOAT16 else numbers
