"""Writes pickles with arbitrary names, and the formats of torch.save, without torch."""

import io
import pickle
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001
STORAGE_TYPES = {
    "float32": "FloatStorage",
    "float64": "DoubleStorage",
    "float16": "HalfStorage",
    "bfloat16": "BFloat16Storage",
    "int64": "LongStorage",
    "int32": "IntStorage",
    "int16": "ShortStorage",
    "int8": "CharStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
    "complex64": "ComplexFloatStorage",
}


@dataclass(frozen=True)
class Name:
    """Pickled as a reference to module.name."""

    module: str
    name: str


@dataclass(frozen=True)
class Call:
    """Pickled as a call of a name."""

    name: Any
    arguments: Any = ()


@dataclass(frozen=True)
class Built:
    """Pickled as an object, followed by BUILD with a state."""

    target: Any
    state: Any


@dataclass(frozen=True, eq=False)
class Storage:
    """The numbers of tensors; bfloat16 numbers are given as uint16 bits."""

    key: str
    numbers: np.ndarray
    kind: Any = None  # type of the storage; None for that of the numbers

    @property
    def pid(self) -> tuple[Any, ...]:
        kind = self.kind or str(self.numbers.dtype)
        kind = Name("torch", STORAGE_TYPES[kind]) if isinstance(kind, str) else kind
        return ("storage", kind, self.key, "cpu", self.numbers.size)


@dataclass
class Writer(pickle._Pickler):
    """A pickler of the classes above."""

    file: io.BytesIO
    protocol: int = 2
    stream: bool = False
    storages: dict[str, Storage] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(self.file, self.protocol)

    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, Storage):
            return None
        self.storages[obj.key] = obj
        return (*obj.pid, None) if self.stream else obj.pid

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if isinstance(obj, Name) and self.protocol < 4:
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
        elif isinstance(obj, Name):
            self.save(obj.module)
            self.save(obj.name)
            self.write(pickle.STACK_GLOBAL)
        elif isinstance(obj, Call):
            self.save(obj.name)
            self.save(obj.arguments)
            self.write(pickle.REDUCE)
        elif isinstance(obj, Built):
            self.save(obj.target)
            self.save(obj.state)
            self.write(pickle.BUILD)
        else:
            super().save(obj, save_persistent_id)


def pickled(content: Any, protocol: int = 2) -> bytes:
    file = io.BytesIO()
    Writer(file, protocol).dump(content)
    return file.getvalue()


def tensor(storage: Storage, shape: tuple, strides: tuple, offset: int = 0) -> Call:
    """Returns a tensor as torch pickles it, a view of a storage; strides and offset in elements."""
    arguments = (storage, offset, shape, strides, False, Call(Name("collections", "OrderedDict")))
    return Call(Name("torch._utils", "_rebuild_tensor_v2"), arguments)


def whole(key: str, numbers: np.ndarray, kind: Any = None) -> Call:
    """Returns a tensor that is its complete storage."""
    strides = tuple(s // numbers.itemsize for s in numbers.strides)
    return tensor(Storage(key, numbers.ravel(), kind), numbers.shape, strides)


def write_zip(path: Path, content: Any, protocol: int = 2, big_endian: bool = False) -> None:
    """Writes the zip format of torch.save since version 1.6."""
    file = io.BytesIO()
    writer = Writer(file, protocol)
    writer.dump(content)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", file.getvalue())
        archive.writestr("archive/byteorder", "big" if big_endian else "little")
        for storage in writer.storages.values():
            order = storage.numbers.dtype.newbyteorder(">" if big_endian else "<")
            archive.writestr(f"archive/data/{storage.key}", storage.numbers.astype(order).tobytes())
        archive.writestr("archive/version", "3\n")


def write_stream(path: Path, content: Any, protocol: int = 2, keys: Any = None) -> None:
    """Writes the format of torch.save before version 1.6."""
    file = io.BytesIO()
    for start in (MAGIC, VERSION, {"protocol_version": VERSION, "little_endian": True}):
        file.write(pickled(start, protocol))
    writer = Writer(file, protocol, stream=True)
    writer.dump(content)
    file.write(pickled(sorted(writer.storages) if keys is None else keys, protocol))
    for key in sorted(writer.storages):
        numbers = writer.storages[key].numbers
        file.write(np.int64(numbers.size).tobytes() + numbers.tobytes())
    path.write_bytes(file.getvalue())
