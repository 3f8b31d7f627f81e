"""Reads pickles through an allow-list; whatever else a file names is refused, not run.

Source: the pickle protocols 2 to 5 (PEP 307, 3154, 574).
Differs: ``paddle.load`` (3.3) and plain ``pickle.load`` call whatever a file names.
"""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from paddle_pose.errors import InputError
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
    refuse,
    told,
)


class _Bounded:
    """A stream that does not read past its end, so that a forged length cannot allocate memory."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.readline = stream, stream.readline
        here = stream.tell()
        self.end = stream.seek(0, os.SEEK_END)
        stream.seek(here)

    def read(self, count: int) -> bytes:
        left = self.end - self.stream.tell()
        if count > left:
            raise EOFError(f"{count} bytes announced, {left} left")
        return self.stream.read(count)


# The Python implementation, not the C one: its memo is a dict, so a forged memo index cannot
# allocate gigabytes, and each opcode can be replaced.
_PythonUnpickler: Any = pickle._Unpickler


class _Unpickler(_PythonUnpickler):  # type: ignore[misc]  # typeshed states neither its stack nor its opcodes
    dispatch = dict(_PythonUnpickler.dispatch)  # noqa: RUF012 - what the parent class calls it
    for _opcode in ("INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "FROZENSET"):
        del dispatch[getattr(pickle, _opcode)[0]]  # no file with weights has them

    def __init__(
        self, stream: BinaryIO, extra: Allowed, persistent: Callable[[Any], Any] | None
    ) -> None:
        super().__init__(_Bounded(stream), encoding="latin1")
        reconstruct = allow("numpy.core.multiarray", _reconstruct=self._blank_array)
        self._allowed = {**PLAIN, **extra, **reconstruct}
        self._persistent = persistent
        self._blank: dict[int, np.ndarray] = {}

    def find_class(self, module: str, name: str) -> Global:
        found = self._allowed.get((SPELLINGS.get(module, module), name))
        if found is None:  # dotted names end here too: no entry has one, and nothing is looked up
            refuse(f"to run {module}.{name}")
        return found

    def persistent_load(self, pid: Any) -> Any:
        if self._persistent is None:
            refuse("an object from outside the file (a persistent id)")
        return self._persistent(pid)

    def _blank_array(self, kind: Any, shape: Any, code: Any) -> np.ndarray:
        """Returns the empty array that a BUILD fills; NumPy always writes shape (0,) and "b"."""
        if kind is not NDARRAY or shape != (0,) or code not in (b"b", "b"):
            refuse("to run numpy's _reconstruct with unusual arguments")
        blank = np.ndarray((0,), np.int8)
        self._blank[id(blank)] = blank
        return blank

    def _load_call(self) -> None:
        arguments, target = self.stack.pop(), self.stack.pop()
        if not isinstance(target, Global) or not isinstance(arguments, tuple):
            refuse(f"to call {told(target)}")
        if target.build is None:
            refuse(f"to run {target.name}")
        try:
            self.stack.append(target.build(*arguments))
        except TypeError:
            refuse(f"to run {target.name} with unusual arguments")

    def _load_build(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, Dtype):
            target.set_state(state)
        elif self._blank.pop(id(target), None) is not None:
            # Once per array, and only on ours: filling another could free memory under a view.
            if not isinstance(state, tuple) or len(state) != 5:
                refuse("an array with an unknown state")
            data, number, shape = checked_array(state[4], state[2], state[1])
            target.__setstate__((1, shape, number, bool(state[3]), data))
        elif not isinstance(target, (OrderedDict, Inert)):  # torch adds `_metadata` to OrderedDict
            refuse(f"to change the state of {told(target)}")

    def _load_items(self) -> None:
        self._set_items(self.pop_mark())

    def _load_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set_items([key, value])

    def _set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, (dict, Inert)):
            refuse(f"to set items of {told(target)}")
        check_keys(items[::2])
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[key] = value

    def _load_set_items(self) -> None:
        items, target = self.pop_mark(), self.stack[-1]
        if not isinstance(target, set):
            refuse(f"to add items to {told(target)}")
        check_keys(items)
        target.update(items)

    def _load_bytes(self) -> None:
        # The original first fills the announced size with zeros, whatever the file's size.
        self.append(self.read(int.from_bytes(self.read(8), "little")))

    dispatch[pickle.REDUCE[0]] = dispatch[pickle.NEWOBJ[0]] = _load_call
    dispatch[pickle.BUILD[0]] = _load_build
    dispatch[pickle.SETITEM[0]] = _load_item
    dispatch[pickle.SETITEMS[0]] = _load_items
    dispatch[pickle.ADDITEMS[0]] = _load_set_items
    dispatch[pickle.BYTEARRAY8[0]] = _load_bytes


def unpickle(
    stream: BinaryIO,
    path: Path,
    extra: Allowed | None = None,
    persistent: Callable[[Any], Any] | None = None,
) -> Any:
    """Reads one pickle from a seekable stream and leaves the stream behind its end.

    Args:
        stream: where the pickle begins.
        path: the file that errors name.
        extra: further allowed names.
        persistent: answers persistent ids; without it a file that has some is refused.

    Raises:
        RefusedError: If the pickle names anything that is not allowed, or abuses something that is.
        InputError: If the pickle is truncated or damaged.
    """
    try:
        return _Unpickler(stream, extra or {}, persistent).load()
    except RefusedError as error:
        raise RefusedError(
            f"{path}: {error}. Only tensors and plain values are read: use a file that holds a "
            f"state_dict alone, or .safetensors."
        ) from None
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise InputError(
            f"{path}: truncated or damaged ({type(error).__name__}: {error}); fetch the file again"
        ) from error


def read_pickle(path: str | os.PathLike[str]) -> Any:
    """Reads a file that ``paddle.save`` wrote: containers, numbers and NumPy arrays.

    Raises:
        FileNotFoundError: If there is no such file.
        RefusedError: If the file asks for anything else.
        InputError: If it is truncated or damaged.

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
