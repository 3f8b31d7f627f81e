"""Reads the weights of a file in any supported format without executing anything in it.

Source: the formats of ``paddle.save`` (paddle/framework/io.py, 3.3), ``torch.save`` (see
    `torch_files`) and safetensors 0.8; the modules `tflite` and `tfjs` state their own sources.
Checked against: files written by paddle 3.3.1, torch 2.13 and safetensors 0.8.
Differs: static-graph tensors, which ``paddle.save`` stores as a call of ``eval``, are refused.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.environment import needed
from paddle_pose.errors import InputError
from paddle_pose.io import manifest
from paddle_pose.io.limits import Budget
from paddle_pose.weights.formats import torch_files
from paddle_pose.weights.formats.number_formats import BFLOAT16, decode, widen_bfloat16
from paddle_pose.weights.formats.safe_pickle import read_pickle
from paddle_pose.weights.formats.tfjs import read_tfjs
from paddle_pose.weights.formats.tflite import read_tflite

_WRAPPERS = ("state_dict", "model", "model_state_dict")  # keys of the network in a checkpoint
_PADDLE_NAMES = "StructuredToParameterName@@"
_PADDLE_PARTS = "UnpackBigParamInfor@@"  # sic
_SAFETENSORS = {
    **{"F64": "f8", "F32": "f4", "F16": "f2", "BF16": BFLOAT16, "BOOL": "b1"},
    **{"I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1"},
    **{"U64": "u8", "U32": "u4", "U16": "u2", "U8": "u1"},
}
_NOT_WEIGHTS = (  # (first bytes, kind of the file, what to do)
    (b"<", "a web page", "fetch it again from the file's own link"),
    (b"version https://git-lfs", "a Git LFS pointer", "run `git lfs pull`"),
    (b"\x1f\x8b", "a gzip archive", "unpack it and pass the weights file inside"),
)
_ARRAY_BYTES = 200  # of an array without its numbers, and of its name
_SUPPORTED = ".pdparams, .pdopt, .pth, .pt, .safetensors, .tflite and TensorFlow.js's .json files"


def read_weights(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Returns the named tensors of a weights file.

    The format is recognized by the content, not by the extension. From a checkpoint that contains
    more than its network (under ``state_dict`` or ``model``) only the network is returned. The
    prefix ``module.`` is removed if every name has it; nested names are joined by dots, single
    numbers become 0-d arrays, bfloat16 becomes float32. Arrays may be read-only. A file that is
    listed in the manifest of a checkpoint in its folder is first compared with its entry there, see
    `io.manifest`.

    Args:
        path: Weights file: ``.pdparams``, ``.pdopt``, ``.pth``, ``.pt``, ``.safetensors``,
            ``.tflite``, or the ``.json`` file of a TensorFlow.js model.

    Returns:
        Arrays by name, in the file's order.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If the path is a folder; if the file is empty, truncated or of another format,
            differs from its entry in the manifest, contains no tensor or two of the same name, or
            contains a number that is not finite; its subclass `allow_list.RefusedError` if reading
            the file would execute anything.
        MissingDependencyError: If the package that reads .safetensors or .tflite files is needed
            and not installed.

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
        raise InputError(f"{path}: is a folder; pass the file inside it, such as model.pdparams")
    manifest.check_file(path)
    reader = _reader(path)
    content = reader(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: contains a {type(content).__name__}, expected named tensors")
    tensors = _flat(_join_parts(_network(content), path), path)
    _check_memory(tensors.values(), path)
    if not any(tensor.ndim for tensor in tensors.values()):
        raise InputError(f"{path}: contains no tensors; pass the file with the network's weights")
    if all(name.startswith("module.") for name in tensors):  # saved from torch's DataParallel
        tensors = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    if reader is read_pickle:  # Paddle stores bfloat16 as uint16
        tensors = {n: widen_bfloat16(t) if t.dtype == np.uint16 else t for n, t in tensors.items()}
    _check_finite(tensors, path)
    return tensors


def check_kind(path: Path) -> None:
    """Raises an error unless a file begins like a format that `read_weights` reads.

    Only the first 64 bytes are read.

    Args:
        path: Weights file.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If the file is empty, or begins like none of the formats.
    """
    _reader(path)


def _check_memory(tensors: Iterable[np.ndarray], path: Path) -> None:
    """Raises InputError if copies of all tensors need more memory than a file of its size should.

    A file may contain one tensor under many names, or a view that repeats few numbers.
    """
    budget = Budget(path.stat().st_size)
    try:
        for tensor in tensors:
            budget.use(tensor.nbytes + _ARRAY_BYTES)
    except InputError as error:
        raise InputError(f"{path}: {error}; not a weights file") from error


def _check_finite(tensors: dict[str, np.ndarray], path: Path) -> None:
    """Raises InputError if a tensor contains NaN or an infinite number."""
    for name, tensor in tensors.items():
        if tensor.dtype.kind in "fc" and not np.isfinite(tensor).all():
            bad = tensor.size - np.count_nonzero(np.isfinite(tensor))
            raise InputError(
                f"{path}: {bad} of {tensor.size} numbers of {name!r} are NaN or infinite, expected "
                "finite numbers; use an earlier checkpoint or download the file again"
            )


def _reader(path: Path) -> Callable[[Path], Any]:
    """Returns the function that reads the format of a file, recognized by its first bytes.

    Raises:
        InputError: If the file is empty, or of another kind.
    """
    with path.open("rb") as stream:
        head = stream.read(64)
    if not head:
        raise InputError(f"{path}: the file is empty; download it again")
    if head.startswith(b"PK\x03\x04"):
        return torch_files.read_torch_zip
    if head[0] == 0x80:  # a pickle of protocol 2 or later
        return torch_files.read_torch_stream if torch_files.MAGIC in head else read_pickle
    # A safetensors file begins with a number of eight bytes, which can look like "{".
    if head.lstrip().startswith(b"{") and b"\0" not in head:
        return read_tfjs
    if head[8:9] == b"{":
        return _read_safetensors
    if head[4:8] == b"TFL3":
        return read_tflite
    for start, kind, fix in _NOT_WEIGHTS:
        if head.lstrip().startswith(start):
            raise InputError(f"{path}: is {kind}, not weights; {fix}")
    raise InputError(
        f"{path}: unknown format, it begins with {head[:8]!r}; supported: {_SUPPORTED}"
    )


def _read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """Returns the tensors of a safetensors file, by name.

    Raises:
        InputError: If the file is damaged, or has tensors of a dtype that is not supported.
        MissingDependencyError: If safetensors is not installed.
    """
    library = needed("safetensors", "safetensors>=0.4.3", "train")
    try:
        entries = library.deserialize(path.read_bytes())
    except library.SafetensorError as error:
        raise InputError(
            f"{path}: truncated or damaged safetensors file ({error}); download it again"
        ) from error
    unknown = {entry["dtype"] for _, entry in entries} - set(_SAFETENSORS)
    if unknown:
        raise InputError(
            f"{path}: tensors of dtype {sorted(unknown)}; supported are {sorted(_SAFETENSORS)}"
        )
    return {
        name: decode(entry["data"], _SAFETENSORS[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in entries
    }


def _network(content: dict[Any, Any]) -> dict[Any, Any]:
    """Returns the network's part of a checkpoint, or all of it if there is no such part."""
    for wrapper in _WRAPPERS:
        if isinstance(content.get(wrapper), dict):
            inner: dict[Any, Any] = content[wrapper]
            return inner
    return content


def _join_parts(content: dict[Any, Any], path: Path) -> dict[Any, Any]:
    """Returns a checkpoint with the parts of its large tensors joined.

    Below pickle protocol 4, ``paddle.save`` splits tensors of a gigabyte or more into parts.

    Raises:
        InputError: If the parts are missing or do not fit the stated shape.
    """
    cut = content.get(_PADDLE_PARTS)
    left_out = {_PADDLE_NAMES, _PADDLE_PARTS}
    joined = {}
    if cut is not None:
        try:
            for name, how in cut.items():
                parts = [content[part] for part in dict.fromkeys(how["slices"])]
                _check_memory(map(np.asarray, parts), path)
                joined[name] = np.concatenate(parts).reshape(how["OriginShape"])
                left_out.update(how["slices"])
        except InputError:
            raise
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}: damaged: cannot join the parts of its large tensors ({error!r})"
            ) from error
    return {name: value for name, value in content.items() if name not in left_out} | joined


def _flat(
    content: dict[Any, Any], path: Path, prefix: str = "", seen: frozenset[int] = frozenset()
) -> dict[str, np.ndarray]:
    """Returns the tensors of nested dicts in one dict, their names joined by dots.

    Args:
        content: Dict of tensors, numbers and further dicts.
        path: Path of the file, for messages.
        prefix: Prefix of the names of this level, with its dot.
        seen: `id` of the dicts that contain this one.

    Raises:
        InputError: If a value is no tensor, two tensors have the same name, or the nesting is too
            deep.
    """
    if id(content) in seen or len(seen) > 8:
        raise InputError(
            f"{path}: {prefix[:60]!r} is nested too deeply, or contains itself; not a weights file"
        )
    tensors: dict[str, np.ndarray] = {}
    for key, value in content.items():
        name = f"{prefix}{key}"
        if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str):
            value = value[1]  # paddle.save of a tensor inside another object: (name, array)
        if isinstance(value, dict):
            inner = _flat(value, path, f"{name}.", seen | {id(content)})
        elif isinstance(value, (np.ndarray, np.generic, float, int)):
            inner = {name: np.asarray(value)}
            if inner[name].dtype.kind == "O":
                raise InputError(f"{path}: {name!r} is an integer beyond 64 bits; not a tensor")
        else:
            raise InputError(f"{path}: {name!r} is a {type(value).__name__}, expected a tensor")
        if tensors.keys() & inner:
            raise InputError(
                f"{path}: two tensors have the name {min(tensors.keys() & inner)!r}; not a weights "
                "file"
            )
        tensors |= inner
    return tensors
