"""The names a pickle may mention and what each of them does: containers, numbers and arrays.

Source: what ``numpy.ndarray.__reduce__`` and ``numpy.dtype.__reduce__`` write.
Differs: a name in a file only ever selects one of the few functions below: nothing is imported, no
    attribute is looked up, and no state reaches NumPy's own C code unchecked.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import numpy as np

from paddle_pose.errors import InputError

_NUMBERS = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16")
_KEYS = (str, bytes, int, float, bool, type(None))


class RefusedError(InputError):
    """A file asked for something that data does not need; nothing of it was executed."""


def refuse(what: str) -> NoReturn:
    """Raises RefusedError: the file wants `what`."""
    raise RefusedError(f"wants {what}; refused, nothing was executed")


def told(value: Any) -> str:
    """Returns `value` as an error shows it: never more than a glimpse of it."""
    return repr(value)[:60] if isinstance(value, (str, int)) else f"a {type(value).__name__}"


class Global:
    """A name that a pickle may mention; calling it runs our `build`, never its namesake.

    Attributes:
        name: "module.name" as in the file.
        build: what a call of it returns; None for names that are only mentioned, such as types.
    """

    __slots__ = ("build", "name")

    def __init__(self, name: str, build: Callable[..., Any] | None = None) -> None:
        self.name, self.build = name, build


Allowed = Mapping[tuple[str, str], Global]  # (module, name) -> what it selects


def allow(module: str, **builds: Callable[..., Any] | None) -> dict[tuple[str, str], Global]:
    """Returns allow-list entries for the names of one module."""
    return {(module, name): Global(f"{module}.{name}", build) for name, build in builds.items()}


class Inert:
    """Stands for a foreign object that is no tensor: takes items, keeps none, runs nothing."""

    def __init__(self, *arguments: Any) -> None:
        """Ignores the arguments."""

    def __setitem__(self, key: Any, value: Any) -> None:
        """Ignores the item."""

    def append(self, value: Any) -> None:
        """Ignores the item."""

    def extend(self, values: Any) -> None:
        """Ignores the items."""


def check_keys(keys: Iterable[Any]) -> None:
    """Refuses keys that are neither plain values nor tuples of them.

    Hashing a tuple in a tuple, a million deep, would crash the interpreter.

    Raises:
        RefusedError: If a key is anything else.
    """
    for key in keys:
        for part in key if type(key) is tuple else (key,):
            if type(part) not in _KEYS:
                refuse(f"a key made of {told(part)}")


def _sequence(kind: type) -> Callable[..., Any]:
    def build(items: Any = ()) -> Any:
        if not isinstance(items, (list, tuple)):
            refuse(f"a {kind.__name__} made of {told(items)}")
        if kind is set:
            check_keys(items)
        return kind(items)

    return build


def _mapping(kind: type) -> Callable[..., Any]:
    def build(items: Any = ()) -> Any:
        pairs = list(items.items()) if isinstance(items, dict) else items
        if not isinstance(pairs, (list, tuple)) or not all(
            isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in pairs
        ):
            refuse(f"a {kind.__name__} made of {told(items)}")
        check_keys(key for key, _ in pairs)
        return kind(pairs)

    return build


def _encode(text: Any, encoding: Any) -> bytes:
    if not isinstance(text, str) or not isinstance(encoding, str) or encoding != "latin1":
        refuse(f"_codecs.encode of {told(text)} to {told(encoding)}")
    return text.encode("latin1")


class Dtype:
    """A dtype while its file is read; a real one is made only for plain numbers."""

    __slots__ = ("code", "order")

    def __init__(self, code: Any, *flags: Any) -> None:
        if not isinstance(code, str) or code not in _NUMBERS:
            refuse(f"an array of {told(code)}, which are not numbers")
        self.code, self.order = code, "="

    def set_state(self, state: Any) -> None:
        """Takes the byte order from (version, order, subarray, names, fields, ...)."""
        plain = isinstance(state, tuple) and len(state) >= 5 and isinstance(state[1], str)
        if not plain or state[1] not in set("<>=|") or any(p is not None for p in state[2:5]):
            refuse("a dtype with fields or an unknown byte order")
        self.order = state[1]

    def numpy(self) -> np.dtype:
        """Returns the dtype."""
        return np.dtype(self.order + self.code)


def checked_array(data: Any, dtype: Any, shape: Any) -> tuple[bytes, np.dtype, tuple[int, ...]]:
    """Returns the parts of an array once each is what it should be and they fit each other."""
    data = data.encode("latin1") if isinstance(data, str) else data  # Python 2 wrote str
    sane_shape = isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)
    if not isinstance(dtype, Dtype) or not isinstance(data, bytes) or not sane_shape:
        refuse("an array whose parts are not a dtype, a shape and bytes")
    number = dtype.numpy()
    if len(data) != math.prod(shape) * number.itemsize:
        refuse(f"an array of shape {shape} and dtype {number} made of {len(data)} bytes")
    return data, number, shape


def _scalar(dtype: Any, data: Any) -> np.generic:
    data, number, _ = checked_array(data, dtype, ())
    scalar: np.generic = np.frombuffer(data, number)[0]
    return scalar


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    data, number, shape = checked_array(data, dtype, shape)
    return np.ndarray(shape, number, buffer=data, order="F" if order == "F" else "C")


NDARRAY = Global("numpy.ndarray")
PLAIN: Allowed = {
    **allow("builtins", dict=_mapping(dict), list=_sequence(list), tuple=_sequence(tuple)),
    **allow("builtins", set=_sequence(set), bytes=lambda: b""),
    **allow("builtins", str=None, int=None, float=None, bool=None),
    **allow("collections", OrderedDict=_mapping(OrderedDict), Counter=_mapping(dict)),
    **allow("collections", defaultdict=lambda factory=None: {}),
    **allow("_codecs", encode=_encode),
    **allow("numpy", dtype=Dtype),
    **allow("numpy.core.multiarray", scalar=_scalar),
    **allow("numpy.core.numeric", _frombuffer=_from_buffer),
    ("numpy", "ndarray"): NDARRAY,
}
SPELLINGS = {  # one module under the names of Python 2 and of NumPy 2
    "__builtin__": "builtins",
    "numpy._core.multiarray": "numpy.core.multiarray",
    "numpy._core.numeric": "numpy.core.numeric",
}
