"""Reads the weights in a published file, whatever its format, without executing anything in it.

Source: the formats of ``paddle.save`` (paddle/framework/io.py, 3.3), ``torch.save`` (see
    `torch_files`) and safetensors 0.8; `tflite` and `tfjs` name their own.
Checked against: files written by paddle 3.3.1, torch 2.13 and safetensors 0.8.
Differs: static-graph tensors, which ``paddle.save`` stores as a call of ``eval``, are refused.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.environment import needed
from paddle_pose.errors import InputError
from paddle_pose.io import manifest
from paddle_pose.weights.formats import torch_files
from paddle_pose.weights.formats.number_formats import BFLOAT16, decode, widen_bfloat16
from paddle_pose.weights.formats.safe_pickle import read_pickle
from paddle_pose.weights.formats.tfjs import read_tfjs
from paddle_pose.weights.formats.tflite import read_tflite

_WRAPPERS = ("state_dict", "model", "model_state_dict")  # where checkpoints keep the network
_PADDLE_NAMES = "StructuredToParameterName@@"
_PADDLE_PARTS = "UnpackBigParamInfor@@"  # sic
_SAFETENSORS = {
    **{"F64": "f8", "F32": "f4", "F16": "f2", "BF16": BFLOAT16, "BOOL": "b1"},
    **{"I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1"},
    **{"U64": "u8", "U32": "u4", "U16": "u2", "U8": "u1"},
}
_NOT_WEIGHTS = (  # first bytes, what such a file is, what to do
    (b"<", "a web page", "fetch it again from the file's own link"),
    (b"version https://git-lfs", "a Git LFS pointer", "run `git lfs pull`"),
    (b"\x1f\x8b", "a gzip archive", "unpack it and name the weights inside"),
)
_READABLE = ".pdparams, .pdopt, .pth, .pt, .safetensors, .tflite and TFJS's .json files are read"


def read_weights(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Reads named tensors from a ``.pdparams``, ``.pdopt``, ``.pth``, ``.safetensors``, ``.tflite`` or TFJS ``.json`` file.

    The content decides about the format, not the extension. Of a checkpoint that holds more than
    its network (under ``state_dict`` or ``model``) only the network is returned; ``module.`` before
    every name is dropped; nested names are joined by dots, lone numbers become 0-d arrays, bfloat16
    becomes float32. Arrays may be read-only. A file that a checkpoint's manifest lists is compared
    with it first.

    Args:
        path: the file.

    Returns:
        Name -> array, in the file's order.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If the file is empty, truncated, of another kind, not as the manifest beside it says, holds no
            tensors, or one with a number that is not finite;
            its subclass `allow_list.RefusedError` if the file wants to run anything.
        MissingDependencyError: If a .safetensors or .tflite file is named and the package that reads it is not installed.

    Example:
        >>> import tempfile, safetensors.numpy
        >>> with tempfile.NamedTemporaryFile() as file:
        ...     safetensors.numpy.save_file({"module.bias": np.ones(2, np.float32)}, file.name)
        ...     read_weights(file.name)
        {'bias': array([1., 1.], dtype=float32)}
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such weights file; check the path or download it")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name the file inside it, such as model.pdparams")
    manifest.check_file(path)
    reader = _reader(path)
    content = reader(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds a {type(content).__name__}, expected named tensors")
    tensors = _flat(_join_parts(_network(content), path), path)
    if not any(tensor.ndim for tensor in tensors.values()):
        raise InputError(f"{path}: holds no tensors; name the file with the network's weights")
    if all(name.startswith("module.") for name in tensors):  # torch's DataParallel
        tensors = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    if reader is read_pickle:  # Paddle stores bfloat16 as uint16
        tensors = {n: widen_bfloat16(t) if t.dtype == np.uint16 else t for n, t in tensors.items()}
    _check_finite(tensors, path)
    return tensors


def check_kind(path: Path) -> None:
    """Refuses a file whose first bytes are of no format that `read_weights` reads; the rest is not read.

    Args:
        path: The file.

    Raises:
        InputError: If it is empty, or of another kind.
    """
    _reader(path)


def _check_finite(tensors: dict[str, np.ndarray], path: Path) -> None:
    for name, tensor in tensors.items():
        if tensor.dtype.kind in "fc" and not np.isfinite(tensor).all():
            bad = tensor.size - np.count_nonzero(np.isfinite(tensor))
            raise InputError(
                f"{path}: {bad} of {tensor.size} numbers of {name!r} are NaN or infinite, expected finite ones; take an "
                "earlier checkpoint or fetch the file again"
            )


def _reader(path: Path) -> Callable[[Path], Any]:
    """Returns the function that reads this kind of file."""
    with path.open("rb") as stream:
        head = stream.read(64)
    if not head:
        raise InputError(f"{path}: the file is empty; fetch it again")
    if head.startswith(b"PK\x03\x04"):
        return torch_files.read_torch_zip
    if head[0] == 0x80:  # a pickle of protocol 2 or later
        return torch_files.read_torch_stream if torch_files.MAGIC in head else read_pickle
    if (
        head.lstrip().startswith(b"{") and b"\0" not in head
    ):  # safetensors begin with a number of eight bytes
        return read_tfjs
    if head[8:9] == b"{":
        return _read_safetensors
    if head[4:8] == b"TFL3":
        return read_tflite
    for start, kind, fix in _NOT_WEIGHTS:
        if head.lstrip().startswith(start):
            raise InputError(f"{path}: is {kind}, not weights; {fix}")
    raise InputError(f"{path}: unknown format, it begins with {head[:8]!r}; {_READABLE}")


def _read_safetensors(path: Path) -> dict[str, np.ndarray]:
    library = needed("safetensors", "safetensors>=0.4.3", "train")
    try:
        entries = library.deserialize(path.read_bytes())
    except library.SafetensorError as error:
        raise InputError(
            f"{path}: truncated or damaged safetensors file ({error}); fetch it again"
        ) from error
    unknown = {entry["dtype"] for _, entry in entries} - set(_SAFETENSORS)
    if unknown:
        raise InputError(f"{path}: tensors of {sorted(unknown)}; read are {sorted(_SAFETENSORS)}")
    return {
        name: decode(entry["data"], _SAFETENSORS[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in entries
    }


def _network(content: dict[Any, Any]) -> dict[Any, Any]:
    for wrapper in _WRAPPERS:
        if isinstance(content.get(wrapper), dict):
            inner: dict[Any, Any] = content[wrapper]
            return inner
    return content


def _join_parts(content: dict[Any, Any], path: Path) -> dict[Any, Any]:
    """Joins what ``paddle.save`` cuts below protocol 4: tensors of a gigabyte or more, in parts."""
    cut = content.get(_PADDLE_PARTS)
    left_out = {_PADDLE_NAMES, _PADDLE_PARTS}
    joined = {}
    if cut is not None:
        try:
            for name, how in cut.items():
                parts = [content[part] for part in dict.fromkeys(how["slices"])]
                joined[name] = np.concatenate(parts).reshape(how["OriginShape"])
                left_out.update(how["slices"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}: damaged: cannot join the parts of its large tensors ({error!r})"
            ) from error
    return {name: value for name, value in content.items() if name not in left_out} | joined


def _flat(
    content: dict[Any, Any], path: Path, prefix: str = "", seen: frozenset[int] = frozenset()
) -> dict[str, np.ndarray]:
    """Returns name -> tensor of a dict of dicts; the names of nested ones are joined by dots."""
    if id(content) in seen or len(seen) > 8:
        raise InputError(f"{path}: {prefix[:60]!r} is nested too deeply, or in itself; not weights")
    tensors: dict[str, np.ndarray] = {}
    for key, value in content.items():
        name = f"{prefix}{key}"
        if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str):
            value = value[1]  # paddle.save of a tensor within other things: (its name, its numbers)
        if isinstance(value, dict):
            inner = _flat(value, path, f"{name}.", seen | {id(content)})
        elif isinstance(value, (np.ndarray, np.generic, float, int)):
            inner = {name: np.asarray(value)}
        else:
            raise InputError(f"{path}: {name!r} is a {type(value).__name__}, expected a tensor")
        if tensors.keys() & inner:
            raise InputError(f"{path}: two tensors are called {min(tensors.keys() & inner)!r}")
        tensors |= inner
    return tensors
