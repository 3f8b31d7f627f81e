"""Reads pickles through an allow-list; other names in a file raise an error and are not executed.

Source: the pickle protocols 2 to 5 (PEP 307, 3154, 574).
Differs: ``paddle.load`` (3.3) and plain ``pickle.load`` call any function that a file names.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.io.limits import Budget
from paddle_pose.weights.formats.allow_list import (
    NDARRAY,
    PLAIN,
    SPELLINGS,
    Allowed,
    Dtype,
    Global,
    Inert,
    RefusedError,
    allow,
    check_keys,
    checked_array,
    describe,
    refuse,
)


class _Bounded:
    """A stream that raises EOFError instead of reading past its end.

    With it a forged length cannot allocate memory.

    Args:
        stream: Seekable stream at the beginning of the pickle.
        budget: Memory that the content may need; what is read counts.
    """

    def __init__(self, stream: BinaryIO, budget: Budget) -> None:
        self.stream = stream
        self.budget = budget
        self.readline = stream.readline
        here = stream.tell()
        self.end = stream.seek(0, os.SEEK_END)
        stream.seek(here)

    def read(self, count: int) -> bytes:
        left = self.end - self.stream.tell()
        if count > left:
            raise EOFError(f"{count} bytes announced, {left} left")
        self.budget.use(count)
        return self.stream.read(count)


# Bytes of memory of what an opcode creates, with its place on the stack, where that is more than
# `_OTHER_BYTES`. The content of text, bytes and integers is counted when it is read.
_BYTES = {
    pickle.EMPTY_SET: 224,
    pickle.EMPTY_DICT: 72,
    pickle.EMPTY_LIST: 64,
    pickle.MARK: 72,
    **dict.fromkeys((pickle.PUT, pickle.BINPUT, pickle.LONG_BINPUT, pickle.MEMOIZE), 104),
    **dict.fromkeys((pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3, pickle.TUPLE), 72),
    **dict.fromkeys((pickle.SETITEM, pickle.REDUCE, pickle.NEWOBJ), 104),
    **dict.fromkeys((pickle.SHORT_BINUNICODE, pickle.BINUNICODE, pickle.UNICODE), 64),
    **dict.fromkeys((pickle.GLOBAL, pickle.STACK_GLOBAL), 64),
}
_OTHER_BYTES = 40


def _charged(methods: Mapping[int, Callable[[Any], None]]) -> dict[int, Callable[[Any], None]]:
    """Returns the methods of opcodes so that each uses memory of the budget before it runs."""

    def charge(method: Callable[[Any], None], count: int) -> Callable[[Any], None]:
        def load(unpickler: Any) -> None:
            unpickler.budget.use(count)
            method(unpickler)

        return load

    return {
        code: charge(method, _BYTES.get(bytes([code]), _OTHER_BYTES))
        for code, method in methods.items()
    }


# The Python implementation instead of the C one: its memo is a dict, so that a forged memo index
# cannot allocate gigabytes, and each opcode can be replaced.
_PythonUnpickler: Any = pickle._Unpickler


# typeshed declares neither the stack nor the opcodes of the parent class.
class _Unpickler(_PythonUnpickler):  # type: ignore[misc]
    """Unpickler whose names come from an allow-list and whose opcodes check their operands.

    Args:
        stream: Seekable stream at the beginning of the pickle.
        extra: Allow-list entries in addition to `PLAIN`.
        persistent: Function that returns the object of a persistent id; None refuses such ids.
        budget: Memory that the content may need.
    """

    dispatch = dict(_PythonUnpickler.dispatch)  # noqa: RUF012 - name given by the parent class
    for _opcode in ("INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "FROZENSET"):
        del dispatch[getattr(pickle, _opcode)[0]]  # weights files do not use them

    def __init__(
        self,
        stream: BinaryIO,
        extra: Allowed,
        persistent: Callable[[Any], Any] | None,
        budget: Budget,
    ) -> None:
        super().__init__(_Bounded(stream, budget), encoding="latin1")
        reconstruct = allow("numpy.core.multiarray", _reconstruct=self._blank_array)
        self._allowed = {**PLAIN, **extra, **reconstruct}
        self._persistent = persistent
        self._blank: dict[int, np.ndarray] = {}
        self.budget = budget

    def find_class(self, module: str, name: str) -> Global:
        found = self._allowed.get((SPELLINGS.get(module, module), name))
        if found is None:  # dotted names, too: no entry has one, and no attribute is looked up
            refuse(f"to run {module}.{name}")
        return found

    def persistent_load(self, pid: Any) -> Any:
        if self._persistent is None:
            refuse("an object from outside the file (a persistent id)")
        return self._persistent(pid)

    def _blank_array(self, kind: Any, shape: Any, code: Any) -> np.ndarray:
        """Returns an empty array that a BUILD opcode fills; NumPy writes shape (0,) and "b"."""
        if kind is not NDARRAY or shape != (0,) or code not in (b"b", "b"):
            refuse("to run numpy's _reconstruct with unusual arguments")
        blank = np.ndarray((0,), np.int8)
        self._blank[id(blank)] = blank
        return blank

    def _load_call(self) -> None:
        arguments, target = self.stack.pop(), self.stack.pop()
        if not isinstance(target, Global) or not isinstance(arguments, tuple):
            refuse(f"to call {describe(target)}")
        if target.build is None:
            refuse(f"to run {target.name}")
        # A call may copy what its arguments hold, and the pickle may repeat it for the same ones.
        self.budget.use(sum(map(_bytes_of, arguments)))
        try:
            result = target.build(*arguments)
        except TypeError:
            refuse(f"to run {target.name} with unusual arguments")
        self.budget.use(_bytes_of(result))
        self.stack.append(result)

    def _load_build(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, Dtype):
            target.set_state(state)
        elif self._blank.pop(id(target), None) is not None:
            # Once per array, and only for arrays made by `_blank_array`: filling another one could
            # free memory that a view still uses.
            if not isinstance(state, tuple) or len(state) != 5:
                refuse("an array with an unknown state")
            self.budget.use(_bytes_of(state[4]))
            data, number, shape = checked_array(state[4], state[2], state[1])
            target.__setstate__((1, shape, number, bool(state[3]), data))
        elif not isinstance(target, (OrderedDict, Inert)):  # torch adds `_metadata` to OrderedDict
            refuse(f"to change the state of {describe(target)}")

    def _load_items(self) -> None:
        self._set_items(self.pop_mark())

    def _load_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set_items([key, value])

    def _set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, (dict, Inert)):
            refuse(f"to set items of {describe(target)}")
        check_keys(items[::2])
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[key] = value

    def _load_set_items(self) -> None:
        items, target = self.pop_mark(), self.stack[-1]
        if not isinstance(target, set):
            refuse(f"to add items to {describe(target)}")
        check_keys(items)
        target.update(items)

    def _load_bytes(self) -> None:
        # Python's own method first allocates the stated size, even if the file is smaller.
        self.append(self.read(int.from_bytes(self.read(8), "little")))

    dispatch[pickle.REDUCE[0]] = dispatch[pickle.NEWOBJ[0]] = _load_call
    dispatch[pickle.BUILD[0]] = _load_build
    dispatch[pickle.SETITEM[0]] = _load_item
    dispatch[pickle.SETITEMS[0]] = _load_items
    dispatch[pickle.ADDITEMS[0]] = _load_set_items
    dispatch[pickle.BYTEARRAY8[0]] = _load_bytes
    dispatch = _charged(dispatch)


def _bytes_of(value: Any) -> int:
    """Returns how many bytes a copy of a value needs, without those of its items."""
    # A view may repeat few numbers of its storage; copies of it do not.
    return value.nbytes if isinstance(value, np.ndarray) else sys.getsizeof(value)


def unpickle(
    stream: BinaryIO,
    path: Path,
    extra: Allowed | None = None,
    persistent: Callable[[Any], Any] | None = None,
    budget: Budget | None = None,
) -> Any:
    """Returns the content of one pickle; the stream is then at the end of that pickle.

    The content is made of dicts, lists, tuples, sets, text, bytes, numbers and NumPy arrays, and of
    what the functions in `extra` and `persistent` return.

    Args:
        stream: Seekable stream at the beginning of the pickle.
        path: Path of the file, for messages.
        extra: Allow-list entries in addition to `allow_list.PLAIN`, made by `allow_list.allow`;
            None for none.
        persistent: Function that receives a persistent id, unchecked, and returns the object for
            it; None refuses such ids, which refer to objects outside the pickle.
        budget: Memory that the content may need; None for that of a file of the size of `path`.

    Raises:
        RefusedError: If the pickle refers to a name that is not allowed, or uses an allowed one
            with unusual arguments.
        InputError: If the pickle is truncated or damaged, or its content needs more memory than
            the budget.
    """
    budget = Budget(path.stat().st_size) if budget is None else budget
    try:
        return _Unpickler(stream, extra or {}, persistent, budget).load()
    except RefusedError as error:
        raise RefusedError(
            f"{path}: {error}. Only tensors and plain values are read: use a file that contains "
            "only a state_dict, or a .safetensors file."
        ) from None
    except InputError as error:
        raise InputError(f"{path}: {error}; not a weights file") from error
    except Exception as error:  # a damaged pickle can raise nearly any exception
        raise InputError(
            f"{path}: truncated or damaged ({type(error).__name__}: {error}); download it again"
        ) from error


def read_pickle(path: str | os.PathLike[str]) -> Any:
    """Returns the content of a file written by ``paddle.save``, usually a dict of arrays by name.

    Args:
        path: Path of the file; it may contain what `unpickle` lists.

    Raises:
        FileNotFoundError: If there is no such file.
        RefusedError: If the file contains or calls anything else.
        InputError: If the file is truncated or damaged.

    Example:
        >>> import pickle, tempfile
        >>> with tempfile.NamedTemporaryFile() as file:
        ...     _ = file.write(pickle.dumps({"LR_Scheduler": {"last_epoch": 3}}, protocol=2))
        ...     file.flush()
        ...     read_pickle(file.name)
        {'LR_Scheduler': {'last_epoch': 3}}
    """
    path = Path(path)
    with path.open("rb") as stream:
        return unpickle(stream, path)
