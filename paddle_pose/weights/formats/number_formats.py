"""Converts stored bytes to NumPy arrays, bfloat16 included."""

from __future__ import annotations

import numpy as np

BFLOAT16 = "bfloat16"


def widen_bfloat16(bits: np.ndarray) -> np.ndarray:
    """Returns bfloat16 numbers as float32, which is exact.

    Args:
        bits: Bits of the numbers as uint16, of any shape.

    Returns:
        float32 of the same shape.

    Example:
        >>> widen_bfloat16(np.array([0x3F80, 0xC000], np.uint16)).tolist()
        [1.0, -2.0]
    """
    wide = np.empty(bits.shape, np.uint32)
    values: np.ndarray = np.left_shift(bits, 16, dtype=np.uint32, out=wide).view(np.float32)
    return values


def decode(raw: bytes, code: str, order: str = "<") -> np.ndarray:
    """Returns stored numbers as a 1-D array in the byte order of the machine.

    Args:
        raw: Stored bytes.
        code: NumPy's code of the number format, such as "f4"; or BFLOAT16, which becomes float32.
        order: Byte order of `raw`: "<" for little-endian, ">" for big-endian.

    Returns:
        [n] in the dtype of the code, maybe read-only.

    Raises:
        ValueError: If `raw` is not a whole number of such numbers long.
    """
    stored = np.dtype(order + ("u2" if code == BFLOAT16 else code))
    numbers = np.frombuffer(raw, stored).astype(stored.newbyteorder("="), copy=False)
    return widen_bfloat16(numbers) if code == BFLOAT16 else numbers
