"""From Paddle's program to an ONNX file, and from there to OpenVINO's two files.

Source: paddle2onnx 2.1 (it reads the .json programs of Paddle 3), ONNX Runtime's own optimised files, `openvino.save_model`.
Checked against: every export compares its outputs with the live network, see `exporting.verify`.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from paddle_pose.backends.onnx import METADATA_KEY
from paddle_pose.environment import needed
from paddle_pose.errors import InputError

OPSET = 17
EXTRA = "export"


def program_to_onnx(program: Path, target: Path, names: Sequence[str]) -> None:
    """Converts a program.

    Args:
        program: the .json file, its .pdiparams beside it.
        target: the .onnx file.
        names: of the outputs, in the program's order.

    Raises:
        MissingDependencyError: If paddle2onnx, onnx or ONNX Runtime is not installed.
        InputError: If paddle2onnx cannot convert an operator.
    """
    note = "; there is none for Python 3.13 and later" if sys.version_info >= (3, 13) else ""
    converter = needed("paddle2onnx", "paddle2onnx==2.1.0", EXTRA, note)
    onnx = needed("onnx", "onnx>=1.16", EXTRA)
    try:
        # Its default, optimize_tool="polygraphy", runs pip on its own.
        with _captured() as written:
            content = converter.export(
                str(program),
                str(program.with_suffix(".pdiparams")),
                opset_version=OPSET,
                optimize_tool="none",
            )
    except UnboundLocalError as problem:  # it logs its error and goes on without a result
        raise InputError(
            f"{program}: paddle2onnx could not convert it: {''.join(written).strip()}"
        ) from problem
    model = onnx.load_model_from_string(content)
    renamed = dict(zip((output.name for output in model.graph.output), names, strict=True))
    for node in model.graph.node:
        for sockets in (node.input, node.output):
            for place, name in enumerate(sockets):
                sockets[place] = renamed.get(name, name)
    for value in (*model.graph.input, *model.graph.output):
        value.name = renamed.get(value.name, value.name)
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    onnx.save_model(model, str(target))
    _fold(target)


@contextlib.contextmanager
def _captured() -> Iterator[list[str]]:
    """Keeps what Python and C++ code write to the standard streams, such as paddle2onnx's "[Paddle2ONNX] Start parsing ...".

    Yields:
        A list that holds the text once the block has ended, however it ended.
    """
    written: list[str] = []
    text = (
        io.StringIO()
    )  # Python's streams need not be the file descriptors: in notebooks they are not
    with tempfile.TemporaryFile() as file, contextlib.ExitStack() as restored:
        for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):
            stream.flush()
            saved = os.dup(descriptor)
            restored.callback(os.close, saved)
            restored.callback(os.dup2, saved, descriptor)
            os.dup2(file.fileno(), descriptor)
        restored.enter_context(contextlib.redirect_stdout(text))
        restored.enter_context(contextlib.redirect_stderr(text))
        try:
            yield written
        finally:
            file.seek(0)
            written += [file.read().decode(errors="replace"), text.getvalue()]


def _fold(path: Path) -> None:
    """Folds constants and batch normalisations, once and for all."""
    runtime = needed("onnxruntime", "onnxruntime>=1.17", EXTRA)
    onnx = needed("onnx", "onnx>=1.16", EXTRA)
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    options.log_severity_level = 3  # what it folded away
    runtime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    onnx.checker.check_model(str(path), full_check=True)


def put_metadata(path: Path, text: str) -> None:
    """Writes export metadata into an ONNX file's metadata, and strikes out operator sets of which the file uses nothing."""
    onnx = needed("onnx", "onnx>=1.16", EXTRA)
    model: Any = onnx.load_model(str(path))
    used = {node.domain for node in model.graph.node}
    sets = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(sets)
    onnx.helper.set_model_props(model, {METADATA_KEY: text})
    onnx.save_model(model, str(path))


def onnx_to_openvino(source: Path, target: Path) -> None:
    """Converts an ONNX file into `<name>.xml` and `<name>.bin`, in its own precision.

    Args:
        source: the .onnx file.
        target: the .xml file.

    Raises:
        MissingDependencyError: If OpenVINO is not installed.
    """
    openvino = needed("openvino", "openvino>=2024.0", EXTRA)
    openvino.save_model(
        openvino.Core().read_model(str(source)), str(target), compress_to_fp16=False
    )
