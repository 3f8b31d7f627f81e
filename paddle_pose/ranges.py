"""Ranges of numbers, declared as part of a type.

A field of a config is declared as `epochs: Annotated[int, Range(1, 1_000_000)] = 210`, a flag of a
command with the type `number(int, min=1, max=1024)` of `cli.options`. Both reject NaN, infinity and
numbers outside the range with the same message.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from paddle_pose.errors import InputError


@dataclass(frozen=True)
class Range:
    """The numbers from `min` to `max`, without NaN and infinity; `number in range` tests one.

    Attributes:
        min: Smallest number.
        max: Largest number, inclusive.
        exclusive_min: Whether `min` itself is excluded.

    Example:
        >>> 0.0 in Range(0, 1), 0.0 in Range(0, 1, exclusive_min=True), float("nan") in Range(0, 1)
        (True, False, False)
    """

    min: float
    max: float
    exclusive_min: bool = False

    def __contains__(self, number: Any) -> bool:
        return bool(
            self.min < number <= self.max if self.exclusive_min else self.min <= number <= self.max
        )

    def words(self, kind: type) -> str:
        """Returns a description of the numbers in the range, for messages.

        Args:
            kind: Type of the numbers, `int` or `float`.

        Example:
            >>> Range(0, 1, exclusive_min=True).words(float)
            'float above 0, at most 1'
        """
        lower = f"above {self.min}, at most" if self.exclusive_min else f"from {self.min} to"
        return f"{kind.__name__} {lower} {self.max}"


Share = Annotated[float, Range(0, 1)]
"""Fraction or probability, not percent."""
Seed = Annotated[int, Range(0, 2**32 - 1)]
"""Seed of a generator of random numbers."""
BatchSize = Annotated[int, Range(1, 65_536)]
"""Number of samples in a batch."""
Side = Annotated[int, Range(1, 4096)]
"""Width or height of a network's input in px."""


def check(key: str, value: Any, hint: Any) -> None:
    """Checks that a number, or every number of a tuple, lies in the range that its type declares.

    Args:
        key: Name of the value, such as "train.seed", for the message.
        value: Number, or tuple of numbers.
        hint: Type of the value: `Annotated[int, Range(...)]` or with float, or a tuple type of
            such types. Any other type, such as `str` or plain `float`, accepts every value.

    Raises:
        InputError: If a number has the wrong type (a bool is no number) or lies outside its range.
        ValueError: If a tuple has another length than its type.

    Example:
        >>> check("train.seed", -1, Seed)
        Traceback (most recent call last):
        paddle_pose.errors.InputError: key 'train.seed': got -1, expected int from 0 to 4294967295
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        kind, allowed = arguments
        number_type = Integral if kind is int else Real
        is_number = isinstance(value, number_type) and not isinstance(value, bool)
        if not is_number or value not in allowed:
            raise InputError(f"key {key!r}: got {value!r}, expected {allowed.words(kind)}")
    elif origin is tuple:
        kinds = (arguments[0],) * len(value) if arguments[-1] is Ellipsis else arguments
        for part, kind in zip(value, kinds, strict=True):
            check(key, part, kind)


def check_fields(values: Any, part: str) -> None:
    """Checks that all fields of a dataclass lie in the ranges that their types declare.

    Args:
        values: Instance of a dataclass.
        part: Dotted key of the instance in the config, such as "train.optimizer", for the message.

    Raises:
        InputError: If the value of a field lies outside its range.
    """
    for name, hint in get_type_hints(type(values), include_extras=True).items():
        check(f"{part}.{name}", getattr(values, name), hint)
