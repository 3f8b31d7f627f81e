"""Names that a pickle may refer to, with the function that each stands for: containers and arrays.

Source: the output of ``numpy.ndarray.__reduce__`` and ``numpy.dtype.__reduce__``.
Differs: a name in a file only selects one of the functions below: nothing is imported, no attribute
    is looked up, and no state reaches NumPy's C code unchecked.
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
    """Error for a file that requests more than tensors and plain values; nothing was executed."""


def refuse(what: str) -> NoReturn:
    """Raises an error that states what a file requests.

    Args:
        what: Requested operation or object, as it follows "wants": "to run os.system".

    Raises:
        RefusedError: Always.
    """
    raise RefusedError(f"wants {what}; refused, nothing was executed")


def describe(value: Any) -> str:
    """Returns a short description of a value for an error message.

    Args:
        value: Value from a file.

    Returns:
        For text and integers the first 60 characters of their `repr`, else "a " and the type.
    """
    return repr(value)[:60] if isinstance(value, (str, int)) else f"a {type(value).__name__}"


class Global:
    """A name that a pickle may refer to; a call in the pickle runs `build`, not what has that name.

    The arguments are attributes of the same names.

    Args:
        name: "module.name" as in the pickle.
        build: Function that receives the arguments of a call in the pickle, which may be anything,
            and returns the result of the call; it calls `refuse` for unusual ones. None for names
            that cannot be called, such as types.
    """

    __slots__ = ("build", "name")

    def __init__(self, name: str, build: Callable[..., Any] | None = None) -> None:
        self.name = name
        self.build = build


Allowed = Mapping[tuple[str, str], Global]  # (module, name) -> entry of the allow-list


def allow(module: str, **builds: Callable[..., Any] | None) -> dict[tuple[str, str], Global]:
    """Returns allow-list entries for the names of one module, as `safe_pickle.unpickle` takes them.

    Args:
        module: Name of the module as in the pickle.
        builds: Function that builds the object, see `Global.build`, by the name in the module; None
            for a name that cannot be called. A dotted name is given as `**{"a.b": build}`.

    Example:
        >>> [entry.name for entry in allow("collections", OrderedDict=dict).values()]
        ['collections.OrderedDict']
    """
    return {(module, name): Global(f"{module}.{name}", build) for name, build in builds.items()}


class Inert:
    """Placeholder for an object of another library that is no tensor; ignores everything.

    Args:
        arguments: Arguments of the object's constructor; ignored.
    """

    def __init__(self, *arguments: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        """Ignores the item."""

    def append(self, value: Any) -> None:
        """Ignores the item."""

    def extend(self, values: Any) -> None:
        """Ignores the items."""


def check_keys(keys: Iterable[Any]) -> None:
    """Raises an error unless all keys are str, bytes, numbers, None, or tuples of these.

    Tuples may not contain tuples.

    Hashing tuples that are nested a million times would crash the interpreter.

    Args:
        keys: Keys of a dict, or items of a set.

    Raises:
        RefusedError: If a key is anything else.
    """
    for key in keys:
        for part in key if type(key) is tuple else (key,):
            if type(part) not in _KEYS:
                refuse(f"a key made of {describe(part)}")


def _sequence(kind: type) -> Callable[..., Any]:
    """Returns a function that builds a list, tuple or set and accepts only lists and tuples."""

    def build(items: Any = ()) -> Any:
        if not isinstance(items, (list, tuple)):
            refuse(f"a {kind.__name__} made of {describe(items)}")
        if kind is set:
            check_keys(items)
        return kind(items)

    return build


def _mapping(kind: type) -> Callable[..., Any]:
    """Returns a function that builds a dict type and accepts only dicts and lists of pairs."""

    def build(items: Any = ()) -> Any:
        pairs = list(items.items()) if isinstance(items, dict) else items
        if not isinstance(pairs, (list, tuple)) or not all(
            isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in pairs
        ):
            refuse(f"a {kind.__name__} made of {describe(items)}")
        check_keys(key for key, _ in pairs)
        return kind(pairs)

    return build


def _encode(text: Any, encoding: Any) -> bytes:
    """Returns text encoded as latin1; protocol 2 writes bytes that way."""
    if not isinstance(text, str) or not isinstance(encoding, str) or encoding != "latin1":
        refuse(f"_codecs.encode of {describe(text)} to {describe(encoding)}")
    return text.encode("latin1")


class Dtype:
    """Stand-in for `numpy.dtype` in a pickle; only dtypes of plain numbers are accepted.

    Args:
        code: Code of the dtype without byte order, such as "f4"; not checked by the caller.
        flags: Further arguments of `numpy.dtype`; ignored.

    Attributes:
        code: Code of the dtype without byte order.
        order: Byte order: "<", ">", "|", or "=" for the machine's.

    Raises:
        RefusedError: If the dtype is not that of plain numbers.
    """

    __slots__ = ("code", "order")

    def __init__(self, code: Any, *flags: Any) -> None:
        if not isinstance(code, str) or code not in _NUMBERS:
            refuse(f"an array of {describe(code)}, which are not numbers")
        self.code = code
        self.order = "="

    def set_state(self, state: Any) -> None:
        """Sets the byte order, which `numpy` then returns.

        Args:
            state: State as NumPy writes it: (version, order, subarray, names, fields, ...), with
                the order "<", ">", "=" or "|" and None for the next three.

        Raises:
            RefusedError: If the dtype has fields or a subarray, or the byte order is unknown.
        """
        plain = isinstance(state, tuple) and len(state) >= 5 and isinstance(state[1], str)
        if not plain or state[1] not in set("<>=|") or any(p is not None for p in state[2:5]):
            refuse("a dtype with fields or an unknown byte order")
        self.order = state[1]

    def numpy(self) -> np.dtype:
        """Returns the NumPy dtype in the byte order that `set_state` set, else the machine's."""
        return np.dtype(self.order + self.code)


def checked_array(data: Any, dtype: Any, shape: Any) -> tuple[bytes, np.dtype, tuple[int, ...]]:
    """Returns the bytes, dtype and shape of an array after checking each and their sizes.

    The values come from a pickle and may be of any type.

    Args:
        data: Bytes of the array; from Python 2 a str, which is encoded as latin1.
        dtype: `Dtype` of the array.
        shape: Shape of the array.

    Returns:
        (bytes, NumPy dtype, shape), of which the shape and the dtype give the number of bytes.

    Raises:
        RefusedError: If a part has another type, or shape and dtype do not fit the bytes.
    """
    data = data.encode("latin1") if isinstance(data, str) else data  # Python 2 wrote str
    sane_shape = isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)
    if not isinstance(dtype, Dtype) or not isinstance(data, bytes) or not sane_shape:
        refuse("an array whose parts are not a dtype, a shape and bytes")
    number = dtype.numpy()
    if len(data) != math.prod(shape) * number.itemsize:
        refuse(f"an array of shape {shape} and dtype {number} made of {len(data)} bytes")
    return data, number, shape


def _scalar(dtype: Any, data: Any) -> np.generic:
    """Returns a NumPy scalar."""
    data, number, _ = checked_array(data, dtype, ())
    scalar: np.generic = np.frombuffer(data, number)[0]
    return scalar


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    """Returns an array that uses the memory of `data`, as protocol 5 stores arrays."""
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
SPELLINGS = {  # module names of Python 2 and of NumPy 2 -> name in the allow-list
    "__builtin__": "builtins",
    "numpy._core.multiarray": "numpy.core.multiarray",
    "numpy._core.numeric": "numpy.core.numeric",
}
