"""Ranges of numbers: what a number may be is stated once, beside its type.

A field of a config is written `epochs: Annotated[int, Range(1, 1_000_000)] = 210`, a flag takes `number(int, min=1, max=1024)`
of `cli.options` as its type; both refuse NaN, infinities and what lies outside with the same words.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from paddle_pose.errors import InputError


@dataclass(frozen=True)
class Range:
    """The numbers from `min` to `max`; neither NaN nor an infinity is one of them.

    Attributes:
        min: the least number.
        max: the greatest.
        exclusive_min: leave `min` itself out.

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
        """Returns how a message names the numbers of a kind in this range.

        Example:
            >>> Range(0, 1, exclusive_min=True).words(float)
            'float above 0, at most 1'
        """
        least = f"above {self.min}, at most" if self.exclusive_min else f"from {self.min} to"
        return f"{kind.__name__} {least} {self.max}"


Share = Annotated[float, Range(0, 1)]
Seed = Annotated[int, Range(0, 2**32 - 1)]
BatchSize = Annotated[int, Range(1, 65_536)]
Side = Annotated[int, Range(1, 4096)]  # px of a network's input


def check(key: str, value: Any, hint: Any) -> None:
    """Makes sure that a number, or each of a tuple of numbers, lies in the range that its type states.

    Args:
        key: names the value in the message.
        value: of the type's shape.
        hint: the type; one that states no range allows everything.

    Raises:
        InputError: If a number is of another kind or lies outside.

    Example:
        >>> check("train.seed", -1, Seed)
        Traceback (most recent call last):
        paddle_pose.errors.InputError: key 'train.seed': got -1, expected int from 0 to 4294967295
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        kind, allowed = arguments
        numeric = isinstance(value, Integral if kind is int else Real) and not isinstance(
            value, bool
        )
        if not numeric or value not in allowed:
            raise InputError(f"key {key!r}: got {value!r}, expected {allowed.words(kind)}")
    elif origin is tuple:
        kinds = (arguments[0],) * len(value) if arguments[-1] is Ellipsis else arguments
        for part, kind in zip(value, kinds, strict=True):
            check(key, part, kind)


def check_fields(values: Any, part: str) -> None:
    """Makes sure that every field of a dataclass lies in the range that its type states.

    Args:
        values: a dataclass.
        part: of a config that it is, for the message.

    Raises:
        InputError: If one lies outside.
    """
    for name, hint in get_type_hints(type(values), include_extras=True).items():
        check(f"{part}.{name}", getattr(values, name), hint)
