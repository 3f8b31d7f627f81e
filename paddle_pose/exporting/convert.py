"""Conversion of a Paddle program to an ONNX file, and of an ONNX file to the OpenVINO format.

Source: paddle2onnx 2.1 (it reads the .json programs of Paddle 3), the optimized model files of ONNX
    Runtime, `openvino.save_model`.
Checked against: the outputs of the network, which every export compares; see `exporting.verify`.
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
"""Operator set of the ONNX files."""
EXTRA = "export"
"""Extra of this package that installs what exporting needs."""


def program_to_onnx(program: Path, target: Path, names: Sequence[str]) -> None:
    """Converts a Paddle program to an ONNX file for batches of any size.

    The file has no export metadata; `put_metadata` adds them.

    Args:
        program: Path of the .json file that `program.save_program` wrote; the .pdiparams file is in
            the same folder.
        target: Path of the .onnx file, which is replaced if it exists.
        names: Names of the outputs, in the program's order.

    Raises:
        MissingDependencyError: If paddle2onnx, onnx or ONNX Runtime is not installed.
        InputError: If paddle2onnx cannot convert an operator.
    """
    python_note = "; no release supports Python 3.13" if sys.version_info >= (3, 13) else ""
    converter = needed("paddle2onnx", "paddle2onnx==2.1.0", EXTRA, python_note)
    onnx = needed("onnx", "onnx>=1.16", EXTRA)
    try:
        # The default of paddle2onnx, optimize_tool="polygraphy", would run pip.
        with _captured() as written:
            content = converter.export(
                str(program),
                str(program.with_suffix(".pdiparams")),
                opset_version=OPSET,
                optimize_tool="none",
            )
    except UnboundLocalError as problem:  # paddle2onnx logs its error and continues without result
        raise InputError(
            f"{program}: paddle2onnx could not convert it: {''.join(written).strip()}"
        ) from problem
    model = onnx.load_model_from_string(content)
    renamed = dict(zip((output.name for output in model.graph.output), names, strict=True))
    for node in model.graph.node:
        for tensors in (node.input, node.output):
            for index, name in enumerate(tensors):
                tensors[index] = renamed.get(name, name)
    for value in (*model.graph.input, *model.graph.output):
        value.name = renamed.get(value.name, value.name)
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    onnx.save_model(model, str(target))
    _fold(target)


@contextlib.contextmanager
def _captured() -> Iterator[list[str]]:
    """Captures the output of Python and C++ code on the standard streams.

    paddle2onnx writes lines such as "[Paddle2ONNX] Start parsing ..." there.

    Yields:
        List that contains the captured text after the block has ended, also with an error.
    """
    written: list[str] = []
    # In notebooks the streams of Python are not the file descriptors, so both are redirected.
    text = io.StringIO()
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
    """Folds constants and batch normalisations of an ONNX file, in place."""
    runtime = needed("onnxruntime", "onnxruntime>=1.17", EXTRA)
    onnx = needed("onnx", "onnx>=1.16", EXTRA)
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    options.log_severity_level = 3  # errors only: warnings list every folded initializer
    runtime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    onnx.checker.check_model(str(path), full_check=True)


def put_metadata(path: Path, text: str) -> None:
    """Writes export metadata into an ONNX file and removes the operator sets that no node uses.

    Other custom metadata in the file are removed.

    Args:
        path: Path of the .onnx file, which is changed in place.
        text: Export metadata as JSON text, see `metadata.build_metadata`; they are stored under the
            key `METADATA_KEY`.

    Raises:
        MissingDependencyError: If onnx is not installed.
    """
    onnx = needed("onnx", "onnx>=1.16", EXTRA)
    model: Any = onnx.load_model(str(path))
    used = {node.domain for node in model.graph.node}
    sets = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(sets)
    onnx.helper.set_model_props(model, {METADATA_KEY: text})
    onnx.save_model(model, str(path))


def onnx_to_openvino(source: Path, target: Path) -> None:
    """Converts an ONNX file to OpenVINO's `<name>.xml` and `<name>.bin` in the same precision.

    Args:
        source: Path of the .onnx file.
        target: Path of the .xml file; the .bin file is written beside it.

    Raises:
        MissingDependencyError: If OpenVINO is not installed.
    """
    openvino = needed("openvino", "openvino>=2024.0", EXTRA)
    openvino.save_model(
        openvino.Core().read_model(str(source)), str(target), compress_to_fp16=False
    )
