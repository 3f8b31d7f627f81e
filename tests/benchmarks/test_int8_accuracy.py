from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import int8_accuracy
from paddle_pose.engine.evaluate import Evaluation


@pytest.mark.parametrize("calibrations", [[None], [Path("a"), Path("b")]])
def test_every_backend_has_a_row_per_calibration_and_one_in_floating_point(
    monkeypatch, calibrations
):
    exported = []

    def export_model(weights, path, *, int8, calibration, **settings):
        exported.append((settings["format"], int8, calibration))
        difference = SimpleNamespace(pixels=np.array([4.0, 1.0, 1.0]))
        return SimpleNamespace(path=path, difference=difference)

    measured = Evaluation({"AP": 0.5, "AR": 0.75}, {}, intervals={"AP": (0.4, 0.6)})
    monkeypatch.setattr(int8_accuracy, "export_model", export_model)
    monkeypatch.setattr(int8_accuracy, "evaluate", lambda *args, **settings: measured)
    rows = list(int8_accuracy.rows(Path("F"), None, {}, None, calibrations))
    expected = [(False, None), *((True, source) for source in calibrations)]
    assert exported == [(format, *row) for format in ("onnx", "openvino") for row in expected]
    assert len(rows) == 3 + len(exported)
    assert all("AP 0.500 (0.400 .. 0.600)" in row for row in rows[2:])
    assert all("1.00, 2.00" in row for row in rows[3:])
