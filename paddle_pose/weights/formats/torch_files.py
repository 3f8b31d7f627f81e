"""Reads both formats of ``torch.save``, zip and the older stream, without torch.

Nothing in a file is executed.

Source: torch/serialization.py and torch/_utils.py of PyTorch 2.13 for the layout of both formats.
Checked against: files written by torch 2.13 in both formats: every dtype in `_STORAGES` and
    `_DTYPES`, strided and expanded views, shared storages.
Differs: sparse, quantized and conjugated tensors, subclasses and pickled modules are refused, as
    are zip files that were written without checksums (``set_crc32_options(False)``).
"""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.io.limits import Budget
from paddle_pose.weights.formats.allow_list import Global, Inert, allow, describe, refuse
from paddle_pose.weights.formats.number_formats import BFLOAT16, decode
from paddle_pose.weights.formats.safe_pickle import unpickle

MAGIC = 0x1950A86A20F9469CFC6C.to_bytes(10, "little")  # in the first pickle of a stream file

_STORAGES = {
    "torch.FloatStorage": "f4",
    "torch.DoubleStorage": "f8",
    "torch.HalfStorage": "f2",
    "torch.BFloat16Storage": BFLOAT16,
    "torch.LongStorage": "i8",
    "torch.IntStorage": "i4",
    "torch.ShortStorage": "i2",
    "torch.CharStorage": "i1",
    "torch.ByteStorage": "u1",
    "torch.BoolStorage": "b1",
    "torch.ComplexFloatStorage": "c8",
    "torch.ComplexDoubleStorage": "c16",
    "torch.storage.UntypedStorage": "u1",
}
# These dtypes have no storage type of their own.
_DTYPES = {"torch.uint16": "u2", "torch.uint32": "u4", "torch.uint64": "u8"}


class _Storage:
    """A torch storage: 1-D memory that one or more tensors are views of.

    Args:
        numbers: Numbers of the storage, 1-D.
    """

    __slots__ = ("numbers",)

    def __init__(self, numbers: np.ndarray) -> None:
        self.numbers = numbers


def _view(numbers: np.ndarray, offset: Any, shape: Any, strides: Any) -> np.ndarray:
    """Returns a read-only view of a storage.

    Args:
        numbers: Numbers of the storage, 1-D.
        offset: Index of the first element.
        shape: Shape of the view.
        strides: Strides in elements.

    Raises:
        RefusedError: If the view would reach beyond the storage.
    """
    sane = isinstance(shape, tuple) and isinstance(strides, tuple) and len(shape) == len(strides)
    if not sane or not all(type(n) is int and n >= 0 for n in (offset, *shape, *strides)):
        refuse("a tensor with an offset, shape or strides that are not natural numbers")
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if math.prod(shape) and last >= len(numbers):
        refuse(f"a tensor that ends at element {last} of a storage of {len(numbers)}")
    steps = [step * numbers.itemsize for step in strides]
    start = numbers[min(offset, len(numbers)) :]
    return np.lib.stride_tricks.as_strided(start, shape, steps, writeable=False)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *flags: Any) -> np.ndarray:
    """Returns a tensor as a view of its storage.

    Args:
        storage: Storage of the tensor.
        offset: Index of its first element.
        shape: Shape of the tensor.
        strides: Strides in elements.
        flags: requires_grad, hooks and, in newer files, a dict such as {"conj": True}.
    """
    if not isinstance(storage, _Storage):
        refuse(f"a tensor in {describe(storage)}")
    if len(flags) > 2 and flags[2]:
        refuse("a tensor with a lazy conjugation or negation")
    return _view(storage.numbers, offset, shape, strides)


def _tensor_of_dtype(
    storage: Any, offset: Any, shape: Any, strides: Any, grad: Any, hooks: Any, dtype: Any, *_: Any
) -> np.ndarray:
    """Returns a tensor of a dtype without storage type, as a view of an untyped storage."""
    code = _DTYPES.get(_name(dtype))
    if code is None or not isinstance(storage, _Storage) or storage.numbers.itemsize != 1:
        refuse(f"a tensor of {_name(dtype)} in {describe(storage)}")
    return _view(storage.numbers.view(code), offset, shape, strides)


def _parameter(tensor: Any, *flags: Any) -> np.ndarray:
    """Returns the tensor of a parameter."""
    if not isinstance(tensor, np.ndarray):
        refuse(f"a parameter made of {describe(tensor)}")
    return tensor


def _size(numbers: Any = ()) -> tuple[Any, ...]:
    """Returns a torch.Size as a tuple."""
    if not isinstance(numbers, (tuple, list)):
        refuse(f"a torch.Size of {describe(numbers)}")
    return tuple(numbers)


_STORAGE_NAMES = {name.rpartition(".")[2]: None for name in _STORAGES}
_ALLOWED = {
    **allow("torch", **_STORAGE_NAMES, Size=_size, device=Inert),
    **allow("torch", **{name.rpartition(".")[2]: None for name in _DTYPES}),
    **allow("torch.storage", UntypedStorage=None),
    **allow("torch._utils", _rebuild_tensor=_tensor, _rebuild_tensor_v2=_tensor),
    **allow("torch._utils", _rebuild_tensor_v3=_tensor_of_dtype, _rebuild_parameter=_parameter),
    # Published checkpoints of OpenMMLab contain these objects in addition to their weights.
    **allow("mmengine.logging.history_buffer", HistoryBuffer=Inert),
    **allow("mmengine.config.config", ConfigDict=Inert, Config=Inert),
    **allow("mmcv.utils.config", ConfigDict=Inert, Config=Inert),
}


def _name(kind: Any) -> str:
    """Returns the name of a type that a pickle refers to, or a description of another value."""
    return kind.name if isinstance(kind, Global) else describe(kind)


def _storage_id(pid: Any) -> tuple[str, str, int]:
    """Returns the key, number format and number of elements of a storage.

    Args:
        pid: Persistent id: ("storage", type, key, device, elements, ...).

    Raises:
        RefusedError: If the id is of another form, or the storage of another type.
    """
    if not isinstance(pid, tuple) or len(pid) not in (5, 6) or pid[0] != "storage":
        refuse("a persistent id that is not that of a storage")
    code = _STORAGES.get(_name(pid[1]))
    key, count = pid[2], pid[4]
    if code is None or not isinstance(key, str) or type(count) is not int or count < 0:
        refuse(f"a storage of {_name(pid[1])}")
    return key, code, count


def _bytes_of(code: str, count: int) -> int:
    """Returns the size in bytes of so many numbers of a format."""
    return count * (2 if code == BFLOAT16 else np.dtype(code).itemsize)


def read_torch_zip(path: Path) -> Any:
    """Returns the content of a file written by ``torch.save`` since PyTorch 1.6.

    Args:
        path: Path of the zip file.

    Returns:
        What was saved, usually a dict; tensors and parameters are read-only NumPy arrays in their
        own dtypes, with bfloat16 as float32.

    Raises:
        RefusedError: If the file requests anything but tensors and plain values.
        InputError: If the file is missing or damaged, or was not written by ``torch.save``.
    """
    records = _records(path)
    pickles = [name for name in records if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise InputError(
            f"{path}: a zip file without exactly one data.pkl, so not from torch.save; unpack it "
            "and pass the weights file inside"
        )
    folder = pickles[0].removesuffix("data.pkl")
    order = ">" if records.get(folder + "byteorder") == b"big" else "<"
    storages: dict[str, tuple[str, int, _Storage]] = {}

    def storage(pid: Any) -> _Storage:
        key, code, count = _storage_id(pid)
        if key not in storages:
            raw, wanted = records[f"{folder}data/{key}"], _bytes_of(code, count)
            if len(raw) != wanted:
                refuse(f"{wanted} bytes from record data/{key}, which has {len(raw)}")
            storages[key] = (code, count, _Storage(decode(raw, code, order)))
        if storages[key][:2] != (code, count):
            refuse(f"record data/{key} as two different storages")
        return storages[key][2]

    return unpickle(io.BytesIO(records[pickles[0]]), path, _ALLOWED, storage)


def _records(path: Path) -> dict[str, bytes]:
    """Returns the contents of a zip file by name; torch.save writes them without compression.

    Raises:
        InputError: If the file is damaged, compressed, or has overlapping records.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            stored = all(entry.compress_type == zipfile.ZIP_STORED for entry in entries)
            if not stored or sum(entry.file_size for entry in entries) > path.stat().st_size:
                raise zipfile.BadZipFile("its records are compressed or overlap")
            return {entry.filename: archive.read(entry) for entry in entries}
    except Exception as error:  # a damaged zip file can raise nearly any exception
        raise InputError(
            f"{path}: truncated or damaged zip file ({error}); download it again"
        ) from error


def read_torch_stream(path: Path) -> Any:
    """Returns the content of a file written by ``torch.save`` before PyTorch 1.6.

    The format is five pickles, then the number of elements and the bytes of every storage.

    Args:
        path: Path of the file.

    Returns:
        What was saved, as from `read_torch_zip`.

    Raises:
        FileNotFoundError: If there is no such file.
        RefusedError: If the file requests anything but tensors and plain values.
        InputError: If the file is truncated or damaged.
    """
    with path.open("rb") as stream:
        for _ in ("magic number", "protocol version", "system"):
            unpickle(stream, path)
        storages: dict[str, tuple[str, int, _Storage]] = {}
        size = path.stat().st_size
        budget = Budget(size)

        def storage(pid: Any) -> _Storage:
            key, code, count = _storage_id(pid)
            if key not in storages:
                if _bytes_of(code, count) > size:
                    refuse(f"a storage of {count} elements from a file of {size} bytes")
                budget.use(2 * _bytes_of(code, count))  # bfloat16 becomes float32
                empty = np.empty(count, "f4" if code == BFLOAT16 else code)
                storages[key] = (code, count, _Storage(empty))
            if storages[key][:2] != (code, count):
                refuse(f"storage {key} as two different storages")
            whole = storages[key][2]
            if len(pid) == 6 and pid[5] is not None:  # PyTorch < 0.4: a part of another storage
                _, offset, length = pid[5]
                return _Storage(_view(whole.numbers, offset, (length,), (1,)))
            return whole

        content = unpickle(stream, path, _ALLOWED, storage, budget)
        keys = unpickle(stream, path)
        if not isinstance(keys, list) or sorted(map(str, keys)) != sorted(storages):
            raise InputError(
                f"{path}: damaged: its list of storages is not the one that its tensors use; "
                "download it again"
            )
        for key in keys:
            _fill(stream, path, key, *storages[key])
    return content


def _fill(stream: BinaryIO, path: Path, key: str, code: str, count: int, storage: _Storage) -> None:
    """Reads the numbers of a storage into its memory, which the tensors are views of.

    Args:
        stream: Stream at the number of elements of the storage.
        path: Path of the file, for messages.
        key: Key of the storage, for messages.
        code: Number format of the storage.
        count: Number of its elements.
        storage: Storage that is filled.

    Raises:
        InputError: If the file is truncated or states another number of elements.
    """
    wanted = _bytes_of(code, count)
    header, raw = stream.read(8), stream.read(wanted)
    if len(header) < 8 or len(raw) < wanted or int.from_bytes(header, "little") != count:
        raise InputError(
            f"{path}: truncated or damaged in storage {key}: {len(raw)} of {wanted} bytes; "
            "download the file again"
        )
    storage.numbers[:] = decode(raw, code)
